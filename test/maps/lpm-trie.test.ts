/**
 * `lpm_trie` against a list that is searched from end to end: results, longest matches, order of iteration, whatever lies in
 * its memory. Sequences are random with a printed seed.
 */
import fc from 'fast-check';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { lpmTrieKind } from '../../vm/maps/lpm-trie.js';
import { errno } from '../../vm/spec/errno.js';
import { le, mapSpec } from '../machine/harness.js';
import { Bench } from './contract.js';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const BASE = 65_536;
const KEY_AT = 8192;
const VALUE_AT = 16_384;

interface Prefix {
  readonly length: number;
  readonly address: Uint8Array;
}

function keyOf({ length, address }: Prefix): Uint8Array {
  return Uint8Array.from([...le(length, 4), ...address]);
}

function bitsOf({ length, address }: Prefix): string {
  const all = Array.from(address, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return all.slice(0, length);
}

class Model {
  readonly values = new Map<string, number>();
  readonly maxEntries: number;
  readonly longest: number;

  constructor(maxEntries: number, longest: number) {
    this.maxEntries = maxEntries;
    this.longest = longest;
  }

  lookup(prefix: Prefix): number | undefined {
    if (prefix.length > this.longest) return undefined;
    const bits = bitsOf(prefix);
    for (let n = bits.length; n >= 0; n--) {
      const value = this.values.get(bits.slice(0, n));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  update(prefix: Prefix, value: number, flags: number): number {
    if (flags > 2 || prefix.length > this.longest) return -errno.EINVAL;
    const bits = bitsOf(prefix);
    const has = this.values.has(bits);
    if (has && flags === 1) return -errno.EEXIST;
    if (!has && flags === 2) return -errno.ENOENT;
    if (!has && this.values.size >= this.maxEntries) return -errno.ENOSPC;
    this.values.set(bits, value);
    return 0;
  }

  remove(prefix: Prefix): number {
    if (prefix.length > this.longest) return -errno.EINVAL;
    return this.values.delete(bitsOf(prefix)) ? 0 : -errno.ENOENT;
  }

  /** Longer prefixes before those that hold them, else by address. */
  order(): string[] {
    return [...this.values.keys()].sort((a, b) => (a.startsWith(b) ? -1 : b.startsWith(a) ? 1 : a < b ? -1 : 1));
  }
}

type Move = readonly [op: 'update' | 'remove' | 'lookup', prefix: Prefix, value: number, flags: number];

/** Few different bytes, so that prefixes meet. */
function movesOf(bytes: number): fc.Arbitrary<Move[]> {
  const byte = fc.constantFrom(0, 0, 0, 1, 0x80, 0xc0, 0xff);
  const length = fc.oneof(fc.integer({ min: 0, max: 8 * bytes }), fc.constantFrom(8 * bytes, 8, 8 * bytes + 1));
  const prefix = fc.record({
    length,
    address: fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .chain((random) =>
        fc
          .array(byte, { minLength: bytes, maxLength: bytes })
          .map((few) => Uint8Array.from(few, (each, i) => each ^ ((random[i] ?? 0) & 1))),
      ),
  });
  return fc.array(
    fc.tuple(
      fc.constantFrom('update', 'update', 'update', 'remove', 'lookup'),
      prefix,
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 0xffff_ffff),
    ),
    { maxLength: 150 },
  );
}

for (const bytes of [1, 2, 3, 4, 5, 8, 16, 17, 256]) {
  const maxEntries = bytes === 3 ? 5 : 40;
  const spec = mapSpec({ type: 'lpm_trie', keyBytes: 4 + bytes, valueBytes: 5, maxEntries, flags: 1 });

  t.test(`addresses of ${bytes} bytes (SEED=${SEED})`, (t) => {
    const check = (moves: readonly Move[]): void => {
      const bench = new Bench(spec);
      const model = new Model(maxEntries, 8 * bytes);
      const put = (prefix: Prefix): void => {
        bench.memory.write(KEY_AT, keyOf(prefix));
      };
      for (const [op, prefix, value, flags] of moves) {
        const same = (ours: unknown, theirs: unknown): void => {
          if (ours !== theirs)
            throw new Error(`${op} ${bitsOf(prefix)}/${prefix.length}: ${String(ours)}, should be ${String(theirs)}`);
        };
        put(prefix);
        bench.memory.write(VALUE_AT, bench.value(value));
        if (op === 'update') same(bench.ops.update(KEY_AT, VALUE_AT, flags), model.update(prefix, value, flags));
        else if (op === 'remove') same(bench.ops.remove(KEY_AT), model.remove(prefix));
        const at = bench.ops.lookup(KEY_AT);
        const found = model.lookup(prefix);
        same(
          at === 0 ? undefined : toHex(bench.memory.read(at, 5)),
          found === undefined ? undefined : toHex(bench.value(found)),
        );
        if (at !== 0 && (!bench.shadow.allows(at, 5, 3) || at % 8 !== 0)) throw new Error('no rights');
      }
      const walked = bench.entries().map(([key]) => {
        const raw = Buffer.from(key, 'hex');
        return bitsOf({ length: raw.readUInt32LE(0), address: raw.subarray(4) });
      });
      if (JSON.stringify(walked) !== JSON.stringify(model.order())) {
        throw new Error(`walked ${walked.join()}, should be ${model.order().join()}`);
      }
      if (bench.memory.read(BASE + bench.bytes, 4096).some((each) => each !== 0)) throw new Error('wrote past its end');
    };
    t.doesNotThrow(() => {
      fc.assert(fc.property(movesOf(bytes), check), { seed: SEED, numRuns: 80 });
    });
    t.end();
  });

  t.test(`addresses of ${bytes} bytes: deleting while walking, and wild contents`, (t) => {
    const wild = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, 2 * maxEntries, 0xffff_ffff)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(movesOf(bytes), wild, (moves, words) => {
        const bench = new Bench(spec);
        const run = (): void => {
          for (const [, prefix, value] of moves) {
            bench.memory.write(KEY_AT, keyOf(prefix));
            bench.memory.write(VALUE_AT, bench.value(value));
            bench.ops.update(KEY_AT, VALUE_AT, 0);
          }
        };
        run();
        const count = bench.entries().length;
        let deleted = 0;
        for (let at = bench.ops.scan(0); at >= 0; at = bench.ops.scan(at + 1)) {
          bench.memory.write(KEY_AT, bench.memory.read(bench.ops.keyAt(at, 0), 4 + bytes));
          if (bench.ops.remove(KEY_AT) !== 0) throw new Error('what is walked is there');
          deleted++;
        }
        if (deleted !== count || bench.entries().length !== 0) throw new Error(`${deleted} of ${count} deleted`);
        run();
        for (const [at, word] of words) bench.memory.setWord(BASE + ((at % bench.bytes) & ~3), word);
        run();
        let steps = 0;
        for (let at = bench.ops.scan(0); at >= 0 && steps < 1000; at = bench.ops.scan(at + 1)) steps++;
        for (const [, prefix] of moves) {
          bench.memory.write(KEY_AT, keyOf(prefix));
          bench.ops.lookup(KEY_AT);
          bench.ops.remove(KEY_AT);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
    t.pass('every call returns');
    t.end();
  });
}

t.test('a freed node rests before it is used again, and a trie does not grow by that', (t) => {
  const bench = new Bench(mapSpec({ type: 'lpm_trie', keyBytes: 8, valueBytes: 8, maxEntries: 3, flags: 1 }));
  const put = (value: number): number => {
    bench.memory.write(KEY_AT, keyOf({ length: 32, address: Uint8Array.of(10, 0, 0, 1) }));
    bench.memory.write(VALUE_AT, bench.value(value));
    return bench.ops.update(KEY_AT, VALUE_AT, 0);
  };
  const seen = (at: number): string => toHex(bench.memory.read(at, 8));
  t.equal(put(0), 0);
  const addresses = new Set<number>();
  for (let round = 1; round <= 1000; round++) {
    const at = bench.ops.lookup(KEY_AT);
    addresses.add(at);
    t.equal(put(round), 0);
    if (seen(at) !== toHex(bench.value(round - 1))) t.fail(`the old value of round ${round} is gone`);
  }
  t.ok(addresses.size >= 64, 'nodes rest');
  t.ok(addresses.size <= 64 + 2, `not more than need be: ${addresses.size}`);
  t.end();
});

t.test('where values are large, fewer nodes rest', (t) => {
  const bytesOf = (valueBytes: number): number =>
    lpmTrieKind.plan(mapSpec({ type: 'lpm_trie', keyBytes: 8, valueBytes, maxEntries: 1, flags: 1 }), 1).bytes;
  t.ok(bytesOf(8) < 8192);
  t.ok(bytesOf(1 << 20) < 2.1 * (1 << 20));
  t.end();
});
