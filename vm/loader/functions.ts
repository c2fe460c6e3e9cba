/**
 * Cuts code sections into functions and decodes them. A function starts at a symbol, at a BTF func_info record or where a
 * call or function pointer leads, and ends where the next one starts. Knows nothing of maps and programs.
 */
import type { BtfId } from '../btf/btf.js';
import type { ElfRelocation, ElfSection, ElfSymbol } from '../elf/elf.js';
import { viewOf } from '../bytes.js';
import { LoadError } from '../errors.js';
import { decode } from '../isa/decode.js';
import { SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import type { FuncId, LineInfo, Ref } from '../object/object-spec.js';
import type { LoadContext } from './load-context.js';
import { lastAtMost } from './last-at-most.js';
import { relocationError } from './load-context.js';

const OP_CALL = 0x85;
const OP_LDDW = 0x18;
const SRC_LOCAL_CALL = 1;
const SRC_FUNC = 4;
/** As many instructions as Linux lets one program have; no real object comes near in total. */
const MAX_OBJECT_SLOTS = 1_000_000;

/** A function while it is being linked: its instructions are rewritten in place. */
export interface Func {
  readonly id: FuncId;
  readonly name: string;
  readonly section: ElfSection;
  readonly startOff: number;
  readonly endOff: number;
  readonly linkage: 'global' | 'static';
  readonly weak: boolean;
  /** Whether a symbol marks it; only such functions can be programs. */
  readonly marked: boolean;
  readonly insns: Insn[];
  readonly refs: Map<number, Ref>;
  lines: readonly LineInfo[];
  btfType: BtfId | undefined;
  declTags: readonly string[];
}

export interface CodeSection {
  readonly section: ElfSection;
  /** By byte offset of the instruction. */
  readonly relocations: ReadonlyMap<number, ElfRelocation>;
  /** Ascending by startOff. */
  readonly funcs: readonly Func[];
}

export class Code {
  readonly funcs: readonly Func[];
  /** By section number. */
  readonly sections: ReadonlyMap<number, CodeSection>;
  readonly #starts = new Map<string, Func>();

  constructor(sections: ReadonlyMap<number, CodeSection>) {
    this.sections = sections;
    this.funcs = [...sections.values()].flatMap((each) => each.funcs);
    for (const func of this.funcs) this.#starts.set(startKey(func.section.index, func.startOff), func);
  }

  /** The function that starts there. */
  startingAt(sectionIndex: number, off: number): Func | undefined {
    return this.#starts.get(startKey(sectionIndex, off));
  }

  /** The function and the index in `insns` of the instruction at this offset of a section. */
  locate(sectionIndex: number, off: number): { readonly func: Func; readonly index: number } | undefined {
    const funcs = this.sections.get(sectionIndex)?.funcs ?? [];
    const func = funcs[lastAtMost(funcs, off, (each) => each.startOff)];
    if (func === undefined || off >= func.endOff) return undefined;
    const pc = (off - func.startOff) / SLOT_BYTES;
    const index = lastAtMost(func.insns, pc, (insn) => insn.pc);
    return func.insns[index]?.pc === pc ? { func, index } : undefined;
  }
}

function startKey(sectionIndex: number, off: number): string {
  return `${String(sectionIndex)}:${String(off)}`;
}

/** Byte offset that a call or function pointer with this relocation leads to, in the symbol's section. */
export function targetOff(symbol: ElfSymbol, name: Insn['name'] | 'call' | 'lddw', imm: number): number {
  const isCall = name === 'call' || name === 'call_local' || name === 'call_helper' || name === 'call_kfunc';
  // A call's addend counts slots from the next instruction, so that -1 is the symbol itself; a load's counts bytes.
  return symbol.value + (isCall ? (imm + 1) * SLOT_BYTES : imm);
}

interface Start {
  readonly name: string;
  readonly linkage: 'global' | 'static';
  readonly weak: boolean;
  readonly marked: boolean;
  readonly sizeBytes: number;
}

/** Names that BTF gives to starts: section number -> offset -> function name. */
export type NamedStarts = ReadonlyMap<number, ReadonlyMap<number, string>>;

/** Cuts and decodes all code sections. Throws `LoadError` 'load-insn', 'load-program', 'load-symbol'. */
export function readCode(ctx: LoadContext, named: NamedStarts): Code {
  const parts = new Map<number, { relocations: Map<number, ElfRelocation>; starts: Map<number, Start> }>();
  const codeSections = ctx.elf.sections.filter((section) => ctx.roles[section.index] === 'code');
  let slots = 0;
  for (const section of codeSections) {
    if (section.sizeBytes % SLOT_BYTES !== 0) {
      throw new LoadError('load-insn', `section ${section.name} is not a whole number of 8-byte instructions`, {
        where: { section: section.name, offset: section.fileOff + section.sizeBytes },
        data: { sizeBytes: section.sizeBytes },
      });
    }
    const starts = symbolStarts(ctx, section);
    if (starts.size === 0) {
      // Stripped, or from a compiler that wrote no function symbols: the section is one function.
      const label = ctx.symbols.get(section.index)?.find((each) => each.value === 0 && !/^(\.|L)/.test(each.name));
      starts.set(0, { name: label?.name ?? section.name, linkage: 'global', weak: false, marked: true, sizeBytes: 0 });
    }
    slots += section.sizeBytes / SLOT_BYTES;
    const relocations = new Map(ctx.elf.relocations(section.index).map((each) => [each.off, each]));
    parts.set(section.index, { relocations, starts });
  }
  if (slots > MAX_OBJECT_SLOTS) {
    throw new LoadError('load-program', `the object has ${String(slots)} instructions, more than a million`, {
      data: { slots },
    });
  }
  for (const [sectionIndex, offs] of named) {
    const part = parts.get(sectionIndex);
    if (part === undefined) continue;
    for (const [off, name] of offs) addStart(part.starts, off, name);
  }
  for (const section of codeSections) {
    const part = parts.get(section.index);
    if (part === undefined) continue;
    addTargets(ctx, section, part.relocations, (sectionIndex, off) => {
      const target = parts.get(sectionIndex);
      const targetSection = ctx.elf.sections[sectionIndex];
      if (target === undefined || targetSection === undefined || off < 0 || off >= targetSection.sizeBytes) return;
      addStart(target.starts, off, `${targetSection.name}+0x${off.toString(16)}`);
    });
  }
  const sections = new Map<number, CodeSection>();
  let nextId = 0;
  for (const section of codeSections) {
    const part = parts.get(section.index);
    if (part === undefined) continue;
    const funcs = cut(ctx, section, part.starts, nextId);
    nextId += funcs.length;
    sections.set(section.index, { section, relocations: part.relocations, funcs });
  }
  return new Code(sections);
}

function addStart(starts: Map<number, Start>, off: number, name: string): void {
  if (off % SLOT_BYTES !== 0 || starts.has(off)) return;
  starts.set(off, { name, linkage: 'static', weak: false, marked: false, sizeBytes: 0 });
}

/**
 * Function symbols of a section. Objects of clang before 8 leave them untyped; local untyped symbols are jump labels.
 */
function symbolStarts(ctx: LoadContext, section: ElfSection): Map<number, Start> {
  const starts = new Map<number, Start>();
  for (const symbol of ctx.symbols.get(section.index) ?? []) {
    const isFunction = symbol.type === 'func' || (symbol.type === 'notype' && symbol.binding !== 'local');
    if (!isFunction || symbol.value >= section.sizeBytes) continue;
    if (symbol.value % SLOT_BYTES !== 0) {
      throw new LoadError(
        'load-symbol',
        `function ${symbol.name} does not start at an instruction of ${section.name}`,
        {
          where: { section: section.name, offset: section.fileOff + symbol.value },
          data: { symbol: symbol.name, value: symbol.value },
        },
      );
    }
    const known = starts.get(symbol.value);
    if (known?.linkage === 'global') continue;
    if (known !== undefined && symbol.binding === 'local') continue;
    starts.set(symbol.value, {
      name: symbol.name,
      linkage: symbol.binding === 'local' || symbol.hidden ? 'static' : 'global',
      weak: symbol.binding === 'weak',
      marked: true,
      sizeBytes: symbol.sizeBytes,
    });
  }
  return starts;
}

/** Finds where calls and function pointers of a section lead. */
function addTargets(
  ctx: LoadContext,
  section: ElfSection,
  relocations: ReadonlyMap<number, ElfRelocation>,
  add: (sectionIndex: number, off: number) => void,
): void {
  const view = viewOf(ctx.elf.contents(section));
  for (let off = 0; off < view.byteLength;) {
    const op = view.getUint8(off);
    const src = view.getUint8(off + 1) >>> 4;
    const relocation = relocations.get(off);
    if (op === OP_CALL || op === OP_LDDW) {
      const imm = view.getInt32(off + 4, true);
      if (relocation !== undefined) {
        add(relocation.symbol.section, targetOff(relocation.symbol, op === OP_CALL ? 'call' : 'lddw', imm));
      } else if ((op === OP_CALL && src === SRC_LOCAL_CALL) || (op === OP_LDDW && src === SRC_FUNC)) {
        add(section.index, off + (imm + 1) * SLOT_BYTES);
      }
    }
    off += op === OP_LDDW ? 2 * SLOT_BYTES : SLOT_BYTES;
  }
}

function cut(ctx: LoadContext, section: ElfSection, starts: ReadonlyMap<number, Start>, firstId: FuncId): Func[] {
  const contents = ctx.elf.contents(section);
  const offs = [...starts.keys()].sort((a, b) => a - b);
  return offs.map((startOff, index) => {
    const start = starts.get(startOff) ?? { name: '', linkage: 'static', weak: false, marked: false, sizeBytes: 0 };
    const nextOff = offs[index + 1] ?? section.sizeBytes;
    // What lies between a function's end and the next start is padding.
    const sized = start.sizeBytes > 0 && start.sizeBytes % SLOT_BYTES === 0;
    const endOff = sized ? Math.min(nextOff, startOff + start.sizeBytes) : nextOff;
    return {
      id: firstId + index,
      name: start.name,
      section,
      startOff,
      endOff,
      linkage: start.linkage,
      weak: start.weak,
      marked: start.marked,
      insns: decodeFunction(section, start.name, contents.subarray(startOff, endOff), startOff),
      refs: new Map<number, Ref>(),
      lines: [],
      btfType: undefined,
      declTags: [],
    };
  });
}

function decodeFunction(section: ElfSection, name: string, bytes: Uint8Array, startOff: number): Insn[] {
  const result = decode(bytes);
  if (result.ok) return [...result.insns];
  const { pc, reason, message } = result.fault;
  throw new LoadError('load-insn', message, {
    where: { section: section.name, offset: section.fileOff + startOff + pc * SLOT_BYTES, func: name, pc },
    data: { reason },
  });
}

/** The function that a relocated call or function pointer leads to. */
export function relocatedFunc(
  ctx: LoadContext,
  code: Code,
  from: CodeSection,
  relocation: ElfRelocation,
  insn: Insn,
): Func {
  const off = targetOff(relocation.symbol, insn.name, insn.imm);
  const func = code.startingAt(relocation.symbol.section, off);
  if (func !== undefined) return func;
  const target = ctx.elf.sections[relocation.symbol.section]?.name ?? '?';
  throw relocationError(from.section, relocation, `no function starts at ${target}+0x${off.toString(16)}`);
}
