/**
 * A program of an `ObjectSpec` as the verifier takes it: all functions it reaches in one stream of slots, calls and
 * function pointers relative, as libbpf would hand it to the kernel. Knows no verification.
 */
import { encodeOne } from '../isa/encode.js';
import { type Insn, SLOT_BYTES, slotsOf } from '../isa/insn.js';
import type { FuncId, FunctionSpec, MapSpec, ObjectSpec, ProgId } from '../object/object-spec.js';
import { InvariantError } from '../errors.js';
import type { FuncInfo, SlotRef, SourceLine, VerifierMap, VerifierProgram } from './program.js';

/** A map of an object as the kernel would know it after loading. */
function verifierMap(map: MapSpec, object: ObjectSpec): VerifierMap {
  return {
    name: map.name,
    type: map.type,
    keyBytes: map.keyBytes,
    valueBytes: map.valueBytes,
    maxEntries: map.maxEntries,
    flags: map.flags,
    frozen: map.readOnly,
    ...(map.contents === undefined ? {} : { contents: map.contents }),
    ...(map.mapExtra === undefined ? {} : { mapExtra: map.mapExtra }),
    ...(object.btf === undefined ? {} : { btf: object.btf }),
    ...(map.keyType === undefined ? {} : { keyType: map.keyType }),
    ...(map.valueType === undefined ? {} : { valueType: map.valueType }),
    ...(map.inner === undefined ? {} : { inner: verifierMap(map.inner, object) }),
  };
}

/** Functions in the order in which libbpf appends them: each where it is first referred to, depth first. */
function linkOrder(object: ObjectSpec, entry: FuncId): readonly FuncId[] {
  const order: FuncId[] = [];
  const seen = new Set<FuncId>([entry]);
  const calleesOf = (id: FuncId): Iterator<FuncId> => {
    order.push(id);
    const refs = [...functionAt(object, id).refs].sort(([a], [b]) => a - b);
    return refs.flatMap(([, ref]) => (ref.kind === 'call' || ref.kind === 'func' ? [ref.func] : [])).values();
  };
  const path = [calleesOf(entry)];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.next();
    if (next.done === true) path.pop();
    else if (!seen.has(next.value)) {
      seen.add(next.value);
      path.push(calleesOf(next.value));
    }
  }
  return order;
}

function functionAt(object: ObjectSpec, id: FuncId): FunctionSpec {
  const func = object.functions[id];
  if (func === undefined) throw new InvariantError(`function ${id} does not exist`);
  return func;
}

function slotsIn({ insns }: FunctionSpec): number {
  const last = insns.at(-1);
  return last === undefined ? 0 : last.pc + slotsOf(last);
}

/** The program's instructions and what they refer to, linked. */
export function programFromObject(object: ObjectSpec, prog: ProgId): VerifierProgram {
  const spec = object.programs[prog];
  if (spec === undefined) throw new InvariantError(`program ${prog} does not exist`);
  const order = linkOrder(object, spec.func);
  const startOf = new Map<FuncId, number>();
  let slots = 0;
  for (const id of order) {
    startOf.set(id, slots);
    slots += slotsIn(functionAt(object, id));
  }
  const view = new DataView(new ArrayBuffer(slots * SLOT_BYTES));
  const refs = new Map<number, SlotRef>();
  const funcInfo: FuncInfo[] = [];
  const lines: SourceLine[] = [];
  const funcNames = new Map<number, string>();
  for (const [id, start] of startOf) {
    const func = functionAt(object, id);
    funcNames.set(start, func.name);
    if (func.btfType !== undefined) funcInfo.push({ pc: start, type: func.btfType });
    for (const line of func.lines) lines.push({ ...line, pc: start + line.pc });
    for (const [index, insn] of func.insns.entries()) {
      const pc = start + insn.pc;
      encodeOne(view, pc, linked(func, index, insn, pc, startOf, refs));
    }
  }
  return {
    name: spec.name,
    type: spec.type === 'unspec' ? 'socket_filter' : spec.type,
    ...(spec.attachType === undefined ? {} : { attachType: spec.attachType }),
    ...(spec.attachTo === undefined ? {} : { attachTo: spec.attachTo }),
    flags: spec.flags,
    license: object.license,
    insns: new Uint8Array(view.buffer),
    maps: object.maps.map((map) => verifierMap(map, object)),
    refs,
    ...(object.btf === undefined ? {} : { btf: object.btf }),
    ...(funcInfo.length === startOf.size ? { funcInfo } : {}),
    ...(lines.length === 0 ? {} : { lines }),
    funcNames,
  };
}

/** The instruction with its reference resolved against the linked stream; others go to `refs`. */
function linked(
  func: FunctionSpec,
  index: number,
  insn: Insn,
  pc: number,
  startOf: ReadonlyMap<FuncId, number>,
  refs: Map<number, SlotRef>,
): Insn {
  const ref = func.refs.get(index);
  switch (ref?.kind) {
    case 'call':
    case 'func':
      return { ...insn, imm: (startOf.get(ref.func) ?? 0) - pc - 1 };
    case 'map':
      refs.set(pc, { kind: 'map', map: ref.map });
      return { ...insn, imm: 0 };
    case 'map-value':
      refs.set(pc, { kind: 'map', map: ref.map });
      return { ...insn, imm: 0, immHi: ref.off };
    case 'kfunc':
      refs.set(pc, { kind: 'kfunc', name: ref.name });
      return insn;
    case 'unsupported':
      refs.set(pc, { kind: 'unsupported', what: ref.what });
      return insn;
    case undefined:
      return insn;
  }
}
