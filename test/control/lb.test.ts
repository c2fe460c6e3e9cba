/** Services to map entries: values by the object's own BTF, numbers that stay, and what is refused. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { numberServices, servicesToMaps, type LbConfig, type LbService } from '../../bpf/control/lb.js';
import type { Btf } from '../../vm/btf/btf.js';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';

const object = loadObject(readFileSync('bpf/lb.bpf.o'));
const btf = must(object.btf, 'BTF');
const mapNamed = (name: string) =>
  must(
    object.maps.find((map) => map.name === name),
    name,
  );

const web: LbService = {
  name: 'web',
  vip: '203.0.113.10',
  port: 80,
  protocol: 'tcp',
  backends: [
    { address: '10.0.0.1', port: 8080 },
    { address: '10.0.0.2', port: 8081, weight: 2 },
  ],
};
const dns: LbService = {
  name: 'dns',
  vip: '2001:db8::53',
  port: 53,
  protocol: 'udp',
  mode: 'ipip',
  affinity: true,
  backends: [{ address: '2001:db8:1::1' }],
};
const config: LbConfig = { services: [web, dns], ringSlots: 251 };

/** `field -> [offset, bytes]` of a structure, nested ones written with dots. */
function fieldsOf(btf: Btf, id: number, at = 0, prefix = ''): Record<string, readonly [number, number]> {
  const type = btf.type(btf.resolve(id));
  if (type.kind !== 'struct') return { [prefix]: [at, must(btf.sizeOf(id), 'a size')] };
  return Object.assign(
    {},
    ...type.members.map((member) =>
      fieldsOf(btf, member.type, at + member.bitOff / 8, prefix === '' ? member.name : `${prefix}.${member.name}`),
    ),
  ) as Record<string, readonly [number, number]>;
}

t.test('sizes are those of the object', (t) => {
  for (const [name, entries] of Object.entries(servicesToMaps(config))) {
    const map = mapNamed(name);
    t.ok(entries.length > 0, name);
    for (const [key, value] of entries) {
      if (key.length !== map.keyBytes || value.length !== map.valueBytes)
        t.fail(`${name}: ${key.length}, ${value.length}`);
    }
  }
  t.end();
});

t.test('fields lie where BTF says', (t) => {
  const maps = servicesToMaps(config);
  const cut = (bytes: Uint8Array, [at, size]: readonly [number, number]) => toHex(bytes.subarray(at, at + size));
  const read = (name: 'services' | 'backends', row: number, side: 0 | 1) => {
    const map = mapNamed(name);
    const bytes = must(maps[name]?.[row], `${name} ${row}`)[side];
    const type = must(side === 0 ? map.keyType : map.valueType, 'a type');
    return Object.fromEntries(Object.entries(fieldsOf(btf, type)).map(([field, place]) => [field, cut(bytes, place)]));
  };
  t.strictSame(read('services', 0, 0), {
    'vip.word': '00000000000000000000ffffcb00710a',
    port: '0050',
    protocol: '06',
    zero: '00',
  });
  t.strictSame(read('services', 0, 1), { number: '00000000', flags: '00000000' });
  t.strictSame(read('services', 1, 0), {
    'vip.word': '20010db8000000000000000000000053',
    port: '0035',
    protocol: '11',
    zero: '00',
  });
  t.strictSame(read('services', 1, 1), { number: '01000000', flags: '03000000' }, 'tunnel and affinity');
  t.match(read('services', 2, 0), { port: '0000', protocol: '01' }, 'ICMP of the first VIP');
  t.match(read('services', 3, 0), { port: '0000', protocol: '3a' }, 'ICMPv6 of the second');
  t.strictSame(read('backends', 1, 1), {
    'endpoint.address.word': '00000000000000000000ffff0a000002',
    'endpoint.port': '1f91',
    'endpoint.zero': '0000',
    in_use: '01000000',
  });
  t.end();
});

