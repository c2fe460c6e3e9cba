/** One emitter for every instruction, and which instructions can only trap. */
import { must } from '../../errors.js';
import { helperOf } from '../../helpers/table.js';
import type { Insn } from '../../isa/insn.js';
import { functionPtr } from '../../machine/layout.js';
import { helperById } from '../../spec/helpers.js';
import { INSN_ROWS } from '../../spec/insns.js';
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

/** Why the instruction at `index` can only trap, if it does. */
function trapOf(f: FunctionContext, insn: Insn, index: number): Trapping | undefined {
  const { name, imm } = insn;
  if (INSN_ROWS[name].unsupported === true) return { name: 'unsupported-insn' };
  const kind = f.spec.refs.get(index)?.kind;
  switch (name) {
    case 'ld_map_fd':
    case 'ld_map_value':
    case 'ld_map_idx':
    case 'ld_map_idx_value':
    case 'ld_func':
      return kind === 'map' || kind === 'map-value' || kind === 'func' ? undefined : { name: 'unsupported-ref' };
    case 'call_local':
      return kind === 'call' ? undefined : { name: 'unsupported-ref' };
    case 'call_kfunc': {
      const callee = calleeNameOf(f.spec, index);
      return callee === undefined || implementationOf(callee) === undefined ? { name: 'unsupported-ref' } : undefined;
    }
    case 'ja':
    case 'gotol':
      return undefined;
    default:
      if (kind === 'unsupported') return { name: 'unsupported-ref' };
      return name === 'call_helper' ? helperTrap(imm) : undefined;
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
  for (let index = first; index <= last; index++) {
    const insn = must(insns[index], 'an instruction');
    f.at = index;
    f.owed++;
    const trap = trapOf(f, insn, index);
    if (trap !== undefined) {
      f.trap(trap.name, trap.detail);
      return false;
    }
    EMITTERS[insn.name](f, insn);
    step(f.known, insn, index, f.spec, f.module.layout);
  }
  return true;
}
