/** Maps, globals and events by BTF type, on the object that `bpf/examples/typed.bpf.c` gives. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { ValueInput } from '../../vm/btf/value.js';
import { load } from '../../vm/datapath/datapath.js';
import type { Datapath, DatapathOptions } from '../../vm/datapath/datapath.js';
import { toHex } from '../../vm/bytes.js';
import { TypedMap } from '../../vm/machine/typed-map.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';

const SMALL = { memoryBytes: 2 ** 25 } as const;

function open(name = 'examples/typed', options: DatapathOptions = {}): Datapath {
  return load(new Uint8Array(readFileSync(`bpf/${name}.bpf.o`)), { ...SMALL, ...options });
}

/** TCP to a destination. */
function tcpFrame(destination: readonly number[], port: number): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1]);
  frame.set([...destination, 0x30, 0x39, port >> 8, port & 255], 30);
  return frame;
}

const WEB = { ip: '10.0.0.1', port: 80, protocol: 6 };

t.test('a map by its types', (t) => {
  const datapath = open();
  const conns = datapath.typedMap('conns');
  t.equal(conns.name, 'conns');
  t.equal(conns.get(WEB), undefined);
  t.equal(conns.set(WEB, { state: 'STATE_OPEN', name: 'web' }), 0);
  t.equal(conns.set(WEB, {}, 1), -17, 'BPF_NOEXIST');
  t.match(conns.get(WEB), { packets: 0n, state: 'STATE_OPEN', name: 'web', via: '::' });
  const [entry] = conns.entries();
  t.match(entry, [{ ...WEB, zero: 0 }, { state: 'STATE_OPEN' }]);
  const [key] = [...datapath.map('conns').entries()].map(([bytes]) => toHex(bytes));
  t.equal(key, '0a00000100500600', 'as the program sees it');
  t.equal(conns.delete(WEB), 0);
  t.equal(conns.delete(WEB), -2);
  t.strictSame([...conns.entries()], []);
  t.end();
});

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`${engine}: what is set is what the program reads, and the other way round`, (t) => {
    const datapath = open('examples/typed', { engine });
    const program = datapath.attach();
    const frame = tcpFrame([10, 0, 0, 1], 80);
    t.equal(program.run(tcpFrame([10, 0, 0, 1], 81)).verdict, 'XDP_PASS', 'not the port that is looked at');
    t.equal(program.run(frame).verdict, 'XDP_DROP', 'no such connection');
    t.strictSame(datapath.getGlobal('drops'), [1n, 0n, 0n, 0n]);

    datapath.typedMap('conns').set(WEB, { state: 'STATE_OPEN' });
    const { verdict, events } = program.run(frame);
    t.equal(verdict, 'XDP_TX');
    t.match(datapath.typedMap('conns').get(WEB), { packets: 1n });
    const said = { to: { ...WEB, zero: 0 }, state: 'STATE_OPEN', bytes: 60 };
    t.strictSame(
      events.map((event) => datapath.decodeEvent(event)),
      [said],
    );
    t.strictSame(
      events.map((event) => datapath.decodeEvent(event, 'struct event')),
      [said],
    );

    datapath.setGlobal('rate', 1);
    t.equal(program.run(frame).verdict, 'XDP_DROP', 'one was enough');
    t.strictSame(datapath.getGlobal('drops'), [1n, 1n, 0n, 0n]);
    datapath.setGlobal('rate', 100);
    datapath.setGlobal('verbose', false);
    t.match(program.run(frame), { verdict: 'XDP_TX', events: [] });
    datapath.setGlobal('only.port', '81');
    t.strictSame(datapath.getGlobal('only'), { ip: '0.0.0.0', port: 81, protocol: 6, zero: 0 });
    t.equal(program.run(frame).verdict, 'XDP_PASS', 'not the port that is looked at any more');
    t.end();
  });
}

