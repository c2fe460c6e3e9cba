/**
 * Operations on maps that are asked of the kernel and of skep, from user space and from a program, and must be answered
 * alike. A scenario is a map and what is done to it, step by step. Knows neither side.
 */
import { alignUp } from '../../vm/addr.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import { le, mapSpec } from '../machine/harness.js';

/** `sys` as bpf(2) does, `prog` by helpers. Numbers stand for little-endian bytes; `flags` is a CPU for `percpu`. */
export interface Step {
  readonly side: 'sys' | 'prog';
  readonly what: 'lookup' | 'update' | 'delete' | 'take' | 'walk' | 'push' | 'pop' | 'peek' | 'percpu' | 'map';
  readonly key?: number | Uint8Array;
  readonly value?: number;
  readonly flags?: number;
}

export interface Scenario {
  readonly name: string;
  /** The first is operated on; those behind it are put in by `map` steps, by index. */
  readonly maps: readonly MapSpec[];
  readonly steps: readonly Step[];
}

/** Where a program finds its orders in the packet, and leaves its answers. */
export const order = { op: 0, flags: 4, key: 8, value: 48, result: 72, out: 80, bytes: 104 } as const;
export const OPS = ['lookup', 'update', 'delete', 'push', 'pop', 'peek', 'percpu'] as const;

/** The helpers that the verifier lets a program call on a type. */
function opsOf(type: MapSpec['type']): readonly (typeof OPS)[number][] {
  switch (type) {
    case 'queue':
    case 'stack':
      return ['push', 'pop', 'peek'];
    case 'bloom_filter':
      return ['push', 'peek'];
    case 'array_of_maps':
    case 'hash_of_maps':
    case 'devmap':
    case 'devmap_hash':
      return ['lookup'];
    case 'cpumap':
      return [];
    case 'percpu_hash':
    case 'lru_percpu_hash':
    case 'percpu_array':
      return ['lookup', 'update', 'delete', 'percpu'];
    default:
      return ['lookup', 'update', 'delete'];
  }
}

function copy(to: string, toOff: number, from: string, fromOff: number, bytes: number): string {
  const lines: string[] = [];
  for (let i = 0; i < bytes; i++) {
    lines.push(`r3 = *(u8 *)(${from} + ${fromOff + i})`, `*(u8 *)(${to} + ${toOff + i}) = r3`);
  }
  return lines.join('\n');
}

/** A program that does one step on map 0 as its packet says. */
export function programText(spec: MapSpec): string {
  const { keyBytes, valueBytes } = spec;
  const keyAt = -alignUp(Math.max(keyBytes, 1), 8);
  const valueAt = keyAt - alignUp(Math.max(valueBytes, 8), 8);
  const call: Readonly<Record<(typeof OPS)[number], string>> = {
    lookup: 'call map_lookup_elem\ngoto found',
    update: `r3 = r10\nr3 += ${valueAt}\nr4 = *(u32 *)(r7 + ${order.flags})\ncall map_update_elem\ngoto done`,
    delete: 'call map_delete_elem\ngoto done',
    push: `r2 = r10\nr2 += ${valueAt}\nr3 = *(u32 *)(r7 + ${order.flags})\ncall map_push_elem\ngoto done`,
    pop: `r2 = r10\nr2 += ${valueAt}\ncall map_pop_elem\n${copy('r7', order.out, 'r10', valueAt, valueBytes)}\ngoto done`,
    peek: `r2 = r10\nr2 += ${valueAt}\ncall map_peek_elem\n${copy('r7', order.out, 'r10', valueAt, valueBytes)}\ngoto done`,
    percpu: `r3 = *(u32 *)(r7 + ${order.flags})\ncall map_lookup_percpu_elem\ngoto found`,
  };
  const ops = opsOf(spec.type);
  if (ops.length === 0) return 'r1 = &map0\nr0 = 2\nexit';
  const inner = spec.inner;
  const step2 =
    inner === undefined
      ? ''
      : `r1 = r0\nr2 = r10\nr2 += ${valueAt}\n*(u32 *)(r10 + ${valueAt}) = 0\ncall map_lookup_elem\nif r0 == 0 goto empty`;
  const outBytes = inner?.valueBytes ?? valueBytes;
  const finds = ops.includes('lookup');
  return `
    r6 = r1
    r7 = *(u32 *)(r6 + 0)
    r8 = *(u32 *)(r6 + 4)
    r2 = r7
    r2 += ${order.bytes}
    if r2 > r8 goto short
    *(u64 *)(r10 + ${valueAt}) = 0
    ${copy('r10', keyAt, 'r7', order.key, keyBytes)}
    ${copy('r10', valueAt, 'r7', order.value, valueBytes)}
    r1 = &map0
    r2 = r10
    r2 += ${keyAt}
    r9 = *(u32 *)(r7 + ${order.op})
    ${ops.map((op) => `if r9 == ${OPS.indexOf(op)} goto ${op}`).join('\n')}
    r0 = 254
    exit
    ${ops.map((op) => `${op}:\n${call[op]}`).join('\n')}
    ${finds ? `found:\nif r0 == 0 goto none\n${step2}\n${copy('r7', order.out, 'r0', 0, outBytes)}\nr0 = 1\ngoto done\nnone:\nr0 = 0\ngoto done` : ''}
    ${inner === undefined ? '' : 'empty:\nr0 = 2\ngoto done'}
    done:
    *(u64 *)(r7 + ${order.result}) = r0
    r0 = 2
    exit
    short:
    r0 = 255
    exit`;
}

