/**
 * Programs that are asked of the kernel and of skep, and must be answered alike: a template of assembly text times its
 * arguments times packets. Each leaves its answers in r0 and in the packet. Knows neither side. Callbacks and filled
 * program arrays are missing: they need commands of bpf(2) that these tests do not use.
 */
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec, patternBytes } from '../machine/harness.js';

export interface KernelCase {
  readonly name: string;
  readonly text: string;
  readonly maps?: readonly MapSpec[];
  readonly packet: Uint8Array;
}

/** Deterministic numbers for generated cases, so that recorded answers stay true. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** r7 = the packet, of at least `bytes` bytes, else the program returns 255. */
function openPacket(bytes: number): string {
  return `
    r6 = r1
    r7 = *(u32 *)(r6 + 0)
    r8 = *(u32 *)(r6 + 4)
    r9 = r7
    r9 += ${bytes}
    if r9 > r8 goto short`;
}
const CLOSE_PACKET = `
    r0 = 0
    exit
  short:
    r0 = 255
    exit`;

/** Each call's result in one byte of r0, the last one lowest. */
type Move = readonly ['head' | 'tail' | 'meta' | 'poke', number];

function movesText(moves: readonly Move[]): string {
  const lines = moves.map(([what, value], i) =>
    what === 'poke'
      ? `
        r1 = *(u32 *)(r6 + 0)
        r2 = *(u32 *)(r6 + 4)
        r3 = r1
        r3 += 8
        if r3 > r2 goto meta${i}
        *(u64 *)(r1 + 0) = ${value}
      meta${i}:
        r1 = *(u32 *)(r6 + 8)
        r2 = *(u32 *)(r6 + 0)
        r3 = r1
        r3 += 4
        if r3 > r2 goto next${i}
        *(u32 *)(r1 + 0) = ${value ^ 0x11111111}
      next${i}:`
      : `
        r1 = r6
        r2 = ${value}
        call xdp_adjust_${what}
        r0 &= 255
        r7 <<= 8
        r7 |= r0`,
  );
  return `
    r6 = r1
    r7 = 0
    ${lines.join('\n')}
    r0 = r7
    exit`;
}

const LENGTHS = [14, 15, 60, 64, 1514, 3500, 3520];
const DELTAS: Readonly<Record<'head' | 'tail' | 'meta', readonly number[]>> = {
  head: [
    0, 1, -1, 2, -4, 14, 46, 50, 51, 1500, 3506, 3507, -14, -215, -216, -217, -256, -257, 65536, 0x7fffffff,
    -0x80000000,
  ],
  tail: [
    0, 1, -1, 20, -20, -46, -50, -51, -1500, -3506, -3507, 2006, 2007, 3456, 3457, 3460, 3461, 3506, 3507, 65536,
    0x7fffffff, -0x80000000,
  ],
  meta: [
    0, 1, -1, -2, -3, -4, -5, -32, -36, -64, -212, -216, -217, -220, -252, -256, 4, 65536, 0x7fffffff, -0x80000000,
  ],
};

function adjustCases(): KernelCase[] {
  const cases: KernelCase[] = [];
  for (const [what, deltas] of Object.entries(DELTAS) as ['head' | 'tail' | 'meta', readonly number[]][]) {
    for (const length of LENGTHS) {
      const some = length === 14 || length === 64 || length === 3520 ? deltas : deltas.filter((_, i) => i % 3 === 1);
      for (const delta of some) {
        cases.push({
          name: `adjust ${what} ${delta} of ${length}`,
          text: movesText([[what, delta]]),
          packet: patternBytes(length),
        });
      }
    }
  }
  const random = makeRandom(4711);
  const steps = {
    head: [-4, -8, -14, -20, -40, -100, -216, 4, 8, 14, 20, 40, 50],
    tail: [-4, -20, -50, 4, 16, 200, 3000],
    meta: [-4, -8, -32, -216, -252, 4, 8, -2],
  };
  for (let i = 0; i < 120; i++) {
    const moves: Move[] = [];
    let calls = 0;
    while (calls < 4) {
      const what = (['head', 'tail', 'meta', 'head', 'meta', 'poke'] as const)[random(6)] ?? 'head';
      if (what === 'poke') moves.push([what, 0x5a000000 + i * 256 + moves.length]);
      else {
        moves.push([what, steps[what][random(steps[what].length)] ?? 0]);
        calls++;
      }
      if (moves.length > 12) break;
    }
    const length = [14, 40, 64, 100, 1514][random(5)] ?? 64;
    const name = `moves ${moves.map(([what, value]) => (what === 'poke' ? 'poke' : `${what}${value}`)).join(' ')} of ${length}`;
    cases.push({ name, text: movesText(moves), packet: patternBytes(length) });
  }
  return cases;
}

