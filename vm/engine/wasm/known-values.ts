/**
 * What registers are known to hold while compiling: places in the stack frame, maps, functions, numbers. A value is one number,
 * so that states are compared word by word. Knows no emitter.
 */
import { InvariantError, must } from '../../errors.js';
import { successorsOf } from '../../isa/flow.js';
import type { Flow } from '../../isa/flow.js';
import type { Insn } from '../../isa/insn.js';
import type { Layout } from '../../machine/layout.js';
import type { FunctionSpec } from '../../object/object-spec.js';
import { writesOf } from './register-use.js';
import type { Shape } from './register-use.js';

const REGISTERS = 11;
/** Payloads are int32, moved up by 2^31. */
const BIAS = 2 ** 31;
const KIND = 2 ** 33;
const KINDS = ['unknown', 'frame', 'map', 'func', 'number'] as const;

export type KnownKind = (typeof KINDS)[number];

/** 0: nothing is known. */
export type KnownValue = number;

/** By register. */
export type KnownState = Float64Array;

export const UNKNOWN: KnownValue = 0;

/** `frame`: distance from r10. `map`, `func`: an index. `number`: an int32, sign-extended. */
export function makeKnown(kind: KnownKind, payload: number): KnownValue {
  return KINDS.indexOf(kind) * KIND + payload + BIAS;
}

export function kindOf(value: KnownValue): KnownKind {
  return KINDS[Math.floor(value / KIND)] ?? 'unknown';
}

export function payloadOf(value: KnownValue): number {
  return (value % KIND) - BIAS;
}

/** The payload, if the value is of that kind. */
export function knownAs(value: KnownValue, kind: KnownKind): number | undefined {
  return kindOf(value) === kind ? payloadOf(value) : undefined;
}

/** Nothing but the frame pointer. */
export function entryState(fixedFramePointer: boolean): KnownState {
  const state = new Float64Array(REGISTERS);
  if (fixedFramePointer) state[10] = makeKnown('frame', 0);
  return state;
}

function moved(value: KnownValue, by: number): KnownValue {
  const kind = kindOf(value);
  if (kind !== 'frame' && kind !== 'number') return UNKNOWN;
  const payload = payloadOf(value) + by;
  return (payload | 0) === payload ? makeKnown(kind, payload) : UNKNOWN;
}

/** What is known of `dst` behind the instruction. */
function resultOf(state: KnownState, insn: Insn, index: number, spec: FunctionSpec, layout: Layout): KnownValue {
  const { name, dst, src, imm } = insn;
  switch (name) {
    case 'mov64_x':
      return state[src]!;
    case 'mov64_k':
      return makeKnown('number', imm);
    case 'mov32_k':
      return imm >= 0 ? makeKnown('number', imm) : UNKNOWN;
    case 'add64_k':
      return moved(state[dst]!, imm);
    case 'sub64_k':
      return moved(state[dst]!, -imm);
    case 'ld_map_fd':
    case 'ld_map_idx':
    case 'ld_map_value':
    case 'ld_map_idx_value':
    case 'ld_func': {
      const ref = spec.refs.get(index);
      if (ref?.kind === 'map') return makeKnown('map', ref.map);
      if (ref?.kind === 'func') return makeKnown('func', ref.func);
      if (ref?.kind === 'map-value') return makeKnown('number', must(layout.maps[ref.map], 'a map').base + ref.off);
      return UNKNOWN;
    }
    default:
      return UNKNOWN;
  }
}

/** Changes a state by an instruction. */
export function step(
  state: KnownState,
  insn: Insn,
  shape: Shape,
  index: number,
  spec: FunctionSpec,
  layout: Layout,
): void {
  const writes = writesOf(insn, shape);
  if (writes === 0) return;
  const { dst, src } = insn;
  const result = resultOf(state, insn, index, spec, layout);
  if ((writes & (1 << src)) !== 0) state[src] = UNKNOWN;
  // A call writes r0 whatever its fields say, and nothing is known of it then.
  if ((writes & 1) !== 0) state[0] = UNKNOWN;
  if ((writes & (1 << dst)) !== 0) state[dst] = result;
}

/** What is known where blocks begin. */
export class KnownStates {
  /** A row of registers a block. */
  readonly #rows: Float64Array;
  readonly #reached: Uint8Array;

  constructor(blocks: number) {
    this.#rows = new Float64Array(REGISTERS * blocks);
    this.#reached = new Uint8Array(blocks);
  }

  /** Copies a block's state. */
  load(block: number, into: KnownState): void {
    if (this.#reached[block] === 0) throw new InvariantError('a block without a state');
    const row = REGISTERS * block;
    for (let register = 0; register < REGISTERS; register++) into[register] = this.#rows[row + register]!;
  }

  /** Takes away what is not so on another way to the block; says whether anything changed. */
  join(block: number, state: KnownState): boolean {
    const row = REGISTERS * block;
    const isNew = this.#reached[block] === 0;
    let changed = isNew;
    this.#reached[block] = 1;
    for (let register = 0; register < REGISTERS; register++) {
      const known = this.#rows[row + register]!;
      if (isNew) this.#rows[row + register] = state[register]!;
      else if (known !== UNKNOWN && known !== state[register]) {
        this.#rows[row + register] = UNKNOWN;
        changed = true;
      }
    }
    return changed;
  }
}

/** States where blocks begin. */
export function knownValues(
  spec: FunctionSpec,
  shapes: readonly Shape[],
  { blocks, order, position }: Flow,
  layout: Layout,
  entry: KnownState,
): KnownStates {
  const states = new KnownStates(blocks.length);
  states.join(0, entry);
  const pending = new Uint8Array(blocks.length);
  pending[0] = 1;
  const state = new Float64Array(REGISTERS);
  // Each pass only takes knowledge away, so this ends after a few.
  for (let again = true; again;) {
    again = false;
    for (const at of order) {
      if (pending[at] === 0) continue;
      pending[at] = 0;
      const block = must(blocks[at], 'a block');
      states.load(at, state);
      for (let index = block.first; index <= block.last; index++) {
        step(state, spec.insns[index]!, shapes[index]!, index, spec, layout);
      }
      for (const to of successorsOf(block)) {
        if (!states.join(to, state)) continue;
        pending[to] = 1;
        if (position[to]! <= position[at]!) again = true;
      }
    }
  }
  return states;
}