t.test('per-CPU values are arrays', (t) => {
  const seen = open('examples/typed', { cpus: 3 }).typedMap('seen');
  t.strictSame(seen.get(0), [0n, 0n, 0n]);
  t.equal(seen.set(1, [1, 2n, '3']), 0);
  t.strictSame(
    [...seen.entries()],
    [
      [0, [0n, 0n, 0n]],
      [1, [1n, 2n, 3n]],
    ],
  );
  for (const value of [7, [1, 2], [1, 2, 3, 4]] as ValueInput[]) {
    t.throws(() => seen.set(0, value), { code: 'config-value', data: { what: 'seen value', cpus: 3 } });
  }
  t.throws(() => seen.set(0, [1, -2, 3]), { code: 'config-value', message: /^seen value of CPU 1: -2 does not fit/ });
  t.end();
});

t.test('what does not fit says where', (t) => {
  const conns = open().typedMap('conns');
  t.throws(() => conns.get({ ...WEB, port: 70000 }), {
    code: 'config-value',
    message: 'conns key .port: 70000 does not fit in __be16',
  });
  t.throws(() => conns.set(WEB, { tag: { hihg: 1 } }), {
    code: 'config-value',
    data: { what: 'conns value', path: '.tag.hihg' },
    hint: 'did you mean high?',
  });
  t.end();
});

t.test('maps without types', (t) => {
  const datapath = open();
  t.throws(() => datapath.typedMap('untyped'), { code: 'config-unsupported', data: { map: 'untyped' }, hint: /bytes/ });
  t.throws(() => datapath.typedMap('events'), { code: 'config-unsupported', data: { map: 'events' } });
  t.throws(() => datapath.typedMap('.rodata'), { code: 'config-unsupported', hint: /globals/ });
  t.throws(() => datapath.typedMap('none'), { code: 'config-value' });
  t.throws(() => open('examples/no-btf').typedMap('.rodata'), { code: 'config-unsupported' });
  t.end();
});

t.test('prefixes as keys of a trie', (t) => {
  const { object, machine } = open();
  const conns = machine.maps.handle(machine.maps.idOf('conns') ?? 0);
  const trie = (keyBytes: number): TypedMap => {
    const spec = { ...conns.spec, type: 'lpm_trie', keyBytes } as const;
    return new TypedMap(object, Object.assign(Object.create(conns) as typeof conns, { spec }));
  };
  t.equal(toHex(trie(8).encodeKey('10.1.0.0/16')), '100000000a010000');
  t.equal(toHex(trie(20).encodeKey('2001:db8::/32')), `2000000020010db8${'0'.repeat(24)}`);
  t.strictSame(trie(8).decodeKey(trie(8).encodeKey({ ip: '10.0.0.1' })), {
    ip: '10.0.0.1',
    port: 0,
    protocol: 0,
    zero: 0,
  });
  for (const [keyBytes, text] of [
    [8, '10.0.0.0'],
    [8, '10.0.0.0/33'],
    [8, '2001:db8::/32'],
    [20, '2001:db8::/129'],
    [12, '10.0.0.0/8'],
  ] as const) {
    t.throws(() => trie(keyBytes).encodeKey(text), { code: 'config-value', data: { what: 'conns key' } }, text);
  }
  t.end();
});

t.test('globals of every section', (t) => {
  const datapath = open('examples/globals');
  t.strictSame(
    datapath.globals.list().map(({ name, section, type }) => `${section} ${name}: ${type}`),
    [
      '.rodata verdict: const volatile __u32',
      '.rodata limits: const volatile struct limits',
      '.rodata.config verdict_by_size: const volatile __u16[4]',
      '.data threshold: __u64',
      '.data balance: volatile __s32',
      '.data.pattern pattern: __u8[8]',
      '.bss packets: __u64',
      '.bss last_size: volatile __u32',
      '.bss.scratch scratch: __u64[16]',
    ],
  );
  const values = { verdict: 2, limits: { low: 64, high: 1500, step: 16n }, threshold: 100n, balance: -5, packets: 0n };
  for (const [name, value] of Object.entries(values)) t.strictSame(datapath.getGlobal(name), value, name);
  t.strictSame(datapath.getGlobal('verdict_by_size'), [1, 2, 2, 1]);
  t.equal(datapath.getGlobal('limits.high'), 1500);
  t.equal(datapath.getGlobal('pattern[2]'), 3);
  datapath.setGlobal('limits', { high: 9000 });
  datapath.setGlobal('limits.low', '0x20');
  datapath.setGlobal('verdict_by_size[3]', 3);
  datapath.setGlobal('balance', -6);
  t.strictSame(datapath.getGlobal('limits'), { low: 32, high: 9000, step: 16n });
  t.strictSame(datapath.getGlobal('verdict_by_size'), [1, 2, 2, 3]);
  t.equal(datapath.getGlobal('threshold'), 100n, 'its neighbour is as it was');
  t.match(datapath.attach().run(new Uint8Array(40)), { verdict: 'XDP_PASS' });
  t.equal(datapath.getGlobal('last_size'), 40, 'what the program wrote is read');
  t.end();
});

