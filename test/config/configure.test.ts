/** A config over an object: what it fills in, and what does not fit. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { configure, readConfig } from '../../vm/config/index.js';
import type { Configured, ConfigureOptions } from '../../vm/config/index.js';
import { toHex } from '../../vm/index.js';
import { mistakesOf, placesOf, unmark } from './mistakes.js';

const example = (name: string): Uint8Array => readFileSync(`bpf/examples/${name}.bpf.o`);
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Bytes that must be there, for comparing. */
const hexOf = (bytes: Uint8Array | undefined): string => (bytes === undefined ? 'nothing' : toHex(bytes));

const typed = example('typed');
const TARGETS = `.map ports, type=devmap, key=4, value=4, entries=4
.map todo, type=queue, key=0, value=4, entries=2
.map seen, type=percpu_array, key=4, value=4, entries=2
.map tails, type=prog_array, key=4, value=4, entries=2
.section xdp
.globl main
main:
  r0 = 2
  exit
`;
const targets = assembleObject(TARGETS);

function apply(object: Uint8Array, text: string, options: ConfigureOptions = {}): Configured {
  const small = { name: 'object.o', ...(text.includes('memory: ') ? {} : { memoryBytes: 64 << 20 }) };
  return configure(object, readConfig(text, 'skep.yaml'), { ...small, ...options });
}

