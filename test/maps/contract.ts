/**
 * What every map with keys and values must do, written once and run for each kind. The model is a JS Map; sequences are
 * random with a printed seed.
 */
import fc from 'fast-check';
import t from 'tap';
import type { Ptr } from '../../vm/addr.js';
import { mapKindOf } from '../../vm/maps/kinds.js';
import type { MapOps } from '../../vm/maps/map-kind.js';
import { Memory } from '../../vm/memory/memory.js';
import { Shadow } from '../../vm/memory/shadow.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import { errno } from '../../vm/spec/errno.js';
import { toHex } from '../../vm/bytes.js';
import { le, mapSpec } from '../machine/harness.js';

export interface MapContract {
  readonly type: 'hash' | 'percpu_hash' | 'array' | 'percpu_array';
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
}

const KEY_AT = 8192;
const VALUE_AT = 16_384;
const SCRATCH_AT = 24_576;
const BASE = 65_536;

/** A map alone in a memory of its own. */
export class Bench {
  readonly memory = new Memory(4 << 20);
  readonly shadow = new Shadow(this.memory, 2 << 20);
  readonly spec: MapSpec;
  readonly ops: MapOps;
  readonly bytes: number;
  readonly cpus: number;

  constructor(spec: MapSpec, cpus = 2) {
    const kind = mapKindOf(spec.type);
    if (kind === undefined) throw new Error(`no ${spec.type}`);
    this.spec = spec;
    this.cpus = cpus;
    this.bytes = kind.plan(spec, cpus).bytes;
    this.ops = kind.bind({ memory: this.memory, shadow: this.shadow, cpus, emit: () => undefined }, spec, BASE);
  }

  /** Keys are numbers, spread over all bytes so that each of them counts. */
  key(id: number): Uint8Array {
    if (this.spec.type.includes('array')) return le(id, 4);
    const key = new Uint8Array(this.spec.keyBytes).fill(0x55);
    key[0] = id;
    key[key.length - 1] = id;
    if (key.length > 2) key[key.length >> 1] = id ^ 0xff;
    return key;
  }

  value(id: number): Uint8Array {
    return Uint8Array.from({ length: this.spec.valueBytes }, (_, i) => (id * 31 + i) & 0xff);
  }

  update(id: number, value: number, flags = 0): number {
    this.memory.write(KEY_AT, this.key(id));
    this.memory.write(VALUE_AT, this.value(value));
    return this.ops.update(KEY_AT, VALUE_AT, flags);
  }

  address(id: number): Ptr {
    this.memory.write(KEY_AT, this.key(id));
    return this.ops.lookup(KEY_AT);
  }

  lookup(id: number): string | undefined {
    const at = this.address(id);
    return at === 0 ? undefined : toHex(this.memory.read(at, this.spec.valueBytes));
  }

  remove(id: number): number {
    this.memory.write(KEY_AT, this.key(id));
    return this.ops.remove(KEY_AT);
  }

  /** Keys and values in the map's order; fails where the walk does not end. */
  entries(): [key: string, value: string][] {
    const found: [string, string][] = [];
    for (let at = this.ops.scan(0); at >= 0; at = this.ops.scan(at + 1)) {
      const key = toHex(this.memory.read(this.ops.keyAt(at, SCRATCH_AT), this.spec.keyBytes));
      found.push([key, toHex(this.memory.read(this.ops.valueAt(at), this.spec.valueBytes))]);
      // With LRU lists per CPU the shares are rounded up; a hash has an entry more for each CPU.
      if (found.length > this.spec.maxEntries + this.cpus) throw new Error('the walk does not end');
    }
    return found;
  }
}

type Move = readonly [op: 'update' | 'remove' | 'lookup', id: number, value: number, flags: number];

/** What the kernel answers; recorded answers of the live one are in test/kernel. */
class Model {
  readonly #spec: MapContract;
  readonly #bench: Bench;
  readonly values = new Map<number, number>();

