/** One emitter for every instruction, and which instructions can only trap. */
import { must } from '../../errors.js';
import { helperOf } from '../../helpers/table.js';
import type { Insn } from '../../isa/insn.js';
import { functionPtr } from '../../machine/layout.js';
import { helperById } from '../../spec/helpers.js';
import { INSNS } from '../../spec/insns.js';
import type { InsnName } from '../../spec/insns.js';
import type { TrapName } from '../../spec/traps.js';
import type { Emit } from './emit.js';
import { ALU } from './emit-alu.js';
import { calleeNameOf, implementationOf } from '../callee.js';
import { emitHelperCall, emitLocalCall, emitRegisterCall } from './emit-call.js';
import { JUMPS } from './emit-jump.js';
import { MEMORY } from './emit-memory.js';
import type { FunctionContext } from './function-context.js';
import { step } from './known-values.js';

const nothing: Emit = () => undefined;

const loadAddress: Emit = (f, { dst }) => {
  const { layout } = f.module;
  const ref = f.spec.refs.get(f.at);
  let address = 0;
  if (ref?.kind === 'map') address = must(layout.maps[ref.map], 'a placed map').descriptor;
  else if (ref?.kind === 'map-value') address = must(layout.maps[ref.map], 'a placed map').base + ref.off;
  else if (ref?.kind === 'func') address = functionPtr(layout, ref.func);
  f.code.i64(address, 0);
  f.set(dst);
};

const EMITTERS = {
  ...ALU,
  ...MEMORY,
  ...JUMPS,
  ja: nothing,
  gotol: nothing,
  exit: (f) => {
    f.leave();
  },
  lddw: (f, { dst, imm, immHi }) => {
    f.code.i64(imm, immHi);
    f.set(dst);
  },
  ld_map_fd: loadAddress,
  ld_map_value: loadAddress,
  ld_map_idx: loadAddress,
  ld_map_idx_value: loadAddress,
  ld_func: loadAddress,
  call_helper: emitHelperCall,
  call_local: (f) => {
    const ref = f.spec.refs.get(f.at);
    if (ref?.kind === 'call') emitLocalCall(f, ref.func);
  },
  callx: emitRegisterCall,
  call_kfunc: emitHelperCall,
  // These trap before they are asked.
  ld_btf_id: nothing,
  addr_space_cast: nothing,
} satisfies Record<InsnName, Emit>;

interface Trapping {
  readonly name: TrapName;
  readonly detail?: number;
}

/** An instruction's emitter, and whether what it refers to may make it a trap. */
interface Emitting {
  readonly emit: Emit;
  readonly unsupported: boolean;
  readonly refers: boolean;
}

const REFERRING: ReadonlySet<InsnName> = new Set<InsnName>([
  'ld_map_fd',
  'ld_map_value',
  'ld_map_idx',
  'ld_map_idx_value',
  'ld_func',
  'call_local',
  'call_kfunc',
  'call_helper',
]);

const EMITTING: ReadonlyMap<InsnName, Emitting> = new Map(
  INSNS.map(({ name, unsupported }) => [
    name,
    { emit: EMITTERS[name], unsupported: unsupported === true, refers: REFERRING.has(name) },
  ]),
);

/** Why an instruction can only trap, if it does. */
function trapOf(
  f: FunctionContext,
  { unsupported, refers }: Emitting,
  insn: Insn,
  index: number,
): Trapping | undefined {
  if (unsupported) return { name: 'unsupported-insn' };
  const { refs } = f.spec;
  if (!refers) {
    if (refs.size === 0 || refs.get(index)?.kind !== 'unsupported' || insn.name === 'ja' || insn.name === 'gotol')
      return undefined;
    return { name: 'unsupported-ref' };
  }
  const kind = refs.get(index)?.kind;
  switch (insn.name) {
    case 'call_local':
      return kind === 'call' ? undefined : { name: 'unsupported-ref' };
    case 'call_kfunc': {
      const callee = calleeNameOf(f.spec, index);
      return callee === undefined || implementationOf(callee) === undefined ? { name: 'unsupported-ref' } : undefined;
    }
    case 'call_helper':
      return kind === 'unsupported' ? { name: 'unsupported-ref' } : helperTrap(insn.imm);
    default:
      return kind === 'map' || kind === 'map-value' || kind === 'func' ? undefined : { name: 'unsupported-ref' };
  }
}

function helperTrap(id: number): Trapping | undefined {
  const row = helperById(id);
  if (row === undefined) return { name: 'unknown-helper', detail: id };
  if (row.name === 'tail_call' || helperOf(row.name) !== undefined) return undefined;
  return { name: 'unsupported-helper', detail: id };
}

/**
 * Emits the instructions from `first` to `last`; of a conditional jump at the end, only its condition.
 * @returns false where an instruction traps whatever happens: nothing behind it was emitted
 */
export function emitInsns(f: FunctionContext, first: number, last: number): boolean {
  const { insns } = f.spec;
  const { shapes } = f.plan;
  for (let index = first; index <= last; index++) {
    const insn = must(insns[index], 'an instruction');
    f.at = index;
    f.owed++;
    const emitting = must(EMITTING.get(insn.name), 'an emitter');
    const trap = trapOf(f, emitting, insn, index);
    if (trap !== undefined) {
      f.trap(trap.name, trap.detail);
      return false;
    }
    emitting.emit(f, insn);
    step(f.known, insn, shapes[index]!, index, f.spec, f.module.layout);
  }
  return true;
}
