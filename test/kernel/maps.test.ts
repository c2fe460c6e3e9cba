/**
 * Which map definitions Linux refuses: recorded by making maps on a live kernel, and skep's map kinds held against the
 * record. `BLESS=1` records again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { LoadError } from '../../vm/errors.js';
import { mapKindOf } from '../../vm/maps/kinds.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { MapKernel } from './maps-kernel.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/maps.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

const INNER = mapSpec({ type: 'array', name: 'inner' });
const BASES = [
  mapSpec({ type: 'array' }),
  mapSpec({ type: 'hash' }),
  mapSpec({ type: 'percpu_array' }),
  mapSpec({ type: 'prog_array', valueBytes: 4 }),
  mapSpec({ type: 'perf_event_array', valueBytes: 4 }),
  mapSpec({ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 }),
  mapSpec({ type: 'percpu_hash' }),
  mapSpec({ type: 'lru_hash' }),
  mapSpec({ type: 'lru_percpu_hash' }),
  mapSpec({ type: 'lpm_trie', keyBytes: 8, flags: 1 }),
  mapSpec({ type: 'array_of_maps', valueBytes: 4, inner: INNER }),
  mapSpec({ type: 'hash_of_maps', valueBytes: 4, inner: INNER }),
  mapSpec({ type: 'devmap', valueBytes: 4 }),
  mapSpec({ type: 'devmap_hash', valueBytes: 4 }),
  mapSpec({ type: 'cpumap', valueBytes: 4 }),
  mapSpec({ type: 'queue', keyBytes: 0 }),
  mapSpec({ type: 'stack', keyBytes: 0 }),
  mapSpec({ type: 'bloom_filter', keyBytes: 0 }),
];
/** What may be inside a map. */
const TEMPLATES: readonly MapSpec[] = [
  ...BASES,
  mapSpec({ type: 'array_of_maps', valueBytes: 4, inner: INNER }),
  mapSpec({ type: 'stack_trace', valueBytes: 64 }),
  mapSpec({ type: 'xskmap', valueBytes: 4 }),
  mapSpec({ type: 'sockmap', valueBytes: 4 }),
  mapSpec({ type: 'array', flags: 0x1000 }),
];
const KEYS = [0, 1, 3, 4, 5, 8, 64, 256, 260, 261, 511, 512, 513, 1024, 65536];
const VALUES = [
  0, 1, 3, 4, 5, 7, 8, 64, 32760, 32761, 32768, 32769, 65536, 4193900, 4194000, 4194008, 4194009, 4194016, 4194024,
  4194025, 4194200, 4194240, 4194303, 4194304, 4194305,
];
const ENTRIES = [0, 1, 2, 3, 100, 2048, 4095, 4096, 4097, 8192, 12288, 65536];
/** Bits 14 to 16 say where else the request has descriptors, so that they cannot be asked for alone. */
const FLAG_BITS = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => bit < 14 || bit > 16);
/** Readable and writable at once from one side is a contradiction. */
const FLAG_PAIRS = [0x18, 0x180, 0x88, 0x110, 0x90];

const CASES: readonly MapSpec[] = BASES.flatMap((base) => [
  base,
  ...KEYS.map((keyBytes) => ({ ...base, keyBytes })),
  ...VALUES.map((valueBytes) => ({ ...base, valueBytes, maxEntries: base.type === 'ringbuf' ? 4096 : 1 })),
  ...ENTRIES.map((maxEntries) => ({ ...base, maxEntries })),
  ...FLAG_BITS.map((bit) => ({ ...base, flags: (1 << bit) >>> 0 })),
  ...FLAG_BITS.map((bit) => ({ ...base, flags: (base.flags | (1 << bit)) >>> 0 })),
  ...FLAG_PAIRS.map((flags) => ({ ...base, flags })),
  ...FLAG_PAIRS.map((flags) => ({ ...base, flags: base.flags | flags })),
  { ...base, maxEntries: 8193, valueBytes: Math.min(base.valueBytes, 4) },
]).concat(
  (['array_of_maps', 'hash_of_maps'] as const).flatMap((type) =>
    TEMPLATES.map((inner) => mapSpec({ type, name: 'outer', valueBytes: 4, inner })),
  ),
  [0n, 1n, 5n, 15n, 16n, 1n << 32n].map((mapExtra) => mapSpec({ type: 'bloom_filter', keyBytes: 0, mapExtra })),
);

function nameOf({ type, keyBytes, valueBytes, maxEntries, flags, inner, mapExtra }: MapSpec): string {
  const own = `${type} key ${keyBytes} value ${valueBytes} entries ${maxEntries} flags 0x${flags.toString(16)}`;
  const extra = mapExtra === undefined ? '' : ` extra ${mapExtra}`;
  return `${own}${extra}${inner === undefined || inner === INNER ? '' : `, in it ${nameOf(inner)}`}`;
}

if (process.env.BLESS === '1' && skip === false) {
  const kernel = new MapKernel();
  const refused = CASES.flatMap((spec) => (kernel.tryMap(spec) === 0 ? [] : [nameOf(spec)]));
  const text = { kernel: FACTS_VERSION, refused: [...new Set(refused)] };
  writeFileSync(FILE, `${JSON.stringify(text, undefined, 2)}\n`);
}

const record = JSON.parse(readFileSync(FILE, 'utf8')) as { refused: readonly string[] };
const refused = new Set(record.refused);

/** Where skep is of another mind on purpose. */
function differs({ type, maxEntries }: MapSpec): boolean {
  // 0 stands for the number of CPUs; loaders fill it in before they ask the kernel.
  if (type === 'perf_event_array' && maxEntries === 0) return true;
  // How many CPUs a kernel can have is set when it is built; for skep it is the most that x86_64 can be built for.
  return type === 'cpumap' && maxEntries > 128 && maxEntries <= 8192;
}

t.test('skep refuses what the kernel refused, and nothing else', (t) => {
  for (const spec of CASES) {
    if (differs(spec)) continue;
    let ours: unknown;
    try {
      mapKindOf(spec.type)?.plan(spec, 2);
    } catch (error) {
      ours = error;
    }
    if (ours !== undefined) t.match(ours, { code: 'load-map', data: { map: spec.name } });
    const isRefused = refused.has(nameOf(spec));
    if (ours instanceof LoadError && !isRefused) t.fail(`${nameOf(spec)}: refused by skep only: ${ours.message}`);
    if (ours === undefined && isRefused) t.fail(`${nameOf(spec)}: refused by the kernel only`);
  }
  t.ok(refused.size > 100, `${CASES.length} definitions, ${refused.size} refused`);
  t.end();
});

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new MapKernel();
  for (const spec of CASES) {
    const now = kernel.tryMap(spec) !== 0;
    if (now !== refused.has(nameOf(spec))) t.fail(`${nameOf(spec)}: ${now ? 'refused' : 'made'} now`);
  }
  t.pass(`${CASES.length} definitions`);
  t.end();
});
