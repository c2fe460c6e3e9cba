/**
 * Spin locks and timers in map values: sequences that programs do in one or two runs, asked of the kernel and of both engines.
 * Knows neither side.
 */
import { parseBtf } from '../../vm/btf/btf.js';
import { specialFields } from '../../vm/btf/special-fields.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import { BtfBuilder } from '../btf/build-btf.js';
import { mapSpec } from '../machine/harness.js';

/** struct value { u64 first; struct bpf_spin_lock lock; u32 key; struct bpf_timer timer; u64 last; }, or without the lock. */
export const OFF = { first: 0, lock: 8, key: 12, timer: 16, last: 32 } as const;
export const VALUE_BYTES = 40;

/** Types of the values, and of a program with a callback. */
function makeTypes() {
  const b = new BtfBuilder();
  const u32 = b.int('unsigned int', 4);
  const u64 = b.int('unsigned long long', 8);
  const int = b.int('int', 4, true);
  const lock = b.struct('bpf_spin_lock', 4, [['val', u32, 0]]);
  const timer = b.struct('bpf_timer', 16, [
    ['a', u64, 0],
    ['b', u64, 64],
  ]);
  const members = (second: number) =>
    [
      ['first', u64, 0],
      ['lock', second, 64],
      ['key', u32, 96],
      ['timer', timer, 128],
      ['last', u64, 256],
    ] as const;
  const locked = b.struct('locked', VALUE_BYTES, members(lock));
  const unlocked = b.struct('unlocked', VALUE_BYTES, members(u32));
  const pointer = b.ptr(0);
  const main = b.raw('main', 12, 0, b.raw('', 13, 1, int, [b.string('ctx'), pointer]));
  const callback = b.raw(
    'callback',
    12,
    0,
    b.raw('', 13, 3, int, [b.string('map'), pointer, b.string('key'), pointer, b.string('value'), pointer]),
  );
  const bytes = b.build();
  return { bytes, u32, locked, unlocked, functions: [main, callback] as const };
}

export const TYPES = makeTypes();
export const BTF = parseBtf(TYPES.bytes);

export function typed(spec: Partial<MapSpec> & Pick<MapSpec, 'type'>, valueType: number): MapSpec {
  const special = specialFields(BTF, valueType);
  return mapSpec({ valueBytes: VALUE_BYTES, maxEntries: 4, keyType: TYPES.u32, valueType, special, ...spec });
}

export type Step =
  /** Writes a value whose words are `word`, all of its bytes, also where only helpers may. */
  | readonly [what: 'update', key: number, word: number, flags: number]
  | readonly [what: 'delete', key: number]
  /** Answers with the two words that no helper touches, or -1. */
  | readonly [what: 'see', key: number]
  /** Adds to a value under its lock. */
  | readonly [what: 'add', key: number, by: number]
  | readonly [what: 'init', key: number, flags: number]
  | readonly [what: 'callback' | 'cancel', key: number]
  | readonly [what: 'start', key: number, ns: number, flags: number];

/** What a callback does with the value that its timer lies in. */
export type Callback = 'counts' | 'again' | 'cancels itself' | 'deletes itself';

export interface SpecialCase {
  readonly name: string;
  readonly map: MapSpec;
  /** Runs one after the other, with time enough for timers in between. */
  readonly runs: readonly (readonly Step[])[];
  readonly callback: Callback;
}

const KEY_AT = -8;
const VALUE_AT = -8 - VALUE_BYTES;
const ABSENT = -1;

export function answersOf(steps: readonly Step[]): number {
  return steps.reduce((sum, [what]) => sum + (what === 'see' ? 2 : 1), 0);
}

const key = (number: number): string => `*(u32 *)(r10 + ${KEY_AT}) = ${number}`;
const atKey = (register = 'r2'): string => `r1 = &map0\n${register} = r10\n${register} += ${KEY_AT}`;

function timerStep(i: number, of: number, rest: string): string {
  return `${key(of)}\n${atKey()}\ncall map_lookup_elem\nif r0 == 0 goto absent${i}
    r1 = r0\nr1 += ${OFF.timer}\n${rest}\ngoto done${i}\nabsent${i}:\nr0 = ${ABSENT}\ndone${i}:`;
}