/** The ctx, as offsets from data. */
function ctxCases(): KernelCase[] {
  return [14, 60, 64, 1514, 3520].map((length) => ({
    name: `ctx of ${length}`,
    text: `
      r6 = *(u32 *)(r1 + 0)
      r7 = *(u32 *)(r1 + 4)
      r8 = *(u32 *)(r1 + 8)
      r9 = *(u32 *)(r1 + 12)
      r2 = *(u32 *)(r1 + 16)
      r0 = r7
      r0 -= r6
      r3 = r6
      r3 -= r8
      r3 <<= 16
      r0 += r3
      r9 <<= 20
      r0 += r9
      r2 <<= 24
      r0 += r2
      exit`,
    packet: patternBytes(length),
  }));
}

function csumCases(): KernelCase[] {
  const cases: KernelCase[] = [];
  const random = makeRandom(99);
  const fill = (kind: string): number[] =>
    Array.from({ length: 16 }, () =>
      kind === 'zero' ? 0 : kind === 'ones' ? -1 : (random(2 ** 16) * 65536 + random(2 ** 16)) | 0,
    );
  const sizes = [
    [0, 0],
    [0, 4],
    [4, 0],
    [4, 4],
    [8, 4],
    [4, 8],
    [0, 20],
    [20, 0],
    [20, 20],
    [40, 64],
    [64, 64],
    [64, 0],
    [0, 64],
    [0, 60],
    [1, 0],
    [0, 1],
    [2, 4],
    [4, 6],
    [3, 3],
    [5, 0],
  ] as const;
  const seeds = [0, 1, 0xffff, 0x10000, 0x12345678, -1, -2, -0x10000];
  for (const [fromBytes, toBytes] of sizes) {
    for (const seed of seeds) {
      const kind = ['random', 'random', 'zero', 'ones'][(fromBytes + toBytes + (seed & 7)) & 3] ?? 'random';
      const stores = [...fill(kind), ...fill(seed === 1 ? 'random' : kind)].map(
        (word, i) => `*(u32 *)(r10 - ${128 - 4 * i}) = ${word}`,
      );
      cases.push({
        name: `csum_diff ${kind} ${fromBytes} ${toBytes} seed ${seed}`,
        text: `${openPacket(16)}
          ${stores.join('\n')}
          r1 = r10
          r1 += -128
          ${fromBytes === 0 ? 'r1 = 0' : ''}
          r2 = ${fromBytes}
          r3 = r10
          r3 += -64
          ${toBytes === 0 ? 'r3 = 0' : ''}
          r4 = ${toBytes}
          w5 = ${seed}
          call csum_diff
          *(u64 *)(r7 + 0) = r0
          ${CLOSE_PACKET}`,
        packet: new Uint8Array(16),
      });
    }
  }
  // Over the packet itself, at odd places.
  for (const [off, bytes] of [
    [0, 20],
    [1, 20],
    [14, 20],
    [3, 40],
    [2, 64],
  ] as const) {
    cases.push({
      name: `csum_diff of packet+${off}, ${bytes} bytes`,
      text: `${openPacket(80)}
        r1 = 0
        r2 = 0
        r3 = r7
        r3 += ${off}
        r4 = ${bytes}
        r5 = 0
        call csum_diff
        *(u64 *)(r7 + 0) = r0
        ${CLOSE_PACKET}`,
      packet: patternBytes(80),
    });
  }
  return cases;
}

type MapMove =
  | { readonly op: 'update'; readonly key: number; readonly value: number; readonly flags: number }
  | { readonly op: 'lookup' | 'delete'; readonly key: number }
  /** Writes through the pointer that a lookup gave. */
  | { readonly op: 'add'; readonly key: number; readonly value: number };

/** Bytes of `byte`, spread over 16 bytes of stack so that keys of every length differ. */
function putKey(key: number, offset: number, index: boolean): string {
  if (index) return `*(u32 *)(r10 - ${offset}) = ${key}`;
  const word = Math.imul(key + 1, 0x01010101);
  return `*(u64 *)(r10 - ${offset}) = ${word}\n*(u64 *)(r10 - ${offset - 8}) = ${word}`;
}

