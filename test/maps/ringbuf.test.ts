/** Ring buffers against a queue: order, wrap-around, what is full, what waits. */
import fc from 'fast-check';
import t from 'tap';
import { alignUp } from '../../vm/addr.js';
import { toHex } from '../../vm/bytes.js';
import { ringbufKind, type RingbufOps } from '../../vm/maps/ringbuf.js';
import { Memory } from '../../vm/memory/memory.js';
import { Shadow } from '../../vm/memory/shadow.js';
import { errno } from '../../vm/spec/errno.js';
import { mapSpec } from '../machine/harness.js';

const BASE = 65_536;
const DATA_AT = 8192;
const SIZE = 4096;
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

interface Ring {
  readonly ops: RingbufOps;
  readonly memory: Memory;
  readonly shadow: Shadow;
  readonly taken: string[];
}

function makeRing(size = SIZE): Ring {
  const memory = new Memory(2 << 20);
  const shadow = new Shadow(memory, 1 << 20);
  const taken: string[] = [];
  const spec = mapSpec({ type: 'ringbuf', name: 'ring', keyBytes: 0, valueBytes: 0, maxEntries: size });
  const ops = ringbufKind.bind(
    { memory, shadow, cpus: 1, emit: ({ map, data }) => taken.push(`${map} ${toHex(data)}`) },
    spec,
    BASE,
  ) as RingbufOps;
  return { ops, memory, shadow, taken };
}

function text(bytes: Uint8Array): string {
  return `ring ${toHex(bytes)}`;
}

t.test('records come in the order of reservation, up to the first that is not committed', (t) => {
  const { ops, memory, taken } = makeRing();
  const [a, b, c] = [ops.reserve(1), ops.reserve(2), ops.reserve(3)];
  memory.u8.fill(0xaa, a, a + 1);
  memory.u8.fill(0xbb, b, b + 2);
  memory.u8.fill(0xcc, c, c + 3);
  ops.commit(b, false);
  ops.drain();
  t.strictSame(taken, [], 'the first still waits');
  t.ok(ops.isReserved(a));
  t.notOk(ops.isReserved(b));
  ops.commit(a, false);
  ops.drain();
  t.strictSame(taken, ['ring aa', 'ring bbbb']);
  ops.commit(c, true);
  ops.drain();
  t.strictSame(taken, ['ring aa', 'ring bbbb'], 'a discarded record is nobody’s');
  t.equal(ops.query(0), 0);
  t.end();
});

t.test('rights: a record is the program’s until it is committed', (t) => {
  const { ops, shadow } = makeRing();
  const record = ops.reserve(10);
  t.equal(record % 8, 0);
  t.ok(shadow.allows(record, 10, 3));
  t.notOk(shadow.allows(record, 11, 1));
  t.notOk(shadow.allows(record - 1, 1, 1));
  ops.commit(record, false);
  t.notOk(shadow.allows(record, 1, 1));
  t.end();
});

t.test('what is no record', (t) => {
  const { ops } = makeRing();
  const record = ops.reserve(16);
  for (const at of [record - 8, record + 1, record + 8, record + 24, BASE, BASE + 8, BASE + 3 * SIZE]) {
    t.notOk(ops.isReserved(at), `${at - record}`);
  }
  t.end();
});

t.test('sizes', (t) => {
  const { ops } = makeRing();
  t.equal(ops.reserve(SIZE), 0);
  t.equal(ops.reserve(SIZE - 7), 0);
  t.equal(ops.output(DATA_AT, SIZE - 7), -errno.EAGAIN);
  t.equal(ops.output(DATA_AT, 0x4000_0000), -errno.EAGAIN);
  t.not(ops.reserve(SIZE - 16), 0, 'one less than all: the ring is never quite full');
  t.equal(ops.reserve(0), 0);
  t.strictSame(
    [0, 1, 2, 3, 4, 0xffff_ffff].map((what) => ops.query(what)),
    [SIZE - 8, SIZE, 0, SIZE - 8, 0, 0],
  );
  t.end();
});