const MISTAKES: readonly (readonly [name: string, object: Uint8Array, marked: string, problem: string])[] = [
  ['a program that is not there', typed, 'program: ›cuont\n', 'unknown-name'],
  ['a hook of another type', typed, 'program: count\nhook: ›tc\n', 'refused'],
  ['a hook without a program', typed, 'hook: ›tc\n', 'refused'],
  ['a hook with several programs', example('tail-calls'), 'hook: ›xdp\n', 'refused'],
  [
    'a device that is not there',
    typed,
    'ifindex: ›eth1\nworld: { devices: [{ ifindex: 1, name: eth0 }] }\n',
    'unknown-name',
  ],
  ['a map that is not there', typed, 'maps:\n  ›cons: []\n', 'unknown-name'],
  ['a global that is not there', typed, 'globals: { ›rat: 1 }\n', 'unknown-name'],
  ['a part of a global that is not there', typed, 'globals: { ›only.prot: 1 }\n', 'unknown-key'],
  ['a value too large for a global', typed, 'globals: { rate: ›4294967296 }\n', 'form'],
  ['a field of a global that is not there', typed, 'globals: { only: { port: 1, ›prt: 2 } }\n', 'unknown-key'],
  ['a field of a global that is too large', typed, 'globals:\n  only:\n    port: ›65536\n', 'form'],
  ['a list longer than an array', typed, 'globals: { drops: ›[1, 2, 3, 4, 5] }\n', 'form'],
  [
    'a field of a key that is not there',
    typed,
    'maps: { conns: [{ key: { ›ipp: 10.0.0.1 }, value: {} }] }\n',
    'unknown-key',
  ],
  ['an address that is none', typed, 'maps: { conns: [{ key: { ip: ›10.0.0 }, value: {} }] }\n', 'form'],
  ['a bit-field that overflows', typed, 'maps: { conns: [{ key: {}, value: { version: ›8 } }] }\n', 'form'],
  ['a name that the enum lacks', typed, 'maps: { conns: [{ key: {}, value: { state: ›STATE_OPNE } }] }\n', 'form'],
  ['a field deep inside', typed, 'maps: { conns: [{ key: {}, value: { tag: { low: ›70000 } } }] }\n', 'form'],
  ['an element deep inside', typed, 'maps: { conns: [{ key: {}, value: { grid: [[1, 2, ›x]] } }] }\n', 'form'],
  ['an entry without a key', typed, 'maps: { conns: [›{ value: {} }] }\n', 'missing'],
  ['an entry without a value', typed, 'maps: { conns: [›{ key: {} }] }\n', 'missing'],
  ['a key with a byte too few', typed, 'maps: { conns: [{ key_hex: ›"00", value: {} }] }\n', 'form'],
  ['a value that is no hexadecimal', typed, 'maps: { untyped: [{ key: 1, value_hex: ›xyz }] }\n', 'form'],
  ['fields without types', typed, 'maps: { untyped: [{ key: 1, value: ›{ a: 1 } }] }\n', 'form'],
  ['a number too large for its bytes', typed, 'maps: { untyped: [{ key: ›4294967296, value: 1 }] }\n', 'form'],
  ['an index past the end', typed, 'maps: { seen: { entries: { 0: 1, ›7: 1 } } }\n', 'refused'],
  [
    'a map that is full',
    typed,
    'maps:\n  untyped:\n    max_entries: 1\n    entries:\n      - { key: 1, value: 1 }\n      - ›{ key: 2, value: 1 }\n',
    'refused',
  ],
  ['a map that does not fit', typed, 'maps: { conns: { max_entries: ›4294967295 } }\n', 'refused'],
  ['a map that Linux refuses', typed, 'maps: { events: { max_entries: ›5000 } }\n', 'refused'],
  ['a dump that was not given', typed, 'maps: { conns: { from: ›gone.json } }\n', 'missing'],
  ['a dump of what is no bytes', targets, 'maps: { tails: { from: ›a.json } }\n', 'unsupported'],
  ['less memory than it needs', typed, 'memory: ›1K\n', 'refused'],
  ['a value of a part of a global', typed, 'globals: { only.port: ›65536 }\n', 'form'],
  ['an element past the end', typed, 'globals: { "drops[9]": ›1 }\n', 'form'],
  ['a tail call to no program', targets, 'maps: { tails: { entries: { 0: ›nowhere } } }\n', 'unknown-name'],
  ['a device of a devmap that is not there', targets, 'maps: { ports: { entries: { 0: ›eth9 } } }\n', 'unknown-name'],
  ['a key for a queue', targets, 'maps: { todo: [›{ key: 1, value: 1 }] }\n', 'refused'],
  ['a queue that is full', targets, 'maps: { todo: [{ value: 1 }, { value: 2 }, ›{ value: 3 }] }\n', 'refused'],
  [
    'a map that a map of maps lacks',
    example('map-in-map'),
    'maps: { empty: { entries: { 1: ›gone } } }\n',
    'unknown-name',
  ],
  [
    'a map that is not like the template',
    example('map-in-map'),
    'maps: { empty: { entries: { ›1: even } } }\n',
    'refused',
  ],
  ['a number where a map must be', example('map-in-map'), 'maps: { empty: { entries: { 1: ›5 } } }\n', 'type'],
  [
    'an entry of an inner map',
    example('map-in-map'),
    'maps: { empty: { entries: { 1: { entries: { 5: ›x } } } } }\n',
    'form',
  ],
  ['reasons of a map that is not there', typed, 'reasons: { map: ›seem }\n', 'form'],
  ['reasons in no array', typed, 'reasons: { map: ›conns }\n', 'form'],
  ['an enum that is not there', typed, 'reasons: { map: seen, enum: ›colour }\n', 'form'],
  ['several programs at once', typed, 'stages: ›[{ object: a.o }]\n', 'refused'],
  ['a route without its device', typed, 'world: { routes: [{ prefix: 10.0.0.0/8, dev: ›eth0 }] }\n', 'refused'],
  [
    'two devices of one name',
    typed,
    'world: { devices: [{ ifindex: 1, name: a }, { ifindex: 2, name: ›a }] }\n',
    'refused',
  ],
  [
    'a neighbour without address',
    typed,
    'world:\n  devices: [{ ifindex: 1, name: a }]\n  neighbours: [›{ ip: 10.0.0.1, dev: a }]\n',
    'refused',
  ],
];

for (const [name, object, marked, problem] of MISTAKES) {
  t.test(name, (t) => {
    const { text, places } = unmark(marked);
    const found = placesOf(mistakesOf(() => apply(object, text)));
    t.same(found, [{ ...places[0], problem }]);
    t.end();
  });
}

t.test('all that does not fit is said at once', (t) => {
  const text = 'maps: { cons: [], evens: [] }\nglobals: { rat: 1 }\nprogram: cuont\n';
  t.equal(mistakesOf(() => apply(typed, text))?.errors.length, 4);
  t.end();
});