function stepCode(step: Step, i: number, answer: (register: string) => string): string {
  switch (step[0]) {
    case 'update': {
      const words = Array.from(
        { length: VALUE_BYTES / 8 },
        (_, word) => `*(u64 *)(r10 + ${VALUE_AT + 8 * word}) = ${step[2]}`,
      );
      return `${key(step[1])}\n${words.join('\n')}\n${atKey()}\nr3 = r10\nr3 += ${VALUE_AT}\nr4 = ${step[3]}
        call map_update_elem\n${answer('r0')}`;
    }
    case 'delete':
      return `${key(step[1])}\n${atKey()}\ncall map_delete_elem\n${answer('r0')}`;
    case 'see':
      return `${key(step[1])}\n${atKey()}\ncall map_lookup_elem\nr1 = ${ABSENT}\nr2 = ${ABSENT}
        if r0 == 0 goto seen${i}\nr1 = *(u64 *)(r0 + ${OFF.first})\nr2 = *(u64 *)(r0 + ${OFF.last})
        seen${i}:\n${answer('r1')}\n${answer('r2')}`;
    case 'add':
      return `${key(step[1])}\n${atKey()}\ncall map_lookup_elem\nr9 = ${ABSENT}\nif r0 == 0 goto added${i}
        r9 = r0\nr1 = r0\nr1 += ${OFF.lock}\ncall spin_lock
        r1 = *(u64 *)(r9 + ${OFF.first})\nr1 += ${step[2]}\n*(u64 *)(r9 + ${OFF.first}) = r1
        r1 = r9\nr1 += ${OFF.lock}\nr9 = *(u64 *)(r9 + ${OFF.first})\ncall spin_unlock\nadded${i}:\n${answer('r9')}`;
    case 'init':
      return `${timerStep(i, step[1], `r2 = &map0\nr3 = ${step[2]}\ncall timer_init`)}\n${answer('r0')}`;
    case 'callback':
      return `${timerStep(i, step[1], 'r2 = callback ll\ncall timer_set_callback')}\n${answer('r0')}`;
    case 'cancel':
      return `${timerStep(i, step[1], 'call timer_cancel')}\n${answer('r0')}`;
    case 'start':
      return `${timerStep(i, step[1], `r2 = ${step[2]} ll\nr3 = ${step[3]}\ncall timer_start`)}\n${answer('r0')}`;
  }
}

/** The callback: counts in `last`, leaves the key in `first`. */
function callbackCode(callback: Callback): string {
  const count = `r1 = *(u64 *)(r3 + ${OFF.last})\nr1 += 1\n*(u64 *)(r3 + ${OFF.last}) = r1
    r2 = *(u32 *)(r2 + 0)\nr2 += 100\n*(u64 *)(r3 + ${OFF.first}) = r2`;
  const rest = {
    counts: '',
    again: `if r1 > 2 goto enough\nr1 = r3\nr1 += ${OFF.timer}\nr2 = 1000\nr3 = 0\ncall timer_start\nenough:`,
    'cancels itself': `r6 = r3\nr1 = r3\nr1 += ${OFF.timer}\ncall timer_cancel\n*(u64 *)(r6 + ${OFF.first}) = r0`,
    'deletes itself': `r1 = r7\nr2 = r8\ncall map_delete_elem`,
  }[callback];
  return `callback:\nr7 = r1\nr8 = r2\n${count}\n${rest}\nr0 = 0\nexit`;
}

/** A program that does one run's steps, and writes their results, 8 bytes each, over the packet. */
export function specialProgram({ callback }: SpecialCase, steps: readonly Step[]): string {
  let answers = 0;
  const answer = (register: string): string => `*(u64 *)(r7 + ${8 * answers++}) = ${register}`;
  const body = steps.map((step, i) => stepCode(step, i, answer));
  const usesCallback = steps.some(([what]) => what === 'callback');
  return `
    r7 = *(u32 *)(r1 + 0)
    r8 = *(u32 *)(r1 + 4)
    r2 = r7
    r2 += ${8 * answersOf(steps)}
    if r2 > r8 goto fail
    ${body.join('\n')}
    r0 = 2
    exit
  fail:
    r0 = 255
    exit
  ${usesCallback ? callbackCode(callback) : ''}`;
}

const FLAGS = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** Sequences of updates with every flag, of entries that are there and of one that is not. */
const UPDATES: Readonly<Record<string, readonly Step[]>> = {
  ...Object.fromEntries(
    FLAGS.map((flags): [string, readonly Step[]] => [
      `flags ${flags}`,
      [
        ['update', 1, 5, 0],
        ['update', 1, 6, flags],
        ['see', 1],
        ['update', 2, 7, flags],
        ['see', 2],
        ['update', 9, 8, flags],
        ['see', 1],
      ],
    ]),
  ),
  'deleted and made anew': [
    ['update', 1, 5, 0],
    ['delete', 1],
    ['see', 1],
    ['update', 1, 6, 4],
    ['see', 1],
  ],
};

const LOCKS: Readonly<Record<string, readonly Step[]>> = {
  'adds under the lock': [
    ['update', 1, 5, 0],
    ['add', 1, 2],
    ['add', 1, 3],
    ['update', 1, 9, 4],
    ['add', 1, 1],
    ['see', 1],
    ['update', 1, 20, 0],
    ['add', 1, 1],
  ],
};

