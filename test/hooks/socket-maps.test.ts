/** Maps of sockets and cgroups, storage on them, XDP sockets: from both sides. */
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import type { DatapathOptions } from '../../vm/datapath/datapath.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import type { WorldSpec } from '../../vm/world/world-spec.js';
import { le, mapSpec } from '../machine/harness.js';
import { attach, ENGINES, WORLD } from './harness.js';

const NO_DATA = new Uint8Array(0);
const FRAME = new Uint8Array(64);
const key = (index: number): Uint8Array => le(index, 4);

const sockmap = mapSpec({ type: 'sockmap', valueBytes: 8 });
const sockhash = mapSpec({ type: 'sockhash', keyBytes: 8, valueBytes: 8, maxEntries: 2 });
const storage = mapSpec({ type: 'sk_storage', valueBytes: 8, maxEntries: 0, flags: 1 });

function open(
  type: Parameters<typeof attach>[0],
  text: string,
  maps: readonly MapSpec[],
  more: DatapathOptions & { attachType?: NonNullable<Parameters<typeof attach>[2]>['attachType'] } = {},
) {
  const { attachType, ...options } = more;
  return attach(type, text, { maps, ...options, ...(attachType === undefined ? {} : { attachType }) });
}

t.test('sockets in maps, from outside', (t) => {
  const { datapath } = open('xdp', 'r0 = 2\nexit', [sockmap, sockhash]);
  const map = datapath.map('sockmap');
  t.equal(map.setSocket(key(1), 'conn'), 0);
  t.equal(map.getSocket(key(1)), 'conn');
  t.strictSame(map.get(key(1)), le(4, 8), 'its cookie');
  t.equal(map.get(key(0)), undefined);
  t.equal(map.setSocket(key(1), 'web', 1), -17, 'BPF_NOEXIST');
  t.equal(map.setSocket(key(0), 'web', 2), -2, 'BPF_EXIST');
  t.equal(map.setSocket(key(4), 'web'), -7, 'too far');
  t.equal(map.setSocket(key(0), 'fresh'), -95, 'neither connected nor listening');
  t.equal(map.setSocket(key(0), 'over'), -22, 'no full socket');
  t.equal(map.setSocket(key(0), 'local'), -95, 'not connected');
  t.equal(map.setSocket(key(0), 'dns'), 0, 'UDP');
  t.equal(map.setSocket(key(0), 'nobody'), -9);
  t.equal(map.set(key(2), le(1, 8)), 0, 'by number');
  t.equal(map.getSocket(key(2)), 'web');
  t.equal(map.set(key(2), le(99, 8)), -9);
  t.strictSame(
    [...map.entries()].map(([k]) => toHex(k)),
    ['00000000', '01000000', '02000000'],
  );
  t.equal(map.delete(key(1)), 0);
  t.equal(map.delete(key(1)), -22);
  const hash = datapath.map('sockhash');
  t.equal(hash.setSocket(le(1, 8), 'conn'), 0);
  t.equal(hash.setSocket(le(2, 8), 'conn6'), 0);
  t.equal(hash.setSocket(le(3, 8), 'web'), -7, 'full');
  t.equal(hash.delete(le(1, 8)), 0);
  t.equal(hash.delete(le(1, 8)), -2);
  t.equal(hash.getSocket(le(2, 8)), 'conn6');
  t.end();
});