t.test('maps and globals by type', (t) => {
  const text = `
maps:
  conns:
    max_entries: 2
    entries:
      - { key: { ip: 10.0.0.1, port: 80 }, value: { state: STATE_OPEN, version: 5, tag: { low: 7 } } }
      - { key: 0a0000020050 0600, value: {} }
  seen: { entries: { 0: [1, 2], 1: 9 } }
  untyped: [{ key: "0x01020304", value: [1, 2, 3, 4, 5, 6, 7, 8] }, { key: 1, value_hex: 00 11 22 33 44 55 66 77 }]
globals: { rate: 7, only.port: 443, drops: [1, 2], verbose: false }
cpus: 2
`;
  t.ok(
    mistakesOf(() => apply(typed, text)),
    'a struct is no hexadecimal text',
  );
  const { datapath } = apply(typed, text.replace('key: 0a0000020050 0600', 'key_hex: 0a000002 0050 0600'));
  const conns = datapath.typedMap('conns');
  t.match(conns.get({ ip: '10.0.0.1', port: 80 }), { state: 'STATE_OPEN', version: 5, tag: { low: 7 } });
  t.ok(conns.get({ ip: '10.0.0.2', port: 80, protocol: 6 }));
  t.equal(conns.bytes.spec.maxEntries, 2);
  t.same(datapath.typedMap('seen').get(0), [1n, 2n], 'a value for each CPU');
  t.same(datapath.typedMap('seen').get(1), [9n, 9n], 'one for all');
  const untyped = datapath.map('untyped');
  t.equal(hexOf(untyped.get(bytesOf('01020304'))), '0102030405060708');
  t.equal(hexOf(untyped.get(bytesOf('01000000'))), '0011223344556677');
  t.equal(datapath.getGlobal('rate'), 7);
  t.equal(datapath.getGlobal('only.port'), 443);
  t.equal(datapath.getGlobal('only.protocol'), 6, 'what is left out stays');
  t.same(datapath.getGlobal('drops'), [1n, 2n, 0n, 0n]);
  t.equal(datapath.getGlobal('verbose'), false);
  t.end();
});

t.test('programs, devices, queues, maps in maps', (t) => {
  const { datapath, ifindex } = apply(
    targets,
    `ifindex: eth1
world: { devices: [{ ifindex: 4, name: eth0 }, { ifindex: 9, name: eth1 }] }
maps:
  ports: { entries: { 0: eth0, 1: 9 } }
  todo: [{ value: 5 }, { value: 6 }]
  tails: { entries: { 1: main } }
`,
  );
  t.equal(ifindex, 9);
  const ports = datapath.map('ports');
  t.equal(hexOf(ports.get(bytesOf('00000000'))), '04000000');
  t.equal(hexOf(ports.get(bytesOf('01000000'))), '09000000');
  t.equal(hexOf(datapath.map('todo').get(new Uint8Array(0))), '05000000');
  const calls = apply(example('tail-calls'), 'program: parse\nmaps: { stages: { entries: { 1: spin } } }\n');
  const jumped = calls.datapath.attach(calls.program).run(new Uint8Array(64));
  t.equal(jumped.verdict, 'XDP_PASS', 'slot 1, empty in the object, now holds spin');

  const nested = apply(
    example('map-in-map'),
    'maps: { empty: { entries: { 1: { entries: { 5: 6 } } } }, by_tenant: { entries: { 9: tenant } } }\n',
  ).datapath;
  const inner = nested.map('empty').getMap(bytesOf('01000000'));
  t.equal(hexOf(inner?.get(bytesOf('0500000000000000'))), '06000000');
  t.equal(nested.map('by_tenant').getMap(bytesOf('09000000'))?.spec.name, 'tenant');
  t.end();
});

