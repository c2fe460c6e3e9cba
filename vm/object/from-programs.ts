/**
 * An `ObjectSpec` from bare streams of instructions, one a program, each cut into functions where local calls and
 * function pointers lead. Knows nothing of ELF.
 */
import type { Btf } from '../btf/btf.js';
import { LoadError } from '../errors.js';
import { decode } from '../isa/decode.js';
import { SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';
import type { FuncId, FunctionSpec, LineInfo, MapSpec, ObjectSpec, ProgramSpec, Ref } from './object-spec.js';

/** What is known of a function beside its instructions. */
export interface BareFunction {
  readonly name?: string;
  readonly linkage?: 'global' | 'static';
  /** BTF id of its FUNC type. */
  readonly btfType?: number;
}

/** A program as `BPF_PROG_LOAD` gets it: one stream, entry first. */
export interface BareProgram {
  readonly name: string;
  readonly section: string;
  readonly type: ProgTypeName;
  readonly attachType?: AttachTypeName;
  readonly attachTo?: string;
  /** `prog_flags` of bpf(2). */
  readonly flags?: number;
  /** Instructions; map loads have the map's index in their immediate. */
  readonly bytes: Uint8Array;
  /** Functions by the slot they start at; those that something calls need not be named. */
  readonly functions?: ReadonlyMap<number, BareFunction>;
  /** Names of kfuncs by the slot of their call. */
  readonly kfuncs?: ReadonlyMap<number, string>;
  /** Names of kernel symbols by the slot of the load of their address. */
  readonly symbols?: ReadonlyMap<number, string>;
  /** Source lines, sorted by slot. */
  readonly lines?: readonly LineInfo[];
}

export interface FromProgramsOptions {
  readonly name: string;
  readonly license: string;
  readonly maps: readonly MapSpec[];
  readonly btf?: Btf;
}

/**
 * Builds the object. Throws `LoadError` 'load-insn' (no instruction, or not decodable; `where.offset` is a byte offset)
 * and 'load-relocation' (a call to somewhere that is no instruction).
 */
export function objectFromPrograms(programs: readonly BareProgram[], options: FromProgramsOptions): ObjectSpec {
  const functions: FunctionSpec[] = [];
  const specs = programs.map((program): ProgramSpec => {
    const func = functions.length;
    functions.push(...cut(program, func, options.maps.length));
    const { name, section, type, attachType, attachTo, flags = 0 } = program;
    return {
      name,
      section,
      type,
      ...(attachType === undefined ? {} : { attachType }),
      ...(attachTo === undefined ? {} : { attachTo }),
      flags,
      func,
      functions: reachable(functions, func),
      declTags: [],
    };
  });
  const { name, license, maps, btf } = options;
  return { name, license, functions, programs: specs, maps, ...(btf === undefined ? {} : { btf }), notes: [] };
}

function targetPc(insn: Insn): number | undefined {
  return insn.name === 'call_local' || insn.name === 'ld_func' ? insn.pc + insn.imm + 1 : undefined;
}

function decodeAll({ bytes, name }: BareProgram): readonly Insn[] {
  const result = decode(bytes);
  if (!result.ok) {
    const { pc, reason, message } = result.fault;
    throw new LoadError('load-insn', message, {
      where: { offset: pc * SLOT_BYTES, pc },
      data: { reason },
    });
  }
  if (result.insns.length > 0) return result.insns;
  throw new LoadError('load-insn', 'there is no instruction', { where: { offset: 0 }, data: { program: name } });
}

/** @param first id of the program's own function */
function cut(program: BareProgram, first: FuncId, mapCount: number): FunctionSpec[] {
  const insns = decodeAll(program);
  const pcs = new Set(insns.map((insn) => insn.pc));
  const starts = new Set([0]);
  for (const pc of program.functions?.keys() ?? []) if (pcs.has(pc)) starts.add(pc);
  for (const insn of insns) {
    const target = targetPc(insn);
    if (target === undefined) continue;
    if (!pcs.has(target)) {
      throw new LoadError('load-relocation', `no instruction starts at pc ${String(target)}, where the call leads`, {
        where: { offset: insn.pc * SLOT_BYTES, func: program.name, pc: insn.pc },
        data: { target },
      });
    }
    starts.add(target);
  }
  const ids = [...starts].sort((a, b) => a - b);
  const idOf = new Map(ids.map((pc, id) => [pc, first + id]));
  const functions: { startPc: number; insns: Insn[]; refs: Map<number, Ref> }[] = [];
  for (const insn of insns) {
    if (idOf.has(insn.pc)) functions.push({ startPc: insn.pc, insns: [], refs: new Map() });
    const func = functions.at(-1);
    if (func === undefined) continue;
    const ref = refOf(insn, idOf, program, mapCount);
    if (ref !== undefined) func.refs.set(func.insns.length, ref);
    func.insns.push({ ...insn, pc: insn.pc - func.startPc });
  }
  return functions.map(({ startPc, insns: own, refs }, id): FunctionSpec => {
    const known = program.functions?.get(startPc);
    const end = ids[id + 1] ?? Infinity;
    const fallback = startPc === 0 ? program.name : `${program.name}+${String(startPc)}`;
    return {
      name: known?.name ?? fallback,
      section: program.section,
      sectionOff: startPc * SLOT_BYTES,
      linkage: known?.linkage ?? (startPc === 0 ? 'global' : 'static'),
      insns: own,
      refs,
      lines: (program.lines ?? [])
        .filter(({ pc }) => pc >= startPc && pc < end)
        .map((line) => ({ ...line, pc: line.pc - startPc })),
      ...(known?.btfType === undefined ? {} : { btfType: known.btfType }),
    };
  });
}

function refOf(insn: Insn, idOf: ReadonlyMap<number, FuncId>, program: BareProgram, mapCount: number): Ref | undefined {
  const target = targetPc(insn);
  const func = target === undefined ? undefined : idOf.get(target);
  if (func !== undefined) return { kind: insn.name === 'ld_func' ? 'func' : 'call', func };
  const known = insn.imm >= 0 && insn.imm < mapCount;
  switch (insn.name) {
    case 'ld_map_fd':
    case 'ld_map_idx':
      return known
        ? { kind: 'map', map: insn.imm }
        : { kind: 'unsupported', what: `there is no map ${String(insn.imm)}` };
    case 'ld_map_value':
    case 'ld_map_idx_value':
      return known
        ? { kind: 'map-value', map: insn.imm, off: insn.immHi >>> 0 }
        : { kind: 'unsupported', what: `there is no map ${String(insn.imm)}` };
    case 'ld_btf_id': {
      const symbol = program.symbols?.get(insn.pc) ?? String(insn.imm);
      return { kind: 'unsupported', what: `the address of kernel variable ${symbol} is not known` };
    }
    case 'call_kfunc':
      return { kind: 'kfunc', name: program.kfuncs?.get(insn.pc) ?? `#${String(insn.imm)}` };
    default:
      return undefined;
  }
}

function reachable(functions: readonly FunctionSpec[], first: FuncId): FuncId[] {
  const seen = new Set([first]);
  for (const id of seen) {
    for (const ref of functions[id]?.refs.values() ?? []) {
      if (ref.kind === 'call' || ref.kind === 'func') seen.add(ref.func);
    }
  }
  return [...seen];
}