for (const engine of ENGINES) {
  t.test(`${engine}: programs and maps of sockets`, (t) => {
    const update = `
      *(u32 *)(r10 - 4) = 2
      r2 = &map0
      r3 = r10
      r3 += -4
      r4 = 0
      call sock_map_update
      exit`;
    const ops = open('sock_ops', update, [sockmap], { engine, attachType: 'cgroup_sock_ops' });
    t.equal(ops.attachment.run(NO_DATA, { sk: 'conn', ctx: { op: 4 } }).code, 0);
    t.equal(ops.datapath.map('sockmap').getSocket(key(2)), 'conn');
    t.equal(ops.attachment.run(NO_DATA, { sk: 'conn', ctx: { op: 3 } }).code, -95, 'not an event that gives sockets');

    const redirect = (helper: string, flags: number): string =>
      `r2 = &map0\nr3 = 1\nr4 = ${flags}\ncall ${helper}\nexit`;
    const verdict = (flags: number, socket: string) => {
      const { attachment, datapath } = open('sk_skb', redirect('sk_redirect_map', flags), [sockmap], { engine });
      datapath.map('sockmap').setSocket(key(1), socket);
      return attachment.run(Uint8Array.of(1), { sk: 'conn' });
    };
    t.match(verdict(0, 'conn6'), { verdict: 'SK_PASS', socket: 'conn6', socketFlags: 0 });
    t.match(verdict(1, 'conn6'), { verdict: 'SK_PASS', socket: 'conn6', socketFlags: 1 });
    t.match(verdict(2, 'conn6'), { verdict: 'SK_DROP', socket: undefined });
    t.match(verdict(0, 'web'), { verdict: 'SK_DROP', socket: undefined }, 'a listener takes no data');

    const byKey = `*(u64 *)(r10 - 8) = 7\nr2 = &map0\nr3 = r10\nr3 += -8\nr4 = 0\ncall msg_redirect_hash\nexit`;
    const message = open('sk_msg', byKey, [sockhash], { engine, attachType: 'sk_msg_verdict' });
    t.match(message.attachment.run(Uint8Array.of(1), { sk: 'conn' }), { verdict: 'SK_DROP' });
    message.datapath.map('sockhash').setSocket(le(7, 8), 'conn6');
    t.match(message.attachment.run(Uint8Array.of(1), { sk: 'conn' }), { verdict: 'SK_PASS', socket: 'conn6' });

    const looks = `
      *(u32 *)(r10 - 4) = 1
      r1 = &map0
      r2 = r10
      r2 += -4
      call map_lookup_elem
      r6 = -1
      if r0 == 0 goto out
      r6 = *(u32 *)(r0 + 44)
      r1 = r0
      call sk_release
    out:
      r0 = r6
      exit`;
    const tc = open('sched_cls', looks, [sockmap], { engine });
    t.equal(tc.attachment.run(FRAME).code, -1);
    tc.datapath.map('sockmap').setSocket(key(1), 'web');
    t.match(tc.attachment.run(FRAME), { code: 80, held: undefined });

    const puts = `
      r1 = *(u64 *)(r1 + 168)
      r3 = r1
      *(u32 *)(r10 - 4) = 3
      r1 = &map0
      r2 = r10
      r2 += -4
      r4 = 0
      call map_update_elem
      exit`;
    const putter = open('sched_cls', puts, [sockmap], { engine });
    t.equal(putter.attachment.run(FRAME, { sk: 'web' }).code, 0);
    t.equal(putter.datapath.map('sockmap').getSocket(key(3)), 'web');
    t.end();
  });

  t.test(`${engine}: sockets that share an address`, (t) => {
    const world: WorldSpec = {
      ...WORLD,
      sockets: [
        { name: 'a', protocol: 'udp', local: '10.0.0.1:53', reuseport: true },
        { name: 'b', protocol: 'udp', local: '10.0.0.1:53', reuseport: true },
        { name: 'c', protocol: 'udp', local: '10.0.0.1:54', reuseport: true },
        { name: 'd', protocol: 'udp', local: '[::]:53', reuseport: true },
        { name: 'alone', protocol: 'udp', local: '10.0.0.1:55' },
      ],
    };
    const select = `*(u32 *)(r10 - 4) = 1\nr2 = &map0\nr3 = r10\nr3 += -4\nr4 = 0\ncall sk_select_reuseport\nexit`;
    const group = mapSpec({ type: 'reuseport_sockarray', valueBytes: 8 });
    const run = (socket?: string) => {
      const { attachment, datapath } = open('sk_reuseport', select, [group], {
        engine,
        world,
        attachType: 'sk_reuseport_select',
      });
      const map = datapath.map('reuseport_sockarray');
      if (socket !== undefined) t.equal(map.setSocket(key(1), socket), 0);
      return attachment.run(NO_DATA, { sk: 'a' });
    };
    t.match(run('b'), { code: 0, socket: 'b' });
    t.match(run('c'), { code: -77, socket: undefined }, 'another address');
    t.match(run('d'), { code: -97 }, 'another family');
    t.match(run(), { code: -2 });
    const { datapath } = open('sk_reuseport', select, [group], { world, attachType: 'sk_reuseport_select' });
    t.equal(datapath.map('reuseport_sockarray').setSocket(key(1), 'alone'), -22);
    t.end();
  });

  t.test(`${engine}: storage on sockets`, (t) => {
    const get = (flags: number, body: string): string => `
      r6 = *(u64 *)(r1 + 168)
      *(u64 *)(r10 - 8) = 40
      r1 = &map0
      r2 = r6
      r3 = r10
      r3 += -8
      r4 = ${flags}
      call sk_storage_get
      r7 = -1
      if r0 == 0 goto out
      r7 = *(u64 *)(r0 + 0)
      r7 += 1
      *(u64 *)(r0 + 0) = r7
      ${body}
    out:
      r0 = r7
      exit`;
    const counts = open('cgroup_skb', get(1, ''), [storage], { engine });
    t.equal(counts.attachment.run(FRAME, { sk: 'web' }).code, 41);
    t.equal(counts.attachment.run(FRAME, { sk: 'web' }).code, 42);
    t.equal(counts.attachment.run(FRAME, { sk: 'conn' }).code, 41, 'another socket');
    const map = counts.datapath.map('sk_storage');
    t.strictSame(map.get(key(1)), le(42, 8), 'by the number of the socket');
    t.equal(map.set(key(1), le(7, 8)), 0);
    t.equal(counts.attachment.run(FRAME, { sk: 'web' }).code, 8);
    t.strictSame(
      [...map.entries()].map(([k]) => toHex(k)),
      ['01000000', '04000000'],
    );
    t.equal(map.set(key(99), le(1, 8)), -9);
    t.equal(map.delete(key(1)), 0);
    t.equal(map.get(key(1)), undefined);
    t.equal(open('cgroup_skb', get(0, ''), [storage], { engine }).attachment.run(FRAME, { sk: 'web' }).code, -1);
    t.equal(open('cgroup_skb', get(1, ''), [storage], { engine }).attachment.run(FRAME, { sk: 'over' }).code, -1);
    const deletes = get(
      1,
      'r1 = &map0\nr2 = r6\ncall sk_storage_delete\nr8 = r0\nr1 = &map0\nr2 = r6\ncall sk_storage_delete\nr7 = r0\nr7 += r8',
    );
    t.equal(open('cgroup_skb', deletes, [storage], { engine }).attachment.run(FRAME, { sk: 'web' }).code, -2);
    t.end();
  });

  t.test(`${engine}: values and lists of cgroups`, (t) => {
    const count = `r1 = &map0\nr2 = 0\ncall get_local_storage\nr1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1\nexit`;
    for (const type of ['cgroup_storage', 'percpu_cgroup_storage'] as const) {
      const spec = mapSpec({ type, keyBytes: 16, valueBytes: 8, maxEntries: 0 });
      const { attachment, datapath } = open('cgroup_skb', count, [spec], { engine, attachType: 'cgroup_inet_ingress' });
      t.equal(attachment.run(FRAME).code, 1, type);
      t.equal(attachment.run(FRAME).code, 2);
      t.equal(attachment.run(FRAME, { cgroup: '/kubepods/pod1' }).code, 1, 'where it is attached to');
      const pod = Uint8Array.from([...le(4711, 8), ...le(0, 8)]);
      t.strictSame(datapath.map(type).get(pod), le(1, 8));
      t.equal(datapath.map(type).get(Uint8Array.from([...le(99, 8), ...le(0, 8)])), undefined);
      const [program] = datapath.object.programs;
      if (program === undefined) throw new Error('no program');
      for (let i = 0; i < 2; i++)
        t.equal(datapath.testRun().run(program, { data: FRAME }).retval, 1, 'fresh in each test run');
    }
    const list = mapSpec({ type: 'cgroup_array', valueBytes: 4, maxEntries: 2 });
    const under = `r2 = &map0\nr3 = 1\ncall skb_under_cgroup\nexit`;
    const tc = open('sched_cls', under, [list], { engine });
    t.equal(tc.attachment.run(FRAME, { sk: 'web' }).code, -11, 'nothing to compare with');
    t.equal(tc.datapath.map('cgroup_array').set(key(1), le(2, 4)), 0, '/kubepods');
    t.equal(tc.attachment.run(FRAME, { sk: 'web' }).code, 1);
    t.equal(tc.attachment.run(FRAME, { sk: 'conn' }).code, 0);
    t.equal(tc.attachment.run(FRAME).code, -2, 'no socket');
    t.equal(tc.datapath.map('cgroup_array').set(key(1), le(3, 4)), -9, 'no such cgroup');
    t.equal(tc.datapath.map('cgroup_array').set(key(2), le(2, 4)), -7);
    t.end();
  });

  t.test(`${engine}: XDP sockets`, (t) => {
    const xsks = mapSpec({ type: 'xskmap', valueBytes: 4 });
    const text = `r2 = *(u32 *)(r1 + 16)\nr1 = &map0\nr3 = 2\ncall redirect_map\nexit`;
    const { attachment, datapath } = open('xdp', text, [xsks], { engine });
    t.match(attachment.run(FRAME), { verdict: 'XDP_PASS' });
    t.equal(datapath.map('xskmap').set(key(3), le(5, 4)), 0);
    t.equal(datapath.map('xskmap').set(key(3), le(5, 4), 1), -17);
    t.equal(datapath.map('xskmap').set(key(0), le(0, 4)), -9);
    t.match(attachment.run(FRAME, { queue: 3 }), {
      verdict: 'XDP_REDIRECT',
      redirect: { kind: 'map', map: 'xskmap', key: 3 },
    });
    t.equal(datapath.map('xskmap').delete(key(3)), 0);
    t.match(attachment.run(FRAME, { queue: 3 }), { verdict: 'XDP_PASS' });
    t.end();
  });
}