export function bytesFor(value: number | Uint8Array, bytes: number): Uint8Array {
  return typeof value === 'number' ? le(value, bytes) : value;
}

function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const FLAGS = [0, 1, 2, 3, 4, 5, 8, 0x8000_0000];
const SIDES = ['sys', 'prog'] as const;

/** Every flag on a key that is there, one that is not, and on a full map; then deletions. */
function matrix(keys: readonly [there: Step['key'], missing: Step['key'], more: readonly Step['key'][]]): Step[] {
  const [there, missing, more] = keys;
  const steps: Step[] = [];
  const k = (key: Step['key']) => (key === undefined ? {} : { key });
  for (const side of SIDES) {
    steps.push({ side, what: 'update', ...k(there), value: 1 });
    for (const flags of FLAGS) {
      steps.push(
        { side, what: 'update', ...k(there), value: flags + 10, flags },
        { side, what: 'lookup', ...k(there) },
      );
    }
    for (const flags of FLAGS) {
      steps.push(
        { side, what: 'delete', ...k(missing) },
        { side, what: 'update', ...k(missing), value: 5, flags },
        { side, what: 'lookup', ...k(missing) },
      );
    }
    for (const [i, key] of more.entries()) steps.push({ side, what: 'update', ...k(key), value: 100 + i });
    for (const flags of [1, 2, 0]) steps.push({ side, what: 'update', ...k(there), value: 7, flags });
    steps.push({ side: 'sys', what: 'walk' }, { side: 'sys', what: 'take', ...k(there) });
    for (const key of [there, missing, ...more]) steps.push({ side, what: 'delete', ...k(key) });
  }
  return steps;
}

/** Random steps over few keys. */
function storm(
  seed: number,
  count: number,
  keys: readonly Step['key'][],
  sides: readonly Step['side'][] = SIDES,
): Step[] {
  const random = makeRandom(seed);
  return Array.from({ length: count }, (_, i): Step => {
    const side = sides[random(sides.length)] ?? 'sys';
    const key = keys[random(keys.length)];
    const what =
      (['update', 'update', 'update', 'update', 'lookup', 'lookup', 'lookup', 'delete'] as const)[random(8)] ??
      'lookup';
    const flags = what === 'update' ? ([0, 0, 0, 0, 1, 2][random(6)] ?? 0) : 0;
    return { side, what, ...(key === undefined ? {} : { key }), ...(what === 'update' ? { value: i } : {}), flags };
  }).concat([{ side: 'sys', what: 'walk' }]);
}