t.test('the ring holds backend numbers', (t) => {
  const { rings = [] } = servicesToMaps(config);
  const ring = must(rings[0], 'a ring')[1];
  const view = new DataView(ring.buffer);
  const numbers = Array.from({ length: 252 }, (_, slot) => view.getUint32(4 * slot, true));
  t.equal(numbers[251], 0, 'nothing behind the last slot');
  const share = numbers.filter((number) => number === 2).length / 251;
  t.ok(Math.abs(share - 2 / 3) < 0.01, `weight 2 of 3 has ${share.toFixed(3)}`);
  t.ok(numbers.slice(0, 251).every((number) => number === 1 || number === 2));
  t.end();
});

t.test('limits are those of the object', (t) => {
  t.equal(mapNamed('rings').valueBytes, 4 * 65_537);
  t.equal(mapNamed('services').maxEntries, 64);
  t.equal(mapNamed('rings').maxEntries, 64);
  t.equal(mapNamed('service_counters').maxEntries, 64);
  t.equal(mapNamed('backends').maxEntries, 4096);
  t.end();
});

t.test('numbers stay when others go, and are given again', (t) => {
  const [, second] = web.backends;
  const before = numberServices({ services: [web, dns] });
  const without = { services: [{ ...web, backends: [must(second, 'a backend')] }, dns] };
  const after = numberServices(without, before);
  for (const [id, number] of after.backends) t.equal(number, before.backends.get(id), id);
  for (const [id, number] of after.services) t.equal(number, before.services.get(id), id);
  t.equal(after.backends.size, 2);

  const { backends = [] } = servicesToMaps(without, after);
  t.equal(backends.length, 3, 'the one that left is named too');
  t.ok(
    must(backends[0], 'entry 1')[1].every((byte) => byte === 0),
    'and cleared',
  );

  const third = { ...web, backends: [must(second, 'a backend'), { address: '10.0.0.3' }] };
  t.equal(
    Math.max(...numberServices({ services: [third, dns] }, after).backends.values()),
    3,
    'number 1 is used again',
  );
  t.end();
});

t.test('one address written in two ways is one address', (t) => {
  const written = { ...dns, vip: '2001:0DB8:0:0::53' };
  t.strictSame(servicesToMaps({ services: [web, written], ringSlots: 251 }), servicesToMaps(config));
  t.end();
});

t.test('what is refused', (t) => {
  const cases: [string, LbConfig][] = [
    ['a VIP that is none', { services: [{ ...web, vip: 'example.org' }] }],
    ['a backend that is none', { services: [{ ...web, backends: [{ address: '10.0.0.256' }] }] }],
    ['port 0', { services: [{ ...web, port: 0 }] }],
    ['port 65536', { services: [{ ...web, port: 65_536 }] }],
    ['mixed versions', { services: [{ ...web, backends: [{ address: '2001:db8::1' }] }] }],
    ['a tunnel to another port', { services: [{ ...dns, backends: [{ address: '2001:db8:1::1', port: 54 }] }] }],
    [
      'a backend twice',
      { services: [{ ...web, backends: [{ address: '10.0.0.1' }, { address: '10.0.0.1', port: 80 }] }] },
    ],
    ['a weight below 0', { services: [{ ...web, backends: [{ address: '10.0.0.1', weight: -1 }] }] }],
    ['a name twice', { services: [web, { ...dns, name: 'web' }] }],
    ['a service twice', { services: [web, { ...web, name: 'other' }] }],
    ['no prime', { services: [web], ringSlots: 256 }],
    ['too many slots', { services: [web], ringSlots: 65_539 }],
    [
      'too many services',
      { services: Array.from({ length: 64 }, (_, i) => ({ ...web, name: `s${i}`, port: 80 + i })) },
    ],
    [
      'too many backends',
      {
        services: [
          { ...web, backends: Array.from({ length: 4096 }, (_, i) => ({ address: `10.1.${i >> 8}.${i & 255}` })) },
        ],
      },
    ],
  ];
  for (const [name, refused] of cases) t.throws(() => servicesToMaps(refused), { code: 'config-value' }, name);
  t.throws(
    () => servicesToMaps({ services: [dns] }, numberServices({ services: [web] })),
    { code: 'config-value' },
    'numbers of another',
  );
  t.end();
});