function mapMovesText(moves: readonly MapMove[], index: boolean, width: 8 | 32): string {
  const blocks = moves.map((move, i) => {
    const key = `${putKey(move.key, 16, index)}
      r1 = &map0
      r2 = r10
      r2 += -16`;
    const keep = `*(u32 *)(r7 + ${4 * i}) = r0`;
    switch (move.op) {
      case 'update':
        return `
          *(u64 *)(r10 - 32) = ${move.value}
          *(u64 *)(r10 - 24) = ${move.value}
          ${key}
          r3 = r10
          r3 += -32
          r4 = ${move.flags}
          call map_update_elem
          ${keep}`;
      case 'delete':
        return `${key}\ncall map_delete_elem\n${keep}`;
      case 'lookup':
      case 'add':
        return `${key}
          call map_lookup_elem
          if r0 != 0 goto found${i}
          r0 = -1
          goto kept${i}
        found${i}:
          r1 = r0
          r0 = *(u${width} *)(r1 + 0)
          ${move.op === 'add' ? `r2 = r0\nr2 += ${move.value}\n*(u${width} *)(r1 + 0) = r2` : ''}
        kept${i}:
          ${keep}`;
    }
  });
  return `${openPacket(4 * moves.length)}\n${blocks.join('\n')}\n${CLOSE_PACKET}`;
}

function mapCases(): KernelCase[] {
  const cases: KernelCase[] = [];
  const random = makeRandom(1234);
  const makeMoves = (count: number): MapMove[] =>
    Array.from({ length: count }, (): MapMove => {
      const key = random(6);
      const value = 1 + random(100);
      switch (random(8)) {
        case 0:
        case 1:
          return { op: 'lookup', key };
        case 2:
          return { op: 'delete', key };
        case 3:
          return { op: 'add', key, value };
        default:
          return {
            op: 'update',
            key,
            value,
            flags: [0, 0, 0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0x7fffffff, -1][random(15)] ?? 0,
          };
      }
    });
  const shapes = [
    { type: 'array', valueBytes: 8 },
    { type: 'array', valueBytes: 5 },
    { type: 'percpu_array', valueBytes: 8 },
    { type: 'percpu_array', valueBytes: 1 },
    { type: 'hash', keyBytes: 4, valueBytes: 8 },
    { type: 'hash', keyBytes: 1, valueBytes: 1 },
    { type: 'hash', keyBytes: 13, valueBytes: 5 },
    { type: 'hash', keyBytes: 16, valueBytes: 12 },
    { type: 'hash', keyBytes: 7, valueBytes: 8, flags: 1 },
  ] as const;
  for (const shape of shapes) {
    const index = shape.type !== 'hash';
    for (let i = 0; i < 8; i++) {
      const { type, ...rest } = shape;
      cases.push({
        name: `${type} ${Object.values(rest).join('/')} moves ${i}`,
        text: mapMovesText(makeMoves(24), index, shape.valueBytes < 4 ? 8 : 32),
        maps: [mapSpec({ ...shape, maxEntries: 4 })],
        packet: new Uint8Array(96),
      });
    }
    // Every flag on a present key, an absent one and in a full map.
    for (const flags of [0, 1, 2, 3, 4, 5, 6, 7, 8, -1]) {
      const fill = [0, 1, 2].map((key): MapMove => ({ op: 'update', key, value: key + 1, flags: 0 }));
      const moves: MapMove[] = [
        ...fill,
        { op: 'update', key: 1, value: 50, flags },
        { op: 'lookup', key: 1 },
        { op: 'update', key: 3, value: 51, flags },
        { op: 'lookup', key: 3 },
        { op: 'update', key: 3, value: 52, flags: 0 },
        { op: 'update', key: 4, value: 53, flags },
        { op: 'lookup', key: 4 },
        { op: 'update', key: 0, value: 54, flags },
        { op: 'lookup', key: 0 },
        { op: 'delete', key: 2 },
        { op: 'delete', key: 2 },
        { op: 'update', key: 5, value: 55, flags },
        { op: 'lookup', key: 5 },
      ];
      const { type, ...rest } = shape;
      cases.push({
        name: `${type} ${Object.values(rest).join('/')} flags ${flags}`,
        text: mapMovesText(moves, index, shape.valueBytes < 4 ? 8 : 32),
        maps: [mapSpec({ ...shape, maxEntries: 4 })],
        packet: new Uint8Array(96),
      });
    }
  }
  return cases;
}

/** What is asked of a ring after each move, in 16-byte rows: result, data not yet taken, producer position. */
type RingMove = readonly ['reserve' | 'discard' | 'output', bytes: number | string, flags: number];

function ringText(moves: readonly RingMove[]): string {
  const blocks = moves.map(([op, bytes, flags], i) => {
    const call =
      op === 'output'
        ? `
          r1 = &map0
          r2 = r10
          r2 += -256
          r3 = ${bytes}
          r4 = ${flags}
          call ringbuf_output`
        : `
          r1 = &map0
          r2 = ${bytes}
          r3 = ${flags}
          call ringbuf_reserve
          if r0 == 0 goto none${i}
          r1 = r0
          r2 = 0
          call ringbuf_${op === 'discard' ? 'discard' : 'submit'}
          r0 = 1
        none${i}:`;
    const query = (what: number, off: number) => `
      r1 = &map0
      r2 = ${what}
      call ringbuf_query
      *(u32 *)(r7 + ${12 * i + off}) = r0`;
    return `${call}\n*(u32 *)(r7 + ${12 * i}) = r0\n${query(0, 4)}\n${query(3, 8)}`;
  });
  const clear = Array.from({ length: 32 }, (_, i) => `*(u64 *)(r10 - ${256 - 8 * i}) = ${i}`);
  return `${openPacket(12 * moves.length)}\n${clear.join('\n')}\n${blocks.join('\n')}\n${CLOSE_PACKET}`;
}

