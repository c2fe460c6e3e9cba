/**
 * Programs that know what they hold: packet pointers are compared before they are followed, lookups before they are used,
 * indices before they are added; and now and then not quite. One seed gives one program. Knows no verifier and no engine.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import {
  callChecksum,
  callFunction,
  callPacketHelper,
  changeMap,
  finish,
  loadLegacy,
  lookUp,
  tailCall,
  useRing,
} from './call-steps.js';
import { Draft, type Shared } from './draft.js';
import { MAPS } from './fuzz-maps.js';
import {
  accessPacket,
  accessStack,
  accessValue,
  checkPacket,
  loadPacket,
  pointToStack,
  spill,
} from './memory-steps.js';
import { anyCondition, bound, calculate, callWorld, loadNumber, numberRegister } from './number-steps.js';
import { Random } from './random.js';

export interface TypedProgram {
  readonly type: ProgTypeName;
  readonly lines: readonly string[];
  /** Its result depends on addresses, clock or chance. */
  readonly unsteady: boolean;
}

/** What a tail call leads to. */
export const TARGET = 'r0 = 1\nexit';

type Step = (d: Draft) => void;

const STEPS: readonly (readonly [weight: number, step: Step])[] = [
  [5, (d) => void loadNumber(d, d.spare())],
  [14, calculate],
  [
    3,
    (d) => {
      bound(d, numberRegister(d), d.random.pick([2, 8, 12, 16, 64, 256, 1 << 16]));
    },
  ],
  [1, callWorld],
  [6, checkPacket],
  [12, accessPacket],
  [10, lookUp],
  [14, accessValue],
  [5, changeMap],
  [9, accessStack],
  [3, pointToStack],
  [6, spill],
  [2, copyPointer],
  [3, useRing],
  [4, callPacketHelper],
  [2, callChecksum],
  [1, tailCall],
  [2, loadLegacy],
  [8, branch],
  [3, repeat],
  [
    4,
    (d) => {
      callFunction(d, body);
    },
  ],
];

function body(d: Draft, steps: number): void {
  for (let i = 0; i < steps; i++) d.random.weighted(STEPS)(d);
}

/** One of two ways, or one or none; what holds on both goes on. */
function branch(d: Draft): void {
  const { random } = d;
  const other = d.label();
  d.emit(`if ${anyCondition(d)} goto ${other}`);
  const before = d.beliefs();
  body(d, random.between(1, 3));
  if (random.percent(50)) {
    d.emit(`${other}:`);
    d.meet(before);
    return;
  }
  const end = d.label();
  const after = d.beliefs();
  d.emit(`goto ${end}`, `${other}:`);
  d.believe(before);
  body(d, random.between(1, 3));
  d.emit(`${end}:`);
  d.meet(after);
}

/** A loop with a counter, in a register or on the stack. */
function repeat(d: Draft): void {
  const { random } = d;
  const rounds = random.between(1, 6);
  const counter = random.pick([7, 8, 9]);
  const again = d.label();
  d.define(counter, { is: 'number' }, '0');
  const before = d.beliefs();
  d.emit(`${again}:`);
  // The second round starts with what the first leaves: only what is untouched may be believed.
  for (const register of [0, 1, 2, 3, 4, 5, 7, 8, 9]) d.set(register, { is: 'nothing' });
  const kept = [7, 8, 9].filter((register) => register !== counter);
  for (const register of kept) if (random.percent(70)) d.set(register, before.registers[register] ?? { is: 'nothing' });
  const start = d.lines.length;
  const functions = d.shared.functions.length;
  body(d, random.between(1, 2));
  const touched = d.lines.slice(start).some((line) => new RegExp(`^[rw]${counter} `).test(line));
  if (touched && !d.slip()) {
    d.lines.length = start;
    d.shared.functions.length = functions;
    d.believe(before);
  }
  d.emit(`r${counter} += 1`);
  d.emit(
    `if ${random.pick([`r${counter} < ${rounds}`, `r${counter} != ${rounds}`, `w${counter} s< ${rounds}`])} goto ${again}`,
  );
  d.meet(before);
}

/** A pointer in another register, or compared, or with a constant added. */
function copyPointer(d: Draft): void {
  const { random } = d;
  const found = d.any(random.pick(['packet', 'value', 'ctx', 'stack'] as const));
  if (found === undefined) return;
  const [register, kind] = found;
  const to = d.spare(register);
  d.define(to, kind, `r${register}`);
  if (kind.is === 'packet' && random.percent(40)) {
    const by = random.pick([1, 4, 14, -4]);
    d.emit(`r${to} += ${by}`);
    d.set(to, { is: 'packet', off: kind.off + by });
  }
  if (d.slip()) {
    d.shared.unsteady = true;
    d.emit(
      random.pick([
        `w${to} = w${to}`,
        `r${to} -= r${register}`,
        `r${to} += r${register}`,
        `r${to} <<= 1`,
        `r${to} = -r${to}`,
      ]),
    );
    d.set(to, { is: 'nothing' });
  }
}

/** @param seed gives the same program always */
export function typedProgram(seed: number): TypedProgram {
  const random = new Random(seed);
  const shared: Shared = {
    random,
    type: random.weighted([
      [6, 'xdp'],
      [3, 'sched_cls'],
      [1, 'cgroup_skb'],
    ] as const),
    slips: random.weighted([
      [5, 0],
      [4, 3],
      [2, 10],
    ]),
    functions: [],
    labels: 0,
    moves: 0,
    unsteady: false,
  };
  const main = new Draft(shared, 0);
  main.set(1, { is: 'ctx' });
  main.define(6, { is: 'ctx' }, 'r1');
  if (random.percent(80)) {
    loadPacket(main);
    checkPacket(main);
  }
  body(main, random.between(3, 22));
  finish(main);
  return { type: shared.type, lines: [...main.lines, ...shared.functions.flat()], unsteady: shared.unsteady };
}

export function textOf({ type, lines }: TypedProgram): string {
  return [`// ${type}`, ...lines].join('\n');
}

/** @throws AsmError, LoadError where the lines are no program, as after shrinking */
export function objectOf({ type, lines }: TypedProgram): ObjectSpec {
  const program = { section: 'prog', type };
  return objectFromPrograms(
    [
      { ...program, name: 'main', bytes: assemble(lines.join('\n')).bytes },
      { ...program, name: 'target', bytes: assemble(TARGET).bytes },
    ],
    { name: 'fuzz', license: 'GPL', maps: MAPS },
  );
}
