/**
 * From the bytes of a compiled object to an `ObjectSpec`. The same bytes and options always give the same spec. Knows
 * nothing of memory, engines or the verifier.
 */
import type { Btf } from '../btf/btf.js';
import { parseBtf } from '../btf/btf.js';
import { parseElf } from '../elf/elf.js';
import type { ElfFile } from '../elf/elf.js';
import { naming } from '../errors.js';
import { decodeText } from '../host.js';
import type { FunctionSpec, ObjectSpec } from '../object/object-spec.js';
import type { ProgTypeName } from '../spec/prog-types.js';
import { addBtfMaps } from './btf-maps.js';
import { CoreRelocator } from './core/core-relocate.js';
import { addDataMaps } from './data-maps.js';
import { addDebugInfo, namedStarts, readDebugInfo } from './debug-info.js';
import type { DebugInfo } from './debug-info.js';
import { readKsyms } from './externs.js';
import type { Code, Func } from './functions.js';
import { readCode } from './functions.js';
import { addKconfig } from './kconfig.js';
import type { Kconfig } from './kconfig.js';
import { addLegacyMaps } from './legacy-maps.js';
import { groupSymbols, NoteList, roleOf } from './load-context.js';
import type { LoadContext } from './load-context.js';
import { ObjectMaps } from './object-maps.js';
import { addMapValues } from './map-values.js';
import { makePrograms } from './programs.js';
import { relocate } from './relocate.js';
import { addTailTags } from './tail-tags.js';

export interface LoadOptions {
  /** The file's name, for messages. */
  readonly name?: string;
  /** BTF of the kernel that CO-RE relocations are made against. */
  readonly targetBtf?: Uint8Array | Btf;
  /** CONFIG_ options for `__kconfig` variables. */
  readonly kconfig?: Kconfig;
  /** Type of programs whose section's name says nothing, as `ip` and `tc` know it from their command line. */
  readonly progType?: ProgTypeName;
}

/**
 * Loads an object file. Throws `ElfError`, `BtfError` or `LoadError`; what is merely not runnable is kept, and said in
 * `notes`, in refs of kind `unsupported` and in `ProgramSpec.unsupported`.
 */
export function loadObject(bytes: Uint8Array, options: LoadOptions = {}): ObjectSpec {
  const { name } = options;
  return name === undefined ? load(bytes, options) : naming(name, () => load(bytes, options));
}

function load(bytes: Uint8Array, options: LoadOptions): ObjectSpec {
  const elf = parseElf(bytes);
  const ctx = makeContext(elf);
  const maps = new ObjectMaps();
  const places = addBtfMaps(ctx, maps);
  addLegacyMaps(ctx, maps);
  addDataMaps(ctx, maps);
  const externs = readKsyms(ctx);
  addKconfig(ctx, maps, options.kconfig ?? {}, externs);

  const debug = readDebugInfo(ctx);
  const code = readCode(ctx, namedStarts(ctx, debug));
  relocate({ ctx, code, maps, externs });
  addMapValues(ctx, maps, code, places);
  addDebugInfo(ctx, code, debug);
  addTailTags(ctx, maps, code);
  relocateCore(ctx, code, debug, options.targetBtf);
  const programs = makePrograms(ctx, code, options.progType);
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
    datasec: memoize((name) => {
      const id = btf?.idsNamed(name).find((each) => btf.kind(each) === 'datasec');
      const type = id === undefined ? undefined : btf?.type(id);
      return id === undefined || type?.kind !== 'datasec' ? undefined : { id, ...type };
    }),
  };
}

function memoize<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined || made.has(name)) return known as T;
    const value = make(name);
    made.set(name, value);
    return value;
  };
}

function relocateCore(ctx: LoadContext, code: Code, debug: DebugInfo, targetBtf: Uint8Array | Btf | undefined): void {
  if (ctx.btf === undefined || debug.core.size === 0) return;
  const target = targetBtf instanceof Uint8Array ? parseBtf(targetBtf, 'target BTF') : targetBtf;
  const relocator = new CoreRelocator(ctx.btf, target, ctx.notes);
  for (const [section, relocations] of debug.core) relocator.relocate(code, section, relocations);
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