const COUNTED = Array.from({ length: 64 }, (_, i) => i);

function hashScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const type of ['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash'] as const) {
    const flagSets = type.startsWith('lru') ? [0, 2] : [0, 1];
    for (const flags of flagSets) {
      for (const [keyBytes, valueBytes] of [
        [4, 8],
        [3, 5],
        [13, 12],
      ] as const) {
        const spec = mapSpec({ type, keyBytes, valueBytes, maxEntries: 4, flags });
        const name = `${type} flags ${flags} key ${keyBytes} value ${valueBytes}`;
        scenarios.push({ name: `${name}: matrix`, maps: [spec], steps: matrix([1, 2, [3, 4, 5, 6]]) });
      }
    }
  }
  for (const type of ['percpu_hash', 'lru_percpu_hash'] as const) {
    const steps: Step[] = [];
    for (const side of SIDES) {
      steps.push({ side, what: 'update', key: side === 'sys' ? 1 : 2, value: 9 });
      for (const key of [1, 2, 3])
        for (const cpu of [0, 1, 2, 100]) steps.push({ side: 'prog', what: 'percpu', key, flags: cpu });
      for (const key of [1, 2, 3]) steps.push({ side: 'sys', what: 'lookup', key });
    }
    // A key that comes again has zeros on the other CPUs.
    steps.push({ side: 'sys', what: 'delete', key: 1 }, { side: 'prog', what: 'update', key: 1, value: 3 });
    steps.push({ side: 'sys', what: 'lookup', key: 1 }, { side: 'prog', what: 'update', key: 1, value: 4 });
    steps.push({ side: 'sys', what: 'lookup', key: 1 });
    scenarios.push({ name: `${type}: CPUs`, maps: [mapSpec({ type })], steps });
  }
  return scenarios;
}

/** Which key goes: all on one CPU. */
function lruScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const type of ['lru_hash', 'lru_percpu_hash'] as const) {
    for (const flags of [0, 2]) {
      for (const maxEntries of [1, 2, 3, 4, 7, 16, 40]) {
        const spec = mapSpec({ type, maxEntries, flags });
        const keys = COUNTED.slice(0, Math.ceil(maxEntries * 1.5) + 2);
        const name = `${type} flags ${flags} of ${maxEntries}`;
        const fill: Step[] = keys.map((key) => ({ side: 'prog', what: 'update', key, value: key }));
        const walk: Step = { side: 'sys', what: 'walk' };
        const used: Step[] = keys.filter((key) => key % 3 === 0).map((key) => ({ side: 'prog', what: 'lookup', key }));
        const seen: Step[] = keys.filter((key) => key % 3 === 1).map((key) => ({ side: 'sys', what: 'lookup', key }));
        const again: Step[] = COUNTED.slice(50, 60).map((key) => ({ side: 'prog', what: 'update', key, value: key }));
        const steps = [...fill, walk, ...used, ...seen, ...again.flatMap((step) => [step, walk])];
        scenarios.push({ name: `${name}: order`, maps: [spec], steps });
        scenarios.push({ name: `${name}: storm`, maps: [spec], steps: storm(maxEntries * 7 + flags, 120, keys) });
      }
    }
  }
  // Past the size of a batch.
  for (const flags of [0, 2]) {
    const spec = mapSpec({ type: 'lru_hash', maxEntries: 600, flags });
    const fill = Array.from({ length: 900 }, (_, key): Step => ({ side: 'prog', what: 'update', key, value: key }));
    const touch = Array.from({ length: 150 }, (_, i): Step => ({ side: 'prog', what: 'lookup', key: 500 + 2 * i }));
    const more = Array.from({ length: 300 }, (_, i): Step => ({
      side: 'prog',
      what: 'update',
      key: 1000 + i,
      value: i,
    }));
    const walk: Step = { side: 'sys', what: 'walk' };
    scenarios.push({
      name: `lru_hash flags ${flags} of 600: batches`,
      maps: [spec],
      steps: [...fill, walk, ...touch, ...more, walk],
    });
  }
  return scenarios;
}