t.test('definitions that Linux refuses', (t) => {
  const refused: readonly MapSpec[] = [
    mapSpec({ type: 'sk_storage', valueBytes: 8, maxEntries: 0 }),
    mapSpec({ type: 'sk_storage', valueBytes: 8, maxEntries: 1, flags: 1 }),
    mapSpec({ type: 'sk_storage', valueBytes: 70_000, maxEntries: 0, flags: 1 }),
    mapSpec({ type: 'sockmap', valueBytes: 5 }),
    mapSpec({ type: 'sockhash', keyBytes: 513, valueBytes: 4 }),
    mapSpec({ type: 'cgroup_storage', keyBytes: 8, valueBytes: 4097, maxEntries: 0 }),
    mapSpec({ type: 'cgroup_array', valueBytes: 8 }),
    mapSpec({ type: 'xskmap', valueBytes: 8 }),
  ];
  for (const spec of refused) t.throws(() => open('xdp', 'r0 = 0\nexit', [spec]), { code: 'load-map' }, spec.type);
  t.end();
});

t.test('worlds that cannot be', (t) => {
  const make = (world: WorldSpec) => () => open('xdp', 'r0 = 0\nexit', [], { world });
  const code = 'config-value';
  const rows: readonly (readonly [string, WorldSpec])[] = [
    [
      'world.sockets[1].name',
      {
        sockets: [
          { name: 'a', protocol: 'tcp' },
          { name: 'a', protocol: 'udp' },
        ],
      },
    ],
    ['world.sockets[0].local', { sockets: [{ name: 'a', protocol: 'tcp', local: '10.0.0.1' }] }],
    ['world.sockets[0].remote', { sockets: [{ name: 'a', protocol: 'tcp', local: '10.0.0.1:1', remote: '[::1]:2' }] }],
    ['world.sockets[0].dev', { sockets: [{ name: 'a', protocol: 'tcp', dev: 'eth0' }] }],
    ['world.sockets[0].cgroup', { sockets: [{ name: 'a', protocol: 'tcp', cgroup: '/a' }] }],
    ['world.sockets[0].netns', { sockets: [{ name: 'a', protocol: 'tcp', netns: 'b' }] }],
    ['world.sockets[0].listener', { sockets: [{ name: 'a', protocol: 'tcp', listener: 'b' }] }],
    ['world.sockets[0]', { sockets: [{ name: 'a', protocol: 'unix', local: '10.0.0.1:1' }] }],
    ['world.cgroups[0].path', { cgroups: [{ path: 'a' }] }],
    [
      'world.cgroups[1].id',
      {
        cgroups: [
          { path: '/a', id: 5 },
          { path: '/b', id: 5 },
        ],
      },
    ],
    [
      'world.netns[1].name',
      {
        netns: [
          { name: 'a', cookie: 2 },
          { name: 'a', cookie: 3 },
        ],
      },
    ],
    ['world.task.comm', { task: { comm: 'sixteen characters' } }],
    ['world.devices[0].master', { devices: [{ ifindex: 1, name: 'a', master: 'b' }] }],
  ];
  for (const [path, world] of rows) t.throws(make(world), { code, data: { path } }, path);
  t.end();
});
