/** Map definitions that cannot be had: which error, and that it names the map. The kernel's own list is in test/kernel. */
import t from 'tap';
import { ConfigError } from '../../vm/errors.js';
import { layoutOf } from '../../vm/machine/layout.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec, objectOf } from '../machine/harness.js';

const NOTHING = 'r0 = 0\nexit';
const MEMORY = { memoryBytes: 16 << 20, packetBytes: 4096 };

const REFUSED: readonly (readonly [string, Partial<MapSpec> & Pick<MapSpec, 'type'>])[] = [
  ['hash without key', { type: 'hash', keyBytes: 0 }],
  ['hash without value', { type: 'hash', valueBytes: 0 }],
  ['hash without room', { type: 'hash', maxEntries: 0 }],
  ['array with a key of 8 bytes', { type: 'array', keyBytes: 8 }],
  ['array without room', { type: 'array', maxEntries: 0 }],
  ['array with flags of a hash', { type: 'array', flags: 1 }],
  ['array read-only and write-only', { type: 'array', flags: 0x180 }],
  ['percpu_array with 32 KiB and more', { type: 'percpu_array', valueBytes: 32_769 }],
  ['prog_array with values of 8 bytes', { type: 'prog_array' }],
  ['ring of 5000 bytes', { type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 5000 }],
  ['ring of 3 pages', { type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 12_288 }],
  ['ring with keys', { type: 'ringbuf', valueBytes: 0, maxEntries: 4096 }],
];

t.test('refused like the kernel does', (t) => {
  for (const [what, spec] of REFUSED) {
    const object = objectOf(NOTHING, [mapSpec({ type: 'array' }), mapSpec({ ...spec, name: 'culprit' })]);
    t.throws(() => layoutOf(object, MEMORY), { code: 'load-map', data: { map: 'culprit', type: spec.type } }, what);
  }
  t.end();
});

t.test('too large: the error names the map and its bytes, at once', (t) => {
  const sizes: readonly (readonly [Partial<MapSpec> & Pick<MapSpec, 'type'>, number])[] = [
    [{ type: 'array', maxEntries: 0xffff_ffff }, 8 * 0xffff_ffff],
    [{ type: 'array', maxEntries: 1, valueBytes: 0x7fff_ffff }, 0x8000_0000],
    [{ type: 'array', maxEntries: 0xffff_ffff, valueBytes: 0x7fff_ffff }, 0x8000_0000 * 0xffff_ffff],
    [{ type: 'percpu_array', maxEntries: 0xffff_ffff, valueBytes: 32_768 }, 2 * 32_768 * 0xffff_ffff],
    [{ type: 'prog_array', valueBytes: 4, maxEntries: 0xffff_ffff }, 4 * 0xffff_ffff],
    [{ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 0x8000_0000 }, 8 + 2 * 0x8000_0000],
  ];
  for (const [spec, bytes] of sizes) {
    const object = objectOf(NOTHING, [mapSpec({ type: 'array', maxEntries: 10 }), mapSpec({ ...spec, name: 'huge' })]);
    t.throws(() => layoutOf(object, { ...MEMORY, cpus: 2 }), { code: 'load-memory', data: { map: 'huge', bytes } });
  }
  const hash = objectOf(NOTHING, [mapSpec({ type: 'hash', name: 'huge', maxEntries: 0xffff_ffff })]);
  t.throws(() => layoutOf(hash, MEMORY), { code: 'load-memory', data: { map: 'huge' } });
  t.end();
});

t.test('a value that the host cannot hold twice is blamed on its map', (t) => {
  const object = objectOf(NOTHING, [
    mapSpec({ type: 'array', name: 'small' }),
    mapSpec({ type: 'array', name: 'wide', maxEntries: 1, valueBytes: 5 << 20 }),
  ]);
  t.throws(() => layoutOf(object, MEMORY), { code: 'load-memory', data: { map: 'wide', bytes: 5 << 20 } });
  t.end();
});

t.test('without maps, what does not fit is the object', (t) => {
  t.throws(() => layoutOf(objectOf(NOTHING), { memoryBytes: 65_536 }), { code: 'load-memory' });
  t.end();
});

t.test('options that are no counts', (t) => {
  for (const option of ['memoryBytes', 'cpus', 'packetBytes'] as const) {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 33]) {
      const make = () => layoutOf(objectOf(NOTHING), { [option]: value });
      t.throws(make, { code: 'config-value', data: { option, value } }, `${option} ${value}`);
      t.throws(make, ConfigError);
    }
  }
  t.end();
});

t.test('a layout is a pure function, and nothing overlaps', (t) => {
  const object = objectOf(NOTHING, [
    mapSpec({ type: 'hash', keyBytes: 3, valueBytes: 5, maxEntries: 100 }),
    mapSpec({ type: 'array', valueBytes: 4097, maxEntries: 3 }),
    mapSpec({ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 8192 }),
    mapSpec({ type: 'hash', keyBytes: 3000, valueBytes: 10, maxEntries: 3 }),
  ]);
  const layout = layoutOf(object, MEMORY);
  t.strictSame(layoutOf(object, MEMORY), layout);
  const areas = [
    [4096, 4096 + 1024],
    [layout.functions, layout.functions + 8 * layout.functionCount],
    [layout.scratch, layout.scratch + 3000],
    [layout.scratchValue, layout.scratchValue + 4097],
    [layout.stack - 1024, layout.stack + 8 * layout.frameStride],
    [layout.ctx, layout.ctx + 1024],
    [layout.callbackKey, layout.callbackKey + 64],
    [layout.packets.base, layout.packets.base + layout.packets.slots * layout.packets.slotBytes],
    ...layout.maps.map(({ descriptor }) => [descriptor, descriptor + 64]),
    ...layout.maps.map(({ base, bytes }) => [base, base + bytes]),
  ].sort(([a = 0], [b = 0]) => a - b);
  for (const [i, [from = 0]] of areas.entries()) t.ok(i === 0 || from >= (areas[i - 1]?.[1] ?? 0), `area ${i}`);
  t.ok(layout.end <= layout.shadowDelta);
  t.end();
});