t.test('globals that are not there', (t) => {
  const datapath = open('examples/globals');
  const rows = [
    ['treshold', 'did you mean threshold?'],
    ['limits.hihg', undefined],
    ['limits.high.low', undefined],
    ['pattern[8]', undefined],
    ['pattern.length', undefined],
    ['pattern[1000000000]', undefined],
    ['limits[0]', undefined],
    ['limits.', undefined],
    ['pattern[', undefined],
    ['', undefined],
  ] as const;
  for (const [path, hint] of rows) {
    t.throws(() => datapath.getGlobal(path), { code: 'config-value', ...(hint === undefined ? {} : { hint }) }, path);
    t.throws(() => datapath.setGlobal(path, 1), { code: 'config-value' }, path);
  }
  t.throws(() => datapath.setGlobal('pattern[999999999]', 1), { code: 'config-value' });
  t.throws(() => datapath.setGlobal('verdict', -1), { message: 'global verdict: -1 does not fit in __u32' });
  t.throws(() => open('examples/no-btf').getGlobal('x'), { code: 'config-unsupported' });
  t.strictSame(open('examples/no-btf').globals.list(), []);
  t.end();
});

t.test('the kernel configuration is a set of globals too', (t) => {
  const datapath = open('examples/kconfig');
  t.equal(datapath.getGlobal('LINUX_KERNEL_VERSION'), 0x6_1200);
  datapath.setGlobal('LINUX_KERNEL_VERSION', 0x5_0a00);
  t.equal(datapath.getGlobal('LINUX_KERNEL_VERSION'), 0x5_0a00);
  t.end();
});

t.test('events without a type, and of a wrong one', (t) => {
  const event = { map: 'events', cpu: 0, data: new Uint8Array(16) };
  const datapath = open();
  t.match(datapath.decodeEvent({ ...event, data: new Uint8Array(40) }), { bytes: 0 }, 'what follows is not looked at');
  t.throws(() => datapath.decodeEvent({ ...event, data: new Uint8Array(15) }), {
    code: 'config-value',
    data: { bytes: 15, want: 16 },
  });
  t.throws(() => datapath.decodeEvent(event, 'evnt'), { code: 'config-value', hint: 'did you mean event?' });
  t.throws(() => datapath.decodeEvent(event, 'union event'), { code: 'config-value' });
  t.equal(datapath.decodeEvent(event, '__be32'), '0.0.0.0');
  t.equal(datapath.decodeEvent(event, 'enum state'), 'STATE_NEW');
  t.equal(datapath.decodeEvent(event, 'enum mark'), 'MARK_NONE', 'an enum64 is an enum');
  t.throws(() => open('examples/events').decodeEvent({ ...event, map: 'ring' }), {
    code: 'config-value',
    data: { map: 'ring', candidates: [] },
    hint: /__attribute__/,
  });
  t.throws(() => open('examples/no-btf').decodeEvent(event), { code: 'config-unsupported' });

  const { object } = datapath;
  const conn = object.maps.find(({ name }) => name === 'conns')?.valueType ?? 0;
  const maps = object.maps.map((map) => (map.name === 'events' ? { ...map, valueType: conn } : map));
  const declared = open();
  Object.assign(declared, { object: { ...object, maps } satisfies ObjectSpec });
  t.match(
    declared.decodeEvent({ ...event, data: new Uint8Array(112) }),
    { packets: 0n },
    'the definition of the map wins',
  );
  t.end();
});