/** A timer's life in one run. */
const TIMERS: Readonly<Record<string, readonly Step[]>> = {
  'not made yet': [
    ['update', 1, 0, 0],
    ['callback', 1],
    ['start', 1, 1000, 0],
    ['cancel', 1],
  ],
  'made twice': [
    ['update', 1, 0, 0],
    ['init', 1, 1],
    ['init', 1, 1],
    ['init', 1, 0],
  ],
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16, 17, 1024, -1].map((flags): [string, readonly Step[]] => [
      `clock ${flags}`,
      [
        ['update', 1, 0, 0],
        ['init', 1, flags],
        ['callback', 1],
        ['cancel', 1],
      ],
    ]),
  ),
  'without a callback': [
    ['update', 1, 0, 0],
    ['init', 1, 1],
    ['start', 1, 1000, 0],
    ['cancel', 1],
  ],
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 8, -1].map((flags): [string, readonly Step[]] => [
      `start with flags ${flags}`,
      [
        ['update', 1, 0, 0],
        ['init', 1, 1],
        ['callback', 1],
        // So late, by the clock and from now, that it does not go off in the run.
        ['start', 1, 0x7fff_ffff_ffff, flags],
        ['cancel', 1],
        ['cancel', 1],
        ['start', 1, 1000, 0],
        ['callback', 1],
        ['start', 1, 0x7fff_ffff_ffff, 0],
        ['cancel', 1],
      ],
    ]),
  ),
  'a value that is updated loses its timer': [
    ['update', 1, 0, 0],
    ['init', 1, 1],
    ['callback', 1],
    ['update', 1, 3, 0],
    ['callback', 1],
    ['init', 1, 1],
    ['update', 1, 4, 2],
    ['init', 1, 1],
  ],
  'so does one that is deleted': [
    ['update', 1, 0, 0],
    ['init', 1, 1],
    ['delete', 1],
    ['init', 1, 1],
    ['update', 1, 0, 0],
    ['init', 1, 1],
    ['callback', 1],
  ],
};

const armed = (of: number, ns: number, flags = 0): readonly Step[] => [
  ['update', of, 1, 0],
  ['init', of, 1],
  ['callback', of],
  ['start', of, ns, flags],
];
const SEE: readonly Step[] = [
  ['see', 0],
  ['see', 1],
  ['see', 2],
];

/** Timers that go off between two runs. */
const FIRED: Readonly<Record<string, { runs: readonly (readonly Step[])[]; callback: Callback }>> = {
  'goes off once': { runs: [armed(1, 1000), SEE, SEE], callback: 'counts' },
  'two of them': { runs: [[...armed(1, 1000), ...armed(2, 2000)], SEE], callback: 'counts' },
  'at a time long ago': { runs: [armed(1, 1, 1), SEE], callback: 'counts' },
  'on its CPU': { runs: [armed(2, 1000, 2), SEE], callback: 'counts' },
  'starts itself anew': { runs: [armed(1, 1000), SEE, SEE], callback: 'again' },
  'cannot cancel itself': { runs: [armed(1, 1000), SEE, [['cancel', 1]]], callback: 'cancels itself' },
  cancelled: { runs: [[...armed(1, 10_000_000), ['cancel', 1]], SEE], callback: 'counts' },
  'updated before': { runs: [[...armed(1, 10_000_000), ['update', 1, 7, 0]], SEE], callback: 'counts' },
  'started again when it is over': {
    runs: [armed(1, 1000), [['start', 1, 1000, 0]], SEE],
    callback: 'counts',
  },
};

const HASH = typed({ type: 'hash', name: 'hash' }, TYPES.locked);
const LOCKED: readonly MapSpec[] = [
  HASH,
  typed({ type: 'hash', name: 'hash without preallocation', flags: 1 }, TYPES.locked),
  typed({ type: 'array', name: 'array' }, TYPES.locked),
];
const UNLOCKED: readonly MapSpec[] = [
  typed({ type: 'hash', name: 'hash without a lock' }, TYPES.unlocked),
  typed({ type: 'array', name: 'array without a lock' }, TYPES.unlocked),
  typed({ type: 'lru_hash', name: 'lru_hash', maxEntries: 64 }, TYPES.unlocked),
];

function casesOf(maps: readonly MapSpec[], sequences: Readonly<Record<string, readonly Step[]>>): SpecialCase[] {
  return maps.flatMap((map) =>
    Object.entries(sequences).map(([name, steps]): SpecialCase => ({
      name: `${map.name}: ${name}`,
      map,
      runs: [steps],
      callback: 'counts',
    })),
  );
}

export const SPECIAL_CASES: readonly SpecialCase[] = [
  ...casesOf([...LOCKED, ...UNLOCKED], UPDATES),
  ...casesOf(LOCKED, LOCKS),
  ...casesOf([...LOCKED, ...UNLOCKED], TIMERS),
  ...[...LOCKED, ...UNLOCKED].flatMap((map) =>
    Object.entries(FIRED).map(([name, rest]): SpecialCase => ({ name: `${map.name}: ${name}`, map, ...rest })),
  ),
  { name: 'hash: deletes itself', map: HASH, runs: [armed(1, 1000), SEE], callback: 'deletes itself' },
];
