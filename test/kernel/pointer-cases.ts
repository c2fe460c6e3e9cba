/**
 * What a pointer into a map shows after its entry was updated or deleted: sequences that one program does in one run,
 * asked of the kernel and of both engines. Knows neither side.
 */
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec } from '../machine/harness.js';

/** `keep` looks a key up and remembers the pointer; `see` answers with what lies there, `look` with a fresh lookup. */
export type PointerStep =
  | readonly [what: 'set', key: number, value: number]
  | readonly [what: 'delete' | 'look', key: number]
  | readonly [what: 'keep', kept: number, key: number]
  | readonly [what: 'see', kept: number]
  | readonly [what: 'write', kept: number, value: number];

export interface PointerCase {
  readonly name: string;
  readonly map: MapSpec;
  readonly steps: readonly PointerStep[];
}

const KEPT = 6;
const KEY_AT = -8 * KEPT - 8;
const VALUE_AT = KEY_AT - 8;
/** What `look` says of a key that is not there. */
const ABSENT = -1;

function putKey({ type }: MapSpec, key: number): string {
  // Keys of a trie are /32 prefixes, but for 0: the prefix of all.
  if (type !== 'lpm_trie') return `*(u32 *)(r10 + ${KEY_AT}) = ${key}`;
  const length = key === 0 ? 0 : 32;
  return `*(u32 *)(r10 + ${KEY_AT}) = ${length}\n*(u32 *)(r10 + ${KEY_AT + 4}) = ${key << 24}`;
}

const arguments2 = `r1 = &map0\nr2 = r10\nr2 += ${KEY_AT}`;

/** How many values a case answers with. */
export function answersOf({ steps }: PointerCase): number {
  return steps.filter(([what]) => what !== 'keep' && what !== 'write').length;
}

/** A program that does the steps, and writes a result for each, 8 bytes long, over the packet. */
export function pointerProgram(each: PointerCase): string {
  const { map, steps } = each;
  let answers = 0;
  const answer = (register: string): string => `*(u64 *)(r7 + ${8 * answers++}) = ${register}`;
  const body = steps.map((step, i): string => {
    const slot = (kept: number): string => `*(u64 *)(r10 - ${8 * kept + 8})`;
    switch (step[0]) {
      case 'set':
        return `${putKey(map, step[1])}\n*(u64 *)(r10 + ${VALUE_AT}) = ${step[2]}\n${arguments2}
          r3 = r10\nr3 += ${VALUE_AT}\nr4 = 0\ncall map_update_elem\n${answer('r0')}`;
      case 'delete':
        return `${putKey(map, step[1])}\n${arguments2}\ncall map_delete_elem\n${answer('r0')}`;
      case 'look':
        return `${putKey(map, step[1])}\n${arguments2}\ncall map_lookup_elem\nr1 = ${ABSENT}
          if r0 == 0 goto looked${i}\nr1 = *(u64 *)(r0 + 0)\nlooked${i}:\n${answer('r1')}`;
      case 'keep':
        return `${putKey(map, step[2])}\n${arguments2}\ncall map_lookup_elem
          if r0 == 0 goto fail\n${slot(step[1])} = r0`;
      case 'see':
        return `r1 = ${slot(step[1])}\nr1 = *(u64 *)(r1 + 0)\n${answer('r1')}`;
      case 'write':
        return `r1 = ${slot(step[1])}\nr2 = ${step[2]}\n*(u64 *)(r1 + 0) = r2`;
    }
  });
  return `
    r7 = *(u32 *)(r1 + 0)
    r8 = *(u32 *)(r1 + 4)
    r2 = r7
    r2 += ${8 * answersOf(each)}
    if r2 > r8 goto fail
    ${body.join('\n')}
    r0 = 2
    exit
  fail:
    r0 = 255
    exit`;
}

const see = (...kept: number[]): PointerStep[] => kept.map((each) => ['see', each]);