  constructor(spec: MapContract, bench: Bench) {
    this.#spec = spec;
    this.#bench = bench;
  }

  get isHash(): boolean {
    return this.#spec.type.endsWith('hash');
  }

  has(id: number): boolean {
    return this.isHash ? this.values.has(id) : id < this.#spec.maxEntries;
  }

  lookup(id: number): string | undefined {
    if (!this.has(id)) return undefined;
    const value = this.values.get(id);
    return toHex(value === undefined ? new Uint8Array(this.#spec.valueBytes) : this.#bench.value(value));
  }

  update(id: number, value: number, flags: number): number {
    if ((flags & ~4) >>> 0 > 2) return -errno.EINVAL;
    if (this.isHash) {
      if ((flags & 4) !== 0) return -errno.EINVAL;
      if (flags === 1 && this.has(id)) return -errno.EEXIST;
      if (flags === 2 && !this.has(id)) return -errno.ENOENT;
      if (!this.has(id) && this.values.size >= this.#spec.maxEntries) return -errno.E2BIG;
    } else {
      if (!this.has(id)) return -errno.E2BIG;
      if ((flags & 1) !== 0) return -errno.EEXIST;
      if ((flags & 4) !== 0) return -errno.EINVAL;
    }
    this.values.set(id, value);
    return 0;
  }

  remove(id: number): number {
    if (!this.isHash) return -errno.EINVAL;
    return this.values.delete(id) ? 0 : -errno.ENOENT;
  }
}

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

function movesOf(contract: MapContract): fc.Arbitrary<Move[]> {
  return fc.array(
    fc.tuple(
      fc.constantFrom('update', 'update', 'update', 'remove', 'lookup'),
      fc.integer({ min: 0, max: Math.min(255, contract.maxEntries + 3) }),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 8, 0xffff_ffff),
    ),
    { maxLength: 120 },
  );
}

/** Runs the suite for one kind and size. */
export function runMapContract(contract: MapContract): void {
  const { type, keyBytes, valueBytes, maxEntries } = contract;
  const spec = mapSpec(contract);
  t.test(`${type}, key ${keyBytes}, value ${valueBytes}, ${maxEntries} entries (SEED=${SEED})`, (t) => {
    const check = (moves: readonly Move[]): void => {
      const bench = new Bench(spec);
      const model = new Model(contract, bench);
      const addresses = new Map<number, Ptr>();
      for (const [op, id, value, flags] of moves) {
        const where = `${op} ${id} ${value} ${flags}`;
        const same = <T>(ours: T, theirs: T): void => {
          if (ours !== theirs) throw new Error(`${where}: ${String(ours)}, should be ${String(theirs)}`);
        };
        const [former, before] = [addresses.get(id), model.lookup(id)];
        const order = bench.entries().map(([key]) => key);
        if (op === 'update') {
          const result = model.update(id, value, flags);
          same(bench.update(id, value, flags), result);
          // A pointer into a replaced entry shows the old value.
          if (type === 'hash' && result === 0 && former !== undefined) {
            same(toHex(bench.memory.read(former, valueBytes)), before);
            addresses.delete(id);
          }
          const keys = bench.entries().map(([key]) => key);
          if (former !== undefined) same(keys.join(), order.join());
        } else if (op === 'remove') {
          same(bench.remove(id), model.remove(id));
          if (!model.has(id)) addresses.delete(id);
        }
        same(bench.lookup(id), model.lookup(id));
        const address = bench.address(id);
        // A program may keep the pointer for as long as the entry is there.
        if (address !== 0) same(address, addresses.get(id) ?? address);
        if (address !== 0) addresses.set(id, address);
        if (address !== 0 && (address < BASE || address + valueBytes > BASE + bench.bytes || address % 8 !== 0)) {
          throw new Error(`${where}: the value lies at ${address}`);
        }
        if (address !== 0 && !bench.shadow.allows(address, valueBytes, 3)) throw new Error(`${where}: no rights`);
      }
      const ids = model.isHash ? [...model.values.keys()] : Array.from({ length: maxEntries }, (_, id) => id);
      const expected = ids.map((id): [string, string] => [toHex(bench.key(id)), model.lookup(id) ?? '']);
      const sort = (list: [string, string][]) => JSON.stringify(list.sort(([a], [b]) => (a < b ? -1 : 1)));
      if (sort(bench.entries()) !== sort(expected)) throw new Error('iteration gives other entries');
      // Nothing behind the map was written.
      if (bench.memory.read(BASE + bench.bytes, 4096).some((byte) => byte !== 0)) throw new Error('wrote past its end');
    };
    t.doesNotThrow(() => {
      fc.assert(fc.property(movesOf(contract), check), { seed: SEED, numRuns: 60 });
    });

    t.test('rights end where the value ends', (t) => {
      const bench = new Bench(spec);
      bench.update(0, 1);
      const at = bench.address(0);
      t.ok(bench.shadow.allows(at, valueBytes, 3));
      if (valueBytes % 8 !== 0) t.notOk(bench.shadow.allows(at + valueBytes, 1, 1));
      t.notOk(bench.shadow.allows(at - 1, 1, 2), 'and the byte before it cannot be written');
      t.end();
    });

    if (type.endsWith('hash')) {
      t.test('full, emptied, filled again', (t) => {
        const bench = new Bench(spec);
        for (let round = 0; round < 3; round++) {
          for (let id = 0; id < maxEntries; id++) t.equal(bench.update(id, id + round), 0);
          t.equal(bench.update(maxEntries, 0), -errno.E2BIG);
          t.equal(bench.update(0, 99), 0, 'what is there may still be updated');
          for (let id = 0; id < maxEntries; id++) t.equal(bench.remove(id), 0);
          t.equal(bench.entries().length, 0);
        }
        t.end();
      });

      t.test('deleting while walking', (t) => {
        const bench = new Bench(spec);
        for (let id = 0; id < maxEntries; id++) bench.update(id, id);
        const seen: number[] = [];
        for (let at = bench.ops.scan(0); at >= 0; at = bench.ops.scan(at + 1)) {
          const id = bench.memory.u8[bench.ops.keyAt(at, SCRATCH_AT)] ?? -1;
          seen.push(id);
          t.equal(bench.remove(id), 0);
        }
        t.strictSame(
          seen.sort((a, b) => a - b),
          Array.from({ length: maxEntries }, (_, id) => id),
        );
        t.end();
      });

      t.test('whatever lies in its memory, every call returns', (t) => {
        t.doesNotThrow(() => {
          fc.assert(
            fc.property(
              fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, maxEntries, 0xffff_ffff, 0x8000_0001)), {
                minLength: 1,
                maxLength: 60,
              }),
              movesOf(contract),
              (wild, moves) => {
                const bench = new Bench(spec);
                for (let id = 0; id < maxEntries; id++) bench.update(id, id);
                for (const [at, word] of wild) bench.memory.setWord(BASE + ((at % bench.bytes) & ~3), word);
                for (const [op, id, value] of moves) {
                  if (op === 'update') bench.update(id, value);
                  else if (op === 'remove') bench.remove(id);
                  else bench.lookup(id);
                }
                bench.entries();
              },
            ),
            { seed: SEED, numRuns: 60 },
          );
        });
        t.end();
      });

      t.test('a chain that bites its tail', (t) => {
        const bench = new Bench(spec);
        for (let id = 0; id < maxEntries; id++) bench.update(id, id);
        // Every word of metadata points to entry 1: all heads and chains are loops.
        const firstKey = bench.ops.keyAt(0, SCRATCH_AT);
        for (let at = BASE + 16; at + 4 <= firstKey; at += 4) bench.memory.setWord(at, 1);
        for (let id = 0; id < maxEntries + 3; id++) {
          t.equal(bench.lookup(id), undefined);
          bench.remove(id);
        }
        t.end();
      });
    }
    t.end();
  });
}