function prefix(length: number, ...address: number[]): Uint8Array {
  return Uint8Array.from([...le(length, 4), ...address]);
}

function lpmScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const bytes of [1, 3, 4, 16]) {
    const pad = (...address: number[]) => Array.from({ length: bytes }, (_, i) => address[i] ?? 0);
    const key = (length: number, ...address: number[]) => prefix(length, ...pad(...address));
    const spec = mapSpec({ type: 'lpm_trie', keyBytes: 4 + bytes, valueBytes: 8, maxEntries: 6, flags: 1 });
    const top = 8 * bytes;
    const keys = [
      key(0),
      key(1, 0x80),
      key(4, 0x50),
      key(8, 0x50),
      key(8, 0x51),
      key(top, 0x50, 1, 2, 3),
      key(top, 0x50, 1, 2, 4),
      key(top + 1, 0x50),
      key(0xffff_ffff),
      key(7, 0xff),
      key(top, 0xff, 0xff, 0xff, 0xff),
    ];
    scenarios.push({
      name: `lpm_trie of ${bytes}: matrix`,
      maps: [spec],
      steps: matrix([key(5, 0x50), key(3, 0x20), keys]),
    });
    for (const seed of [1, 2]) {
      scenarios.push({
        name: `lpm_trie of ${bytes}: storm ${seed}`,
        maps: [spec],
        steps: storm(seed * 31 + bytes, 120, keys),
      });
    }
  }
  return scenarios;
}

function arrayScenarios(): Scenario[] {
  return (['array', 'percpu_array'] as const).map((type) => ({
    name: `${type}: matrix`,
    maps: [mapSpec({ type })],
    steps: matrix([1, 4, [0, 2, 3, 0xffff_ffff]]),
  }));
}

function innerScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  const inners: readonly MapSpec[] = [
    mapSpec({ type: 'array', name: 'inner_array' }),
    mapSpec({ type: 'array', name: 'inner_free', flags: 0x1000 }),
    mapSpec({ type: 'hash', name: 'inner_hash' }),
  ];
  for (const type of ['array_of_maps', 'hash_of_maps'] as const) {
    for (const inner of inners) {
      const maps = [
        mapSpec({ type, valueBytes: 4, inner, maxEntries: 3 }),
        inner,
        { ...inner, name: 'bigger', maxEntries: 9 },
        { ...inner, name: 'wider', valueBytes: 16 },
        { ...inner, name: 'flagged', flags: inner.flags ^ 0x80 },
        mapSpec({ type: inner.type === 'hash' ? 'array' : 'hash', name: 'another' }),
        ...(inner.type === 'hash' ? [{ ...inner, name: 'keyed', keyBytes: 8 }] : []),
      ];
      const steps: Step[] = [];
      for (const key of [1, 7, 0xffff_ffff]) {
        for (let map = 1; map < maps.length; map++) {
          steps.push({ side: 'sys', what: 'map', key, value: map }, { side: 'sys', what: 'lookup', key });
          steps.push({ side: 'prog', what: 'lookup', key });
        }
        for (const flags of [1, 2, 3, 4]) steps.push({ side: 'sys', what: 'map', key, value: 1, flags });
      }
      for (const key of [0, 1, 2]) steps.push({ side: 'sys', what: 'map', key, value: 1 });
      steps.push({ side: 'sys', what: 'map', key: 1, value: 99 }, { side: 'sys', what: 'take', key: 1 });
      for (const key of [0, 1, 1, 2, 3]) {
        steps.push(
          { side: 'sys', what: 'delete', key },
          { side: 'prog', what: 'lookup', key },
          { side: 'sys', what: 'lookup', key },
        );
      }
      for (const flags of [2, 1, 1]) steps.push({ side: 'sys', what: 'map', key: 1, value: 1, flags });
      scenarios.push({ name: `${type} of ${inner.name}`, maps, steps });
    }
  }
  return scenarios;
}

