/** Maps of maps: what programs and user space find in them, maps made at run time, and checkpoints across them. */
import t from 'tap';
import { errno } from '../../vm/spec/errno.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { le, machineOf, machineWith, mapSpec, objectOf, runOn, signedR0 } from '../machine/harness.js';
import type { MapSpec } from '../../vm/object/object-spec.js';

const INNER = mapSpec({ type: 'hash', name: 'template', keyBytes: 4, valueBytes: 8, maxEntries: 10 });
const OUTERS: readonly MapSpec[] = [
  mapSpec({ type: 'array_of_maps', name: 'outer', valueBytes: 4, inner: INNER }),
  mapSpec({ type: 'hash_of_maps', name: 'outer', valueBytes: 4, inner: INNER }),
];

/** r0 = the u64 under `key` in the map under `slot` of map 0; -1 no such map, -2 no such key. */
function lookupText(slot: number, key: number): string {
  return `
    *(u32 *)(r10 - 4) = ${slot}
    *(u32 *)(r10 - 8) = ${key}
    r1 = &map0
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 == 0 goto none
    r1 = r0
    r2 = r10
    r2 += -8
    call map_lookup_elem
    if r0 == 0 goto empty
    r0 = *(u64 *)(r0 + 0)
    exit
  none:
    r0 = -1
    exit
  empty:
    r0 = -2
    exit`;
}

for (const outer of OUTERS) {
  t.test(outer.type, (t) => {
    const first = { ...INNER, name: 'first', maxEntries: 3 };
    const other = { ...INNER, name: 'other', valueBytes: 4 };
    const object = objectOf(lookupText(2, 7), [
      { ...outer, values: [{ index: 1, kind: 'map', map: 1 }] },
      first,
      other,
    ]);
    const machine = machineOf(object);
    const handle = machine.maps.handle(0);
    t.equal(handle.getMap(le(1, 4))?.spec.name, 'first', 'the initialiser');
    t.strictSame(handle.get(le(1, 4)), le(1, 4), 'by id');
    t.equal(signedR0(runOn(machine)), -1n, 'nothing under 2');
    t.equal(handle.getMap(le(2, 4)), undefined);

    t.equal(handle.setMap(le(2, 4), 'first'), 0);
    t.equal(signedR0(runOn(machine)), -2n, 'an empty map under 2');
    machine.maps.handle(1).set(le(7, 4), le(77, 8));
    t.equal(signedR0(runOn(machine)), 77n);

    t.equal(handle.setMap(le(2, 4), 'other'), -errno.EINVAL, 'not like the template');
    t.equal(handle.setMap(le(2, 4), 'missing'), -errno.EBADF);
    t.equal(handle.set(le(2, 4), le(99, 4)), -errno.EBADF);

    const made = machine.maps.createInner(0, 5);
    t.equal(made, 3);
    machine.maps.handle(made).set(le(7, 4), le(123, 8));
    t.equal(handle.set(le(2, 4), le(made, 4)), 0);
    t.equal(signedR0(runOn(machine)), 123n, 'a map made at run time');
    t.equal(machine.maps.idOf('template#0'), made);
    t.equal([...handle.entries()].length, 2);

    t.equal(handle.delete(le(2, 4)), 0);
    t.equal(signedR0(runOn(machine)), -1n);
    t.equal(handle.delete(le(2, 4)), -errno.ENOENT);
    t.end();
  });
}

t.test('a checkpoint brings back maps made at run time, and forgets younger ones', (t) => {
  const machine = machineOf(objectOf(lookupText(0, 7), OUTERS.slice(0, 1)));
  const handle = machine.maps.handle(0);
  const before = machine.save();
  const made = machine.maps.createInner(0);
  machine.maps.handle(made).set(le(7, 4), le(1, 8));
  handle.setMap(le(0, 4), made);
  const after = machine.save();
  machine.restore(before);
  t.equal(machine.maps.size, 1);
  t.equal(signedR0(runOn(machine)), -1n);
  const again = machine.maps.createInner(0, 3);
  t.equal(again, made);
  t.equal(machine.maps.handle(again).spec.maxEntries, 3);
  machine.maps.handle(again).set(le(7, 4), le(2, 8));
  handle.setMap(le(0, 4), again);
  t.equal(signedR0(runOn(machine)), 2n);
  machine.restore(after);
  t.equal(machine.maps.handle(made).spec.maxEntries, 10);
  t.equal(signedR0(runOn(machine)), 1n);
  t.end();
});

t.test('arrays inside are of one size, unless they say otherwise', (t) => {
  const array = mapSpec({ type: 'array', name: 'inner' });
  const fixed = machineWith([mapSpec({ type: 'array_of_maps', valueBytes: 4, inner: array })]);
  t.throws(() => fixed.maps.createInner(0, 9), { code: 'config-value' });
  const free = machineWith([mapSpec({ type: 'array_of_maps', valueBytes: 4, inner: { ...array, flags: 0x1000 } })]);
  t.equal(free.maps.handle(free.maps.createInner(0, 9)).spec.maxEntries, 9);
  t.throws(() => machineWith([array]).maps.createInner(0), { code: 'config-value' });
  t.end();
});

t.test('room for as many maps as fit, then one clear error', (t) => {
  const inner = mapSpec({ type: 'array', valueBytes: 1000, maxEntries: 100 });
  const machine = machineWith([mapSpec({ type: 'array_of_maps', valueBytes: 4, maxEntries: 5, inner })]);
  const ids = Array.from({ length: 5 }, () => machine.maps.createInner(0));
  t.strictSame(ids, [1, 2, 3, 4, 5]);
  t.throws(
    () => {
      for (let i = 0; i < 10; i++) machine.maps.createInner(0);
    },
    { code: 'load-memory', data: { map: 'array_of_maps' } },
  );
  t.end();
});

t.test('a pointer to a map that was not made is no map', (t) => {
  const object = objectOf(lookupText(0, 7), OUTERS.slice(0, 1));
  const machine = machineOf(object);
  const { base } = layoutOf(object).maps[0] ?? { base: 0 };
  t.ok(base > 0);
  machine.memory.setWord(machine.layout.maps[0]?.base ?? 0, machine.layout.descriptors + 64 * 9);
  const { outcome } = runOn(machine);
  t.match(outcome, { kind: 'trap', trap: { name: 'bad-map' } });
  t.end();
});

t.test('templates that cannot be', (t) => {
  const refused: readonly (MapSpec | undefined)[] = [
    undefined,
    mapSpec({ type: 'prog_array', valueBytes: 4 }),
    mapSpec({ type: 'array_of_maps', valueBytes: 4, inner: INNER }),
  ];
  for (const inner of refused) {
    for (const outer of OUTERS) {
      const bare = mapSpec({ type: outer.type, name: 'outer', valueBytes: 4 });
      const spec: MapSpec = inner === undefined ? bare : { ...bare, inner };
      t.throws(() => layoutOf(objectOf('r0 = 0\nexit', [spec])), { code: 'load-map', data: { map: 'outer' } });
    }
  }
  t.end();
});