t.test(`random sequences, twenty times around (SEED=${SEED})`, (t) => {
  const move = fc.tuple(
    fc.constantFrom('reserve', 'output', 'commit', 'discard', 'drain'),
    fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: SIZE + 20 })),
    fc.nat({ max: 255 }),
  );
  const check = (moves: readonly (readonly [string, number, number])[]): void => {
    const { ops, memory, taken } = makeRing();
    const queue: { at: number; bytes: number; fill: number; state: 'busy' | 'ready' | 'gone' }[] = [];
    const expected: string[] = [];
    let produced = 0;
    let consumed = 0;
    const same = (what: string, ours: unknown, theirs: unknown): void => {
      if (ours !== theirs) throw new Error(`${what}: ${String(ours)}, should be ${String(theirs)}`);
    };
    for (const [op, bytes, fill] of moves) {
      const length = alignUp(bytes + 8, 8);
      const fits = produced - consumed + length <= SIZE - 1;
      const busy = queue.filter(({ state }) => state === 'busy');
      const one = busy[bytes % Math.max(1, busy.length)];
      if (op === 'reserve') {
        const at = ops.reserve(bytes);
        same('reserve', at !== 0, fits);
        if (at !== 0) {
          memory.u8.fill(fill, at, at + bytes);
          queue.push({ at, bytes, fill, state: 'busy' });
          produced += length;
        }
      } else if (op === 'output') {
        memory.u8.fill(fill, DATA_AT, DATA_AT + bytes);
        same('output', ops.output(DATA_AT, bytes), fits ? 0 : -errno.EAGAIN);
        if (fits) {
          queue.push({ at: 0, bytes, fill, state: 'ready' });
          produced += length;
        }
      } else if (op === 'drain') {
        ops.drain();
        for (let first = queue[0]; first !== undefined && first.state !== 'busy'; first = queue[0]) {
          if (first.state === 'ready') expected.push(text(new Uint8Array(first.bytes).fill(first.fill)));
          consumed += alignUp(first.bytes + 8, 8);
          queue.shift();
        }
        same('taken', JSON.stringify(taken), JSON.stringify(expected));
      } else if (one !== undefined) {
        same('isReserved', ops.isReserved(one.at), true);
        ops.commit(one.at, op === 'discard');
        one.state = op === 'discard' ? 'gone' : 'ready';
        same('isReserved after commit', ops.isReserved(one.at), false);
      }
      same('available', ops.query(0), produced - consumed);
      same('produced', ops.query(3), produced);
      same('consumed', ops.query(2), consumed);
    }
  };
  t.doesNotThrow(() => {
    fc.assert(fc.property(fc.array(move, { minLength: 100, maxLength: 400 }), check), { seed: SEED, numRuns: 60 });
  });
  t.end();
});

t.test('positions wrap at 2^32 without losing a record', (t) => {
  const { ops, memory, taken } = makeRing();
  memory.setWord(BASE, 0xffff_fff0);
  memory.setWord(BASE + 4, 0xffff_fff0);
  for (let i = 0; i < 10; i++) {
    memory.u8.fill(i, DATA_AT, DATA_AT + 9);
    t.equal(ops.output(DATA_AT, 9), 0);
  }
  ops.drain();
  t.strictSame(
    taken,
    Array.from({ length: 10 }, (_, i) => text(new Uint8Array(9).fill(i))),
  );
  t.end();
});

t.test('whatever lies in its memory, every call returns, and no record is longer than the ring', (t) => {
  const { ops, memory, taken } = makeRing();
  for (const word of [0, 8, 0xffff_ffff, 0x3fff_ffff, 0x7fff_fff8, 0x4000_0000]) {
    for (let i = 0; i < 6; i++) ops.output(DATA_AT, 100);
    for (let at = BASE + 8; at < BASE + 8 + 2 * SIZE; at += 4) memory.setWord(at, word);
    memory.setWord(BASE + 4, 0x1234_5677);
    ops.isReserved(BASE + 1000);
    ops.drain();
    ops.reserve(8);
    memory.setWord(BASE, 0);
    memory.setWord(BASE + 4, 0);
  }
  t.ok(taken.every((each) => each.length <= 5 + 2 * SIZE));
  t.end();
});
