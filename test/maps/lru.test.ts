/**
 * The LRU kinds where the kernel's record (test/kernel) does not reach: any number of CPUs, invariants under random use,
 * wild contents. Sequences are random with a printed seed.
 */
import fc from 'fast-check';
import t from 'tap';
import { errno } from '../../vm/spec/errno.js';
import { cells } from '../../vm/memory/cells.js';
import { mapSpec } from '../machine/harness.js';
import { Bench } from './contract.js';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const BASE = 65_536;

type Move = readonly [op: 'update' | 'remove' | 'lookup', cpu: number, id: number, value: number];

const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.tuple(fc.constantFrom('update', 'update', 'update', 'remove', 'lookup'), fc.nat(7), fc.nat(40), fc.nat(255)),
  { maxLength: 200 },
);

for (const type of ['lru_hash', 'lru_percpu_hash'] as const) {
  for (const flags of [0, 2]) {
    for (const [cpus, maxEntries] of [
      [1, 1],
      [1, 10],
      [2, 9],
      [4, 5],
      [4, 30],
    ] as const) {
      const spec = mapSpec({ type, keyBytes: 5, valueBytes: 6, maxEntries, flags });
      // With lists per CPU every CPU has as many entries.
      const capacity = flags === 0 ? maxEntries : Math.ceil(maxEntries / cpus) * cpus;
      const name = `${type} flags ${flags}, ${maxEntries} entries, ${cpus} CPUs (SEED=${SEED})`;

      const run = (bench: Bench, [op, cpu, id, value]: Move): number => {
        bench.memory.setWord(cells.cpu, cpu % cpus);
        if (op === 'update') return bench.update(id, value);
        return op === 'remove' ? bench.remove(id) : bench.address(id);
      };

      t.test(name, (t) => {
        const check = (sequence: readonly Move[]): void => {
          const bench = new Bench(spec, cpus);
          const values = new Map<string, number>();
          for (const move of sequence) {
            const [op, , id, value] = move;
            const there = bench.address(id) !== 0;
            const result = run(bench, move);
            const key = bench.key(id).join();
            if (op === 'update') {
              if (result !== 0) throw new Error(`update: ${result}`);
              if (bench.lookup(id) !== Buffer.from(bench.value(value)).toString('hex')) throw new Error('not there');
              values.set(key, value);
            }
            if (op === 'remove' && result !== (there ? 0 : -errno.ENOENT)) throw new Error(`remove: ${result}`);
            if (op === 'remove') values.delete(key);
            const entries = bench.entries();
            if (entries.length > capacity) throw new Error(`${entries.length} entries`);
            for (const [hex] of entries) {
              if (!values.has([...Buffer.from(hex, 'hex')].join())) throw new Error('a key that was never there');
            }
          }
          if (bench.memory.read(BASE + bench.bytes, 4096).some((byte) => byte !== 0))
            throw new Error('wrote past its end');
        };
        t.doesNotThrow(() => {
          fc.assert(fc.property(moves, check), { seed: SEED, numRuns: 25 });
        });

        t.doesNotThrow(() => {
          const wild = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, maxEntries, 0xffff_ffff, 0x8000_0001)), {
            minLength: 1,
            maxLength: 60,
          });
          fc.assert(
            fc.property(wild, moves, (words, sequence) => {
              const bench = new Bench(spec, cpus);
              for (let id = 0; id < maxEntries; id++) bench.update(id, id);
              for (const [at, word] of words) bench.memory.setWord(BASE + ((at % bench.bytes) & ~3), word);
              for (const move of sequence) run(bench, move);
            }),
            { seed: SEED, numRuns: 25 },
          );
        }, 'whatever lies in its memory, every call returns');
        t.end();
      });
    }
  }
}

t.test('what was looked up stays, what was not goes', (t) => {
  const bench = new Bench(mapSpec({ type: 'lru_hash', keyBytes: 5, maxEntries: 100 }), 1);
  for (let id = 0; id < 100; id++) bench.update(id, id);
  for (let id = 0; id < 50; id++) bench.address(id);
  for (let id = 100; id < 130; id++) bench.update(id, id);
  for (let id = 0; id < 50; id++)
    t.ok(bench.entries().some(([key]) => key.startsWith(id.toString(16).padStart(2, '0'))));
  t.end();
});

t.test('the same operations evict the same keys', (t) => {
  const once = (): string => {
    const bench = new Bench(mapSpec({ type: 'lru_hash', keyBytes: 5, maxEntries: 20 }), 2);
    for (let i = 0; i < 200; i++) bench.update((i * 37) % 60, i);
    return JSON.stringify(bench.entries());
  };
  t.equal(once(), once());
  t.end();
});
