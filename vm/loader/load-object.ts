/**
 * From the bytes of a compiled object to an `ObjectSpec`. The same bytes and options always give the same spec. Knows
 * nothing of memory, engines or the verifier.
 */
import type { Btf } from '../btf/btf.js';
import { parseBtf } from '../btf/btf.js';
import { parseElf } from '../elf/elf.js';
import type { ElfFile } from '../elf/elf.js';
import { decodeText } from '../host.js';
import type { FunctionSpec, ObjectSpec } from '../object/object-spec.js';
import { addBtfMaps } from './btf-maps.js';
import { addDataMaps } from './data-maps.js';
import { readKsyms } from './externs.js';
import type { Func } from './functions.js';
import { readCode } from './functions.js';
import { groupSymbols, NoteList, roleOf } from './load-context.js';
import type { LoadContext } from './load-context.js';
import { ObjectMaps } from './object-maps.js';
import { makePrograms } from './programs.js';
import { relocate } from './relocate.js';

export interface LoadOptions {
  /** The file's name, for messages. */
  readonly name?: string;
  /** BTF of the kernel that CO-RE relocations are made against. */
  readonly targetBtf?: Uint8Array | Btf;
}

/**
 * Loads an object file. Throws `ElfError`, `BtfError` or `LoadError`; what is merely not runnable is kept, and said in
 * `notes`, in refs of kind `unsupported` and in `ProgramSpec.unsupported`.
 */
export function loadObject(bytes: Uint8Array, options: LoadOptions = {}): ObjectSpec {
  const elf = parseElf(bytes);
  const ctx = makeContext(elf);
  const maps = new ObjectMaps();
  addBtfMaps(ctx, maps);
  addDataMaps(ctx, maps);
  const code = readCode(ctx, new Map());
  relocate({ ctx, code, maps, externs: readKsyms(ctx) });
  const programs = makePrograms(ctx, code, () => []);
  return {
    name: options.name ?? '',
    license: textOf(ctx, 'license'),
    functions: code.funcs.map(functionSpec),
    programs,
    maps: maps.specs,
    ...(ctx.btf === undefined ? {} : { btf: ctx.btf }),
    notes: ctx.notes.all(),
  };
}

function makeContext(elf: ElfFile): LoadContext {
  const btfSection = elf.sections.find((section) => section.name === '.BTF' && section.sizeBytes > 0);
  const btf = btfSection === undefined ? undefined : parseBtf(elf.contents(btfSection), btfSection.name);
  return {
    elf,
    btf,
    roles: elf.sections.map(roleOf),
    notes: new NoteList(),
    symbols: groupSymbols(elf),
    datasec: (name) => {
      const id = btf?.idsNamed(name).find((each) => btf.kind(each) === 'datasec');
      const type = id === undefined ? undefined : btf?.type(id);
      return type?.kind === 'datasec' ? type : undefined;
    },
  };
}

function textOf(ctx: LoadContext, role: 'license'): string {
  const section = ctx.elf.sections.find((each) => ctx.roles[each.index] === role);
  return section === undefined ? '' : decodeText(ctx.elf.contents(section)).replace(/\0.*$/s, '');
}

function functionSpec(func: Func): FunctionSpec {
  return {
    name: func.name,
    section: func.section.name,
    sectionOff: func.startOff,
    linkage: func.linkage,
    insns: func.insns,
    refs: func.refs,
    lines: func.lines,
    ...(func.btfType === undefined ? {} : { btfType: func.btfType }),
  };
}
