/**
 * An `ObjectSpec` from a bare stream of instructions, as the conformance plugin and the assembler have it: one program,
 * cut into functions where local calls and function pointers lead. Knows nothing of ELF.
 */
import { LoadError } from '../errors.js';
import { decode } from '../isa/decode.js';
import { SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import type { ProgTypeName } from '../spec/prog-types.js';
import type { FunctionSpec, MapSpec, ObjectSpec, Ref } from './object-spec.js';

export interface FromInsnsOptions {
  /** Default `main`. */
  readonly name?: string;
  /** Default `prog`. */
  readonly section?: string;
  /** Default `xdp`. */
  readonly type?: ProgTypeName;
  /** Default `GPL`. */
  readonly license?: string;
  /** Maps that `ld_map_fd` and `ld_map_value` mean by an index in their immediate. */
  readonly maps?: readonly MapSpec[];
}

/**
 * Builds the object. Entry is the first instruction. Map loads take their immediate for an index into `options.maps`.
 * Throws `LoadError` 'load-insn' (no instruction, or not decodable; `where.offset` is a byte offset) and 'load-relocation'
 * (a call to somewhere that is no instruction).
 */
export function objectFromInsns(bytes: Uint8Array, options: FromInsnsOptions = {}): ObjectSpec {
  const result = decode(bytes);
  if (!result.ok) {
    const { pc, reason, message } = result.fault;
    throw new LoadError('load-insn', message, {
      where: { offset: pc * SLOT_BYTES, pc },
      data: { reason },
    });
  }
  if (result.insns.length === 0) throw new LoadError('load-insn', 'there is no instruction', { where: { offset: 0 } });
  const name = options.name ?? 'main';
  const section = options.section ?? 'prog';
  const functions = cut(result.insns, name, section, options.maps ?? []);
  return {
    name,
    license: options.license ?? 'GPL',
    functions,
    programs: [
      { name, section, type: options.type ?? 'xdp', flags: 0, func: 0, functions: reachable(functions), declTags: [] },
    ],
    maps: options.maps ?? [],
    notes: [],
  };
}

function targetPc(insn: Insn): number | undefined {
  return insn.name === 'call_local' || insn.name === 'ld_func' ? insn.pc + insn.imm + 1 : undefined;
}

function cut(insns: readonly Insn[], name: string, section: string, maps: readonly MapSpec[]): FunctionSpec[] {
  const pcs = new Set(insns.map((insn) => insn.pc));
  const starts = new Set([0]);
  for (const insn of insns) {
    const target = targetPc(insn);
    if (target === undefined) continue;
    if (!pcs.has(target)) {
      throw new LoadError('load-relocation', `no instruction starts at pc ${String(target)}, where the call leads`, {
        where: { offset: insn.pc * SLOT_BYTES, func: name, pc: insn.pc },
        data: { target },
      });
    }
    starts.add(target);
  }
  const ids = [...starts].sort((a, b) => a - b);
  const idOf = new Map(ids.map((pc, id) => [pc, id]));
  const functions: { startPc: number; insns: Insn[]; refs: Map<number, Ref> }[] = [];
  for (const insn of insns) {
    if (idOf.has(insn.pc)) functions.push({ startPc: insn.pc, insns: [], refs: new Map() });
    const func = functions.at(-1);
    if (func === undefined) continue;
    const ref = refOf(insn, idOf, maps);
    if (ref !== undefined) func.refs.set(func.insns.length, ref);
    func.insns.push({ ...insn, pc: insn.pc - func.startPc });
  }
  return functions.map((func): FunctionSpec => ({
    name: func.startPc === 0 ? name : `${name}+${String(func.startPc)}`,
    section,
    sectionOff: func.startPc * SLOT_BYTES,
    linkage: func.startPc === 0 ? 'global' : 'static',
    insns: func.insns,
    refs: func.refs,
    lines: [],
  }));
}

function refOf(insn: Insn, idOf: ReadonlyMap<number, number>, maps: readonly MapSpec[]): Ref | undefined {
  const target = targetPc(insn);
  const func = target === undefined ? undefined : idOf.get(target);
  if (func !== undefined) return { kind: insn.name === 'ld_func' ? 'func' : 'call', func };
  const known = insn.imm >= 0 && insn.imm < maps.length;
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
    case 'ld_btf_id':
      return { kind: 'unsupported', what: `the address of kernel variable ${String(insn.imm)} is not known` };
    case 'call_kfunc':
      return { kind: 'kfunc', name: `#${String(insn.imm)}` };
    default:
      return undefined;
  }
}

function reachable(functions: readonly FunctionSpec[]): number[] {
  const seen = new Set([0]);
  for (const id of seen) {
    for (const ref of functions[id]?.refs.values() ?? []) {
      if (ref.kind === 'call' || ref.kind === 'func') seen.add(ref.func);
    }
  }
  return [...seen];
}