t.test('sizes, engine, checks, and what is given beside the config', (t) => {
  const { datapath } = apply(typed, 'engine: wasm\nchecks: { memory: false }\nmemory: 32M\ncpus: 3\n', { cpus: 2 });
  t.equal(datapath.engine, 'wasm');
  t.equal(datapath.checks.memory, false);
  t.equal(datapath.machine.layout.cpus, 2, 'the caller has the last word');
  t.equal(configure(typed, readConfig('memory: 32M', 'a.yaml')).datapath.machine.layout.memoryBytes, 32 << 20);
  t.equal(apply(example('tc'), 'program: mark_ip\nhook: tc\n').program, 'mark_ip');
  t.equal(apply(typed, 'hook: xdp\n').program, 'count', 'the only one on its hook');
  t.end();
});

t.test('what each packet begins with', (t) => {
  const { datapath, attach, program } = apply(
    example('tc'),
    'program: tcx/ingress\nctx: { mark: 7, priority: 8, cb: [1, 2], tc_index: 3, queue_mapping: 4, tc_classid: 5, ingress_ifindex: 6, tstamp: 4294967297 }\n',
  );
  datapath.attach(program, attach).run(new Uint8Array(64));
  const { memory, layout } = datapath.machine;
  const words = [8, 32, 48, 52, 56, 44, 12, 72, 36, 152, 156].map((off) => memory.word(layout.ctx + off));
  t.same(words, [7, 8, 1, 2, 0, 3, 4, 5, 6, 1, 1]);
  const queue = apply(example('tail-calls'), 'program: dynamic\nctx: { rx_queue_index: 2 }\n');
  queue.datapath.attach(queue.program, queue.attach).run(new Uint8Array(64));
  t.equal(queue.datapath.getGlobal('trace'), 34, 'decide, of slot 2, ran and came back');
  t.end();
});

const DUMP = JSON.stringify([
  { key: ['0x01', '0x00', '0x00', '0x00'], value: ['0x01', '0x02', '0x03', '0x04', '0x05', '0x06', '0x07', '0x08'] },
  { key: ['0xff', '0x00', '0x00', '0x00'], value: ['0x00', '0x00', '0x00', '0x00', '0x00', '0x00', '0x00', '0x00'] },
]);
const zeros = Array.from({ length: 8 }, () => '0x00');
const PER_CPU = JSON.stringify([
  {
    key: ['0x01', '0x00', '0x00', '0x00'],
    values: [
      { cpu: 0, value: zeros },
      { cpu: 1, value: ['0x2a', ...zeros.slice(1)] },
    ],
    formatted: { key: 1, values: [] },
  },
]);

t.test('what bpftool dumped', (t) => {
  const dumps = new Map([
    ['plain.json', DUMP],
    ['percpu.json', PER_CPU],
  ]);
  const text = 'maps: { untyped: { from: plain.json }, seen: { from: percpu.json } }\n';
  const { datapath } = apply(typed, text, { dumps, cpus: 2 });
  t.equal(hexOf(datapath.map('untyped').get(bytesOf('01000000'))), '0102030405060708');
  t.equal([...datapath.map('untyped').entries()].length, 2);
  t.same(datapath.typedMap('seen').get(1), [0n, 42n]);

  const bad: readonly (readonly [name: string, map: string, dump: string])[] = [
    ['more CPUs than here', 'seen', PER_CPU],
    ['no JSON', 'untyped', '[{'],
    ['no list', 'untyped', '{}'],
    ['no entry', 'untyped', '[1]'],
    ['no key', 'untyped', '[{"value":[]}]'],
    ['no value', 'untyped', '[{"key":["0x00","0x00","0x00","0x00"]}]'],
    ['of another map', 'untyped', '[{"key":["0x00"],"value":["0x00"]}]'],
    ['no byte', 'untyped', '[{"key":["0x100","0x00","0x00","0x00"],"value":["0x00"]}]'],
    ['no values of CPUs', 'seen', DUMP],
    [
      'too many entries',
      'untyped',
      JSON.stringify(Array.from({ length: 5 }, (_, i) => ({ key: [`0x${String(i)}`, 0, 0, 0], value: zeros }))),
    ],
  ];
  for (const [name, map, dump] of bad) {
    const marked = unmark(`maps: { ${map}: { from: ›a.json } }\n`);
    const found = placesOf(mistakesOf(() => apply(typed, marked.text, { dumps: new Map([['a.json', dump]]) })));
    t.match(found, [marked.places[0]], name);
  }
  t.end();
});