/** Interface 1 is there everywhere. */
function targetScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const type of ['devmap', 'devmap_hash', 'cpumap'] as const) {
    for (const valueBytes of [4, 8]) {
      const steps: Step[] = [];
      const sides: Step['side'][] = type === 'cpumap' ? ['sys'] : ['sys', 'prog'];
      const look = (key: number): Step[] => sides.map((side) => ({ side, what: 'lookup', key }));
      for (const key of [0, 1, 3, 4, 1000]) {
        for (const flags of FLAGS) steps.push({ side: 'sys', what: 'update', key, value: 1, flags }, ...look(key));
        // 192 is a usual queue; for a device none is 0.
        for (const value of type === 'cpumap' ? [0, 192, 16_384, 16_385] : [0, 1]) {
          steps.push({ side: 'sys', what: 'update', key, value }, ...look(key));
        }
      }
      for (const key of [5, 6, 7]) steps.push({ side: 'sys', what: 'update', key, value: 1 });
      if (valueBytes === 8) steps.push({ side: 'sys', what: 'update', key: 0, value: 2 ** 32 * 1_000_000 + 1 });
      steps.push({ side: 'sys', what: 'walk' }, { side: 'sys', what: 'take', key: 0 });
      for (const key of [0, 0, 1, 4, 1000]) steps.push({ side: 'sys', what: 'delete', key }, ...look(key));
      scenarios.push({ name: `${type} value ${valueBytes}`, maps: [mapSpec({ type, valueBytes })], steps });
    }
  }
  return scenarios;
}

function keylessScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const type of ['queue', 'stack'] as const) {
    for (const [valueBytes, maxEntries] of [
      [8, 3],
      [5, 1],
      [12, 4],
    ] as const) {
      const random = makeRandom(valueBytes);
      const steps: Step[] = [];
      for (let i = 0; i < 60; i++) {
        const side = SIDES[random(2)] ?? 'sys';
        const op = random(7);
        if (op < 4) {
          const flags = [0, 0, 0, 2, 2, 1, 3, 4, 0x8000_0000][random(9)] ?? 0;
          steps.push({ side, what: side === 'sys' ? 'update' : 'push', value: i, flags });
        } else if (op === 4) steps.push({ side, what: side === 'sys' ? 'lookup' : 'peek' });
        else steps.push({ side, what: side === 'sys' ? 'take' : 'pop' });
      }
      steps.push({ side: 'sys', what: 'delete' }, { side: 'sys', what: 'walk' });
      const spec = mapSpec({ type, keyBytes: 0, valueBytes, maxEntries });
      scenarios.push({ name: `${type} value ${valueBytes} of ${maxEntries}`, maps: [spec], steps });
    }
  }
  const steps: Step[] = [];
  for (const side of SIDES) {
    const push = side === 'sys' ? 'update' : 'push';
    const from = side === 'sys' ? 0 : 50;
    steps.push({ side: 'prog', what: 'peek', value: from + 1 });
    for (const flags of FLAGS) steps.push({ side, what: push, value: from + flags, flags });
    for (let i = 0; i < 10; i++) steps.push({ side, what: push, value: from + i });
    for (let i = 0; i < 10; i++) steps.push({ side: 'prog', what: 'peek', value: from + i });
  }
  steps.push({ side: 'sys', what: 'delete' }, { side: 'sys', what: 'take' }, { side: 'sys', what: 'walk' });
  const bloom = mapSpec({ type: 'bloom_filter', keyBytes: 0, maxEntries: 1000 });
  scenarios.push({ name: 'bloom_filter', maps: [bloom], steps });
  return scenarios;
}

export const SCENARIOS: readonly Scenario[] = [
  ...arrayScenarios(),
  ...hashScenarios(),
  ...lruScenarios(),
  ...lpmScenarios(),
  ...innerScenarios(),
  ...targetScenarios(),
  ...keylessScenarios(),
];
