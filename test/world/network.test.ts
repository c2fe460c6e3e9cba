/** Devices, routes and neighbours as data: what is read, what is refused and where, which route wins. */
import t from 'tap';
import { ConfigError } from '../../vm/errors.js';
import { parseIp } from '../../vm/world/ip-prefix.js';
import { Network } from '../../vm/world/network.js';
import type { OutputDevice } from '../../vm/world/routes.js';
import type { WorldSpec } from '../../vm/world/world-spec.js';

const DEVICES = [
  { ifindex: 1, name: 'lo', kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'] },
  { ifindex: 2, name: 'eth0', mac: '02-00-00-00-00-02', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
  { ifindex: 3, name: 'eth1', addresses: ['192.0.2.1/31'] },
  { ifindex: 4, name: 'down0', addresses: ['203.0.113.1/24'], up: false },
] as const;

const WORLD: WorldSpec = {
  devices: DEVICES,
  routes: [
    { prefix: 'default', via: '10.0.0.254', dev: 'eth0' },
    { prefix: 'default', via: 'fd00::fe', dev: 'eth0' },
    { prefix: '10.1.0.0/16', dev: 'eth1', metric: 20 },
    { prefix: '10.1.0.0/16', via: '10.0.0.7', dev: 'eth0', metric: 10 },
    { prefix: '10.1.2.0/24', type: 'blackhole' },
    { prefix: '10.1.3.0/24', type: 'throw' },
    { prefix: '172.16.0.0/12', dev: 'eth1', table: 100 },
    { prefix: '2001:db8::/32', type: 'prohibit' },
  ],
};

const ROWS: readonly (readonly [destination: string, answer: string])[] = [
  ['127.9.9.9', 'local lo'],
  ['10.0.0.1', 'local eth0'],
  ['10.0.0.255', 'broadcast eth0'],
  ['10.0.0.9', 'unicast eth0'],
  ['10.1.9.9', 'unicast eth0 metric 10'],
  ['10.1.2.3', 'blackhole -'],
  ['10.1.3.3', 'none'],
  ['192.0.2.0', 'unicast eth1'],
  ['203.0.113.9', 'unicast eth0'],
  ['172.16.0.1', 'unicast eth0'],
  ['fd00::1', 'local eth0'],
  ['fd00::99', 'unicast eth0 metric 256'],
  ['2001:db8::1', 'prohibit - metric 1024'],
  ['2001:db9::1', 'unicast eth0 metric 1024'],
];

t.test('which route wins', (t) => {
  const { routes, rules } = new Network(WORLD);
  const find = (destination: Uint8Array, output?: OutputDevice) =>
    rules.find({
      source: new Uint8Array(destination.length),
      destination,
      mark: 0,
      iif: undefined,
      oif: undefined,
      output,
    });
  for (const [text, want] of ROWS) {
    const route = find(parseIp(text) ?? new Uint8Array(4));
    const metric = route === undefined || route.metric === 0 ? '' : ` metric ${route.metric}`;
    t.equal(route === undefined ? 'none' : `${route.type} ${route.device?.name ?? '-'}${metric}`, want, text);
  }
  const to = parseIp('10.1.9.9') ?? new Uint8Array(4);
  t.equal(find(to, { ifindex: 3, isRequired: true })?.device?.name, 'eth1', 'by the device asked for');
  t.equal(find(to, { ifindex: 3, isRequired: false })?.device?.name, 'eth0', 'the metric counts more');
  t.equal(routes.findIn(100, parseIp('172.16.0.1') ?? to)?.device?.name, 'eth1', 'a table of its own');
  t.equal(routes.findIn(101, to), undefined, 'no such table');
  t.end();
});

const RULED: WorldSpec = {
  devices: [
    ...DEVICES,
    { ifindex: 10, name: 'red', kind: 'vrf', table: 100 },
    { ifindex: 11, name: 'red0', master: 'red', addresses: ['10.9.0.1/24'] },
  ],
  routes: [
    { prefix: 'default', via: '10.0.0.254', dev: 'eth0' },
    { prefix: '10.1.0.0/16', dev: 'red0', table: 100 },
    { prefix: '10.1.0.0/16', dev: 'eth1', table: 200 },
    { prefix: '10.2.0.0/16', type: 'throw', table: 200 },
    { prefix: '10.3.0.0/16', dev: 'eth1', table: 300 },
  ],
  rules: [
    { priority: 500, mark: 0x10, mask: 0xf0, table: 200 },
    { priority: 600, from: '10.0.0.66/32', table: 300 },
    { priority: 700, iif: 'eth1', to: '10.4.0.0/16', type: 'prohibit' },
    { priority: 800, family: 'ipv6', oif: 'eth1', type: 'unreachable' },
  ],
};

interface RuledFlow {
  readonly to: string;
  readonly from?: string;
  readonly mark?: number;
  readonly iif?: string;
  readonly oif?: string;
  readonly wants: string;
}

const FLOWS: readonly RuledFlow[] = [
  { to: '10.1.0.1', wants: 'unicast eth0' },
  { to: '10.1.0.1', mark: 0x1f, wants: 'unicast eth1' },
  { to: '10.1.0.1', mark: 0x2f, wants: 'unicast eth0' },
  { to: '10.2.0.1', mark: 0x10, wants: 'unicast eth0' },
  { to: '10.3.0.1', from: '10.0.0.66', wants: 'unicast eth1' },
  { to: '10.3.0.1', from: '10.0.0.67', wants: 'unicast eth0' },
  { to: '10.4.0.1', iif: 'eth1', wants: 'prohibit -' },
  { to: '10.4.0.1', iif: 'eth0', wants: 'unicast eth0' },
  { to: 'fd00::99', wants: 'unicast eth0' },
  { to: 'fd00::99', oif: 'eth1', wants: 'unreachable -' },
  { to: '10.1.0.1', iif: 'red0', wants: 'unicast red0' },
  { to: '10.1.0.1', iif: 'red', wants: 'unicast red0' },
  { to: '10.9.0.1', iif: 'red0', wants: 'local red0' },
  { to: '10.9.0.1', iif: 'eth0', wants: 'unicast eth0' },
  { to: '10.1.0.1', iif: 'red0', mark: 0x10, wants: 'unicast eth1' },
  { to: '8.8.8.8', iif: 'red0', wants: 'unicast eth0' },
];

t.test('rules, marks and VRFs', (t) => {
  const { rules, devices } = new Network(RULED);
  for (const { to, from, mark = 0, iif, oif, wants } of FLOWS) {
    const destination = parseIp(to) ?? new Uint8Array(4);
    const route = rules.find({
      source: parseIp(from ?? '') ?? new Uint8Array(destination.length),
      destination,
      mark,
      iif: devices.named(iif ?? ''),
      oif: devices.named(oif ?? ''),
      output: undefined,
    });
    t.equal(
      `${route?.type ?? 'none'} ${route?.device?.name ?? '-'}`,
      wants,
      JSON.stringify({ to, from, mark, iif, oif }),
    );
  }
  t.end();
});

const REFUSED: readonly (readonly [path: string, world: WorldSpec])[] = [
  ['world.devices[0].ifindex', { devices: [{ ifindex: 0, name: 'a' }] }],
  ['world.devices[1].ifindex', { devices: [DEVICES[0], { ifindex: 1, name: 'a' }] }],
  ['world.devices[1].name', { devices: [DEVICES[0], { ifindex: 2, name: 'lo' }] }],
  ['world.devices[0].name', { devices: [{ ifindex: 1, name: 'sixteen-letters-' }] }],
  ['world.devices[0].mac', { devices: [{ ifindex: 1, name: 'a', mac: '02:00' }] }],
  ['world.devices[0].mtu', { devices: [{ ifindex: 1, name: 'a', mtu: 67 }] }],
  ['world.devices[0].addresses[1]', { devices: [{ ifindex: 1, name: 'a', addresses: ['10.0.0.1', '10.0.0.1/33'] }] }],
  ['world.devices[0].peer', { devices: [{ ifindex: 1, name: 'a', peer: 'b' }] }],
  ['world.routes[0].prefix', { devices: DEVICES, routes: [{ prefix: '10.0.0.0/x', dev: 'lo' }] }],
  ['world.routes[0].dev', { devices: DEVICES, routes: [{ prefix: '10.0.0.0/8', dev: 'eth9' }] }],
  ['world.routes[0].dev', { devices: DEVICES, routes: [{ prefix: '10.0.0.0/8' }] }],
  ['world.routes[0].via', { devices: DEVICES, routes: [{ prefix: '::/0', via: '10.0.0.1', dev: 'eth0' }] }],
  ['world.routes[0].src', { devices: DEVICES, routes: [{ prefix: '::/0', src: '10.0.0.1', dev: 'eth0' }] }],
  ['world.devices[0].table', { devices: [{ ifindex: 1, name: 'a', table: 3 }] }],
  ['world.devices[0].table', { devices: [{ ifindex: 1, name: 'a', kind: 'vrf' }] }],
  ['world.rules[0].table', { devices: DEVICES, rules: [{ priority: 1 }] }],
  ['world.rules[0].priority', { devices: DEVICES, rules: [{ priority: -1, table: 5 }] }],
  ['world.rules[0].iif', { devices: DEVICES, rules: [{ priority: 1, table: 5, iif: 'eth9' }] }],
  ['world.rules[0].to', { devices: DEVICES, rules: [{ priority: 1, table: 5, from: '::/0', to: '10.0.0.0/8' }] }],
  ['world.routes[0].table', { devices: DEVICES, routes: [{ prefix: '::/0', table: 0, dev: 'eth0' }] }],
  ['world.neighbours[0].ip', { devices: DEVICES, neighbours: [{ ip: '10.0.0', mac: '02:00:00:00:00:01', dev: 'lo' }] }],
  ['world.neighbours[0].mac', { devices: DEVICES, neighbours: [{ ip: '10.0.0.2', dev: 'lo' }] }],
  ['world.neighbours[0].dev', { devices: DEVICES, neighbours: [{ ip: '10.0.0.2', dev: 'eth9', state: 'failed' }] }],
];

t.test('refused, with the place', (t) => {
  for (const [path, world] of REFUSED) {
    try {
      new Network(world);
      t.fail(`${path} should be refused`);
    } catch (error) {
      t.ok(error instanceof ConfigError && error.code === 'config-value', path);
      t.equal((error as ConfigError).data?.path, path);
    }
  }
  t.end();
});

t.test('neighbours that cannot be used are none', (t) => {
  const mac = '02:00:00:00:00:09';
  const { neighbours, devices } = new Network({
    devices: DEVICES,
    neighbours: [
      { ip: '10.0.0.9', mac, dev: 'eth0', state: 'stale' },
      { ip: '10.0.0.8', mac, dev: 'eth0', state: 'failed' },
    ],
  });
  const eth0 = devices.mustHave('eth0', '');
  t.equal(neighbours.macOf(eth0, parseIp('10.0.0.9') ?? new Uint8Array(4))?.[5], 9);
  t.equal(neighbours.macOf(eth0, parseIp('10.0.0.8') ?? new Uint8Array(4)), undefined);
  t.equal(neighbours.macOf(devices.mustHave('eth1', ''), parseIp('10.0.0.9') ?? new Uint8Array(4)), undefined);
  t.end();
});