function ringCases(): KernelCase[] {
  const ring = (name: string, moves: readonly RingMove[], maxEntries = 4096): KernelCase => ({
    name: `ring ${name}`,
    text: ringText(moves),
    maps: [mapSpec({ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries })],
    packet: new Uint8Array(12 * moves.length + 16),
  });
  const cases: KernelCase[] = [];
  for (const bytes of [
    1, 7, 8, 9, 16, 4079, 4080, 4081, 4087, 4088, 4089, 4096, 5000, 0x3ffffff7, 0x3fffffff, 0x40000000, 0x7fffffff,
  ]) {
    cases.push(ring(`reserve ${bytes}`, [['reserve', bytes, 0]]));
  }
  for (const flags of [1, 2, 3, 4, -1]) {
    cases.push(ring(`reserve flags ${flags}`, [['reserve', 8, flags]]));
    cases.push(ring(`output flags ${flags}`, [['output', 8, flags]]));
  }
  for (const bytes of [0, 1, 8, 100, 256]) cases.push(ring(`output ${bytes}`, [['output', bytes, 0]]));
  const random = makeRandom(7);
  for (let i = 0; i < 25; i++) {
    const moves = Array.from({ length: 14 }, (): RingMove => {
      const op = (['reserve', 'discard', 'output'] as const)[random(3)] ?? 'reserve';
      const bytes = op === 'output' ? random(257) : 1 + random(i % 2 === 0 ? 1200 : 600);
      return [op, bytes, [0, 0, 0, 0, 0, 1, 4][random(7)] ?? 0];
    });
    cases.push(ring(`moves ${i}`, moves, i % 5 === 4 ? 8192 : 4096));
  }
  for (const what of ['0', '1', '2', '3', '4', '-1', '0x100000001 ll']) {
    cases.push({
      name: `ring query ${what}`,
      text: `${openPacket(16)}
        r1 = &map0
        r2 = ${what}
        call ringbuf_query
        *(u64 *)(r7 + 0) = r0
        ${CLOSE_PACKET}`,
      maps: [mapSpec({ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 8192 })],
      packet: new Uint8Array(16),
    });
  }
  return cases;
}

/** Nobody listens in the kernel while it is asked: where it says -ENOENT, skep, where somebody always does, sends. */
function perfCases(): KernelCase[] {
  const flags = [
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '0x7fffffff',
    '0xfffffffe ll',
    '0xffffffff ll',
    '0x18ffffffff ll',
    '0x19ffffffff ll',
    '0x1800000004 ll',
    '0x1900000004 ll',
    '0xfffffffffffff ll',
    '0x10000000000000 ll',
    '0x8000000000000000 ll',
    '0x10000000000004 ll',
  ];
  return flags.map((each) => ({
    name: `perf_event_output flags ${each}`,
    text: `${openPacket(16)}
      *(u64 *)(r10 - 8) = 1
      r1 = r6
      r2 = &map0
      r3 = ${each}
      r4 = r10
      r4 += -8
      r5 = 8
      call perf_event_output
      r9 = r0
      r1 = *(u32 *)(r6 + 0)
      r2 = *(u32 *)(r6 + 4)
      r3 = r1
      r3 += 8
      if r3 > r2 goto short
      *(u64 *)(r1 + 0) = r9
      ${CLOSE_PACKET}`,
    maps: [mapSpec({ type: 'perf_event_array', valueBytes: 4, maxEntries: 4 })],
    packet: new Uint8Array(24),
  }));
}

function tailCallCases(): KernelCase[] {
  return ['0', '1', '3', '4', '5', '-1', '0x100000000 ll'].map((index) => ({
    name: `tail_call ${index} of an empty array`,
    text: `
      r2 = &map0
      r3 = ${index}
      call tail_call
      r0 = 77
      exit`,
    maps: [mapSpec({ type: 'prog_array', valueBytes: 4, maxEntries: 4 })],
    packet: new Uint8Array(16),
  }));
}

export const KERNEL_CASES: readonly KernelCase[] = [
  ...ctxCases(),
  ...adjustCases(),
  ...csumCases(),
  ...mapCases(),
  ...ringCases(),
  ...perfCases(),
  ...tailCallCases(),
];