/** Sequences in terms of keys 1 to 5 and 0. */
const SEQUENCES: Readonly<Record<string, readonly PointerStep[]>> = {
  'an update leaves the old value where it was': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['set', 1, 12],
    ['see', 0],
    ['keep', 1, 1],
    ['see', 1],
    ['write', 0, 99],
    ['look', 1],
    ['write', 1, 13],
    ['look', 1],
    ['see', 0],
  ],
  'three updates of one key': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['set', 1, 12],
    ['keep', 1, 1],
    ['set', 1, 13],
    ['keep', 2, 1],
    ['set', 1, 14],
    ['keep', 3, 1],
    ...see(0, 1, 2, 3),
  ],
  'updates of several keys': [
    ['set', 1, 11],
    ['set', 2, 21],
    ['set', 3, 31],
    ['keep', 0, 1],
    ['keep', 1, 2],
    ['keep', 2, 3],
    ['set', 1, 12],
    ...see(0, 1, 2),
    ['set', 2, 22],
    ...see(0, 1, 2),
    ['set', 3, 32],
    ...see(0, 1, 2),
    ['set', 1, 13],
    ...see(0, 1, 2),
  ],
  'a new key after an update': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['set', 1, 12],
    ['keep', 1, 1],
    ['set', 2, 21],
    ...see(0, 1),
    ['set', 3, 31],
    ...see(0, 1),
    ['set', 1, 13],
    ...see(0, 1),
  ],
  'a deleted entry': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['delete', 1],
    ['see', 0],
    ['look', 1],
    ['set', 2, 21],
    ['see', 0],
    ['set', 3, 31],
    ['see', 0],
    ['keep', 1, 2],
    ['see', 1],
  ],
  'deleted and put in again': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['delete', 1],
    ['set', 1, 12],
    ['see', 0],
    ['look', 1],
    ['write', 0, 77],
    ['look', 1],
  ],
  'two deleted entries': [
    ['set', 1, 11],
    ['set', 2, 21],
    ['keep', 0, 1],
    ['keep', 1, 2],
    ['delete', 1],
    ['delete', 2],
    ...see(0, 1),
    ['set', 3, 31],
    ...see(0, 1),
    ['set', 4, 41],
    ...see(0, 1),
  ],
  'deleted, then another updated': [
    ['set', 1, 11],
    ['set', 2, 21],
    ['keep', 0, 1],
    ['keep', 1, 2],
    ['delete', 1],
    ['set', 2, 22],
    ...see(0, 1),
    ['set', 3, 31],
    ...see(0, 1),
    ['set', 2, 23],
    ...see(0, 1),
  ],
  'updated, then deleted': [
    ['set', 1, 11],
    ['keep', 0, 1],
    ['set', 1, 12],
    ['keep', 1, 1],
    ['delete', 1],
    ...see(0, 1),
    ['set', 2, 21],
    ...see(0, 1),
    ['set', 2, 22],
    ...see(0, 1),
    ['set', 3, 31],
    ...see(0, 1),
  ],
  'a full map': [
    ['set', 1, 11],
    ['set', 2, 21],
    ['set', 3, 31],
    ['set', 4, 41],
    ['set', 5, 51],
    ['keep', 0, 1],
    ['keep', 1, 4],
    ['set', 1, 12],
    ['set', 4, 42],
    ...see(0, 1),
    ['set', 5, 52],
    ['delete', 4],
    ['set', 5, 53],
    ...see(0, 1),
    ['look', 1],
    ['look', 4],
    ['look', 5],
  ],
  'a prefix of prefixes': [
    ['set', 1, 11],
    ['set', 0, 1],
    ['set', 4, 41],
    ['keep', 0, 0],
    ['set', 0, 2],
    ['keep', 1, 0],
    ...see(0, 1),
    ['delete', 0],
    ...see(0, 1),
    ['set', 0, 3],
    ...see(0, 1),
    ['look', 0],
    ['look', 1],
    ['look', 2],
  ],
};

const MAPS: readonly MapSpec[] = [
  mapSpec({ type: 'hash', name: 'hash' }),
  mapSpec({ type: 'hash', name: 'hash without preallocation', flags: 1 }),
  mapSpec({ type: 'percpu_hash', name: 'percpu_hash' }),
  mapSpec({ type: 'percpu_hash', name: 'percpu_hash without preallocation', flags: 1 }),
  mapSpec({ type: 'lpm_trie', name: 'lpm_trie', keyBytes: 8, flags: 1 }),
  mapSpec({ type: 'array', name: 'array', maxEntries: 8 }),
];

export const POINTER_CASES: readonly PointerCase[] = MAPS.flatMap((map) =>
  Object.entries(SEQUENCES)
    .filter(([, steps]) => map.type !== 'array' || steps.every(([what]) => what !== 'delete'))
    .map(([name, steps]) => ({ name: `${map.name}: ${name}`, map, steps })),
);
