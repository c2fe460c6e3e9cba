/** Redirects and the world's helpers on both engines, from an object to a `Result`. */
import t from 'tap';
import { redirectText } from '../../vm/datapath/redirect.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { assemble } from '../../vm/asm/assemble.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import type { WorldSpec } from '../../vm/world/world-spec.js';
import type { Result } from '../../vm/datapath/attachment.js';
import { bytesOf, le, mapSpec } from '../machine/harness.js';

const WORLD: WorldSpec = {
  devices: [
    { ifindex: 1, name: 'lo', kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'] },
    { ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:02', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
    { ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:03', addresses: ['192.0.2.1/24'], mtu: 1400 },
    { ifindex: 7, name: 'veth7', kind: 'veth', peer: 'inside' },
    { ifindex: 8, name: 'dark', up: false },
  ],
  routes: [
    { prefix: 'default', via: '10.0.0.254', dev: 'eth0' },
    { prefix: '198.51.100.0/24', via: 'fd00::fe', dev: 'eth0' },
  ],
  neighbours: [
    { ip: '10.0.0.254', mac: '02:00:00:00:00:fe', dev: 'eth0' },
    { ip: '192.0.2.9', mac: '02:00:00:00:00:09', dev: 'eth1', state: 'reachable' },
  ],
};

const IPV4 = bytesOf(
  '020000000002020000000001' +
    '0800' +
    '4500002e0000000040110000c0000201c0000209' +
    '0035303900100000' +
    '00'.repeat(12),
);

type Type = 'xdp' | 'sched_cls';

interface Run {
  readonly type?: Type;
  readonly maps?: readonly MapSpec[];
  readonly world?: WorldSpec | undefined;
  readonly packet?: Uint8Array;
  readonly prepare?: (datapath: Datapath) => void;
}

function run(engine: EngineName, text: string, options: Run = {}): Result {
  const bare = text.replace(/(r\d) = &map(\d+)/g, 'ld_pseudo $1, 0x1, $2');
  const object = objectFromInsns(assemble(bare).bytes, {
    type: options.type ?? 'xdp',
    ...(options.maps === undefined ? {} : { maps: options.maps }),
  });
  const world = 'world' in options ? options.world : WORLD;
  const datapath = new Datapath(object, { engine, memoryBytes: 32 << 20, ...(world === undefined ? {} : { world }) });
  options.prepare?.(datapath);
  return datapath.attach().run(options.packet ?? IPV4, { sec: 12, nsec: 345_678_901, ifindex: 2 });
}

function call(helper: string, ...args: readonly (number | string)[]): string {
  return `${args.map((arg, i) => `r${i + 1} = ${arg}`).join('\n')}\ncall ${helper}\nexit`;
}

const ENGINES: readonly EngineName[] = ['interp', 'wasm'];

const PEERS = mapSpec({ type: 'devmap', name: 'ports', valueBytes: 4, maxEntries: 8 });

const ROWS: readonly (readonly [text: string, options: Run, verdict: string, target: string | undefined])[] = [
  [call('redirect', 3, 0), {}, 'XDP_REDIRECT', 'eth1'],
  [call('redirect', 3, 1), {}, 'XDP_ABORTED', undefined],
  [call('redirect', 9, 0), {}, 'XDP_REDIRECT', 'ifindex 9: no such device'],
  [call('redirect', 9, 0), { world: undefined }, 'XDP_REDIRECT', 'ifindex 9'],
  [call('redirect', 0, 0), { world: undefined }, 'XDP_REDIRECT', 'ifindex 0: no such device'],
  [call('redirect', 8, 0), {}, 'XDP_REDIRECT', 'dark: the device is down'],
  ['r0 = 4\nexit', {}, 'XDP_REDIRECT', 'ifindex 0: no target'],
  ['r1 = 3\nr2 = 0\ncall redirect\nr0 = 2\nexit', {}, 'XDP_PASS', undefined],
  [call('redirect', 3, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'eth1'],
  [call('redirect', 3, 1), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'eth1 (ingress)'],
  [call('redirect', 3, 2), { type: 'sched_cls' }, 'TC_ACT_SHOT', undefined],
  [call('redirect', 3, '0x100000000 ll'), { type: 'sched_cls' }, 'TC_ACT_SHOT', undefined],
  [call('redirect', 9, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'ifindex 9: no such device'],
  [call('redirect_peer', 7, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'inside (peer of veth7)'],
  [call('redirect_peer', 3, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'eth1: the device has no peer'],
  [call('redirect_peer', 7, 1), { type: 'sched_cls' }, 'TC_ACT_SHOT', undefined],
  [call('redirect_neigh', 3, 0, 0, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'eth1 (next hop 192.0.2.9)'],
  [call('redirect_neigh', 2, 0, 0, 0), { type: 'sched_cls' }, 'TC_ACT_REDIRECT', 'eth0 (next hop 10.0.0.254)'],
  [call('redirect_neigh', 3, 0, 0, 1), { type: 'sched_cls' }, 'TC_ACT_SHOT', undefined],
];

for (const engine of ENGINES) {
  t.test(`verdict and target: ${engine}`, (t) => {
    for (const [text, options, verdict, target] of ROWS) {
      const result = run(engine, text, options);
      const name = text.replaceAll('\n', '; ');
      t.equal(result.trap, undefined, name);
      t.equal(result.verdict, verdict, name);
      t.equal(result.redirect && redirectText(result.redirect), target, name);
    }
    t.end();
  });

  t.test(`a redirect does not outlive its packet: ${engine}`, (t) => {
    const object = objectFromInsns(
      assemble(`r6 = *(u32 *)(r1 + 16)
        r0 = 4
        if r6 != 0 goto out
        r1 = 3
        r2 = 0
        call redirect
      out:
        exit`).bytes,
      { type: 'xdp' },
    );
    const attachment = new Datapath(object, { engine, memoryBytes: 32 << 20, world: WORLD }).attach();
    t.equal(attachment.run(IPV4).redirect?.name, 'eth1');
    t.equal(attachment.run(IPV4, { queue: 1 }).redirect?.problem, 'no target');
    t.end();
  });

  t.test(`redirect_map: ${engine}`, (t) => {
    const prepare = (datapath: Datapath): void => {
      const ports = datapath.map('ports');
      for (const [key, ifindex] of [
        [1, 3],
        [2, 2],
        [5, 99],
      ] as const)
        t.equal(ports.set(le(key, 4), le(ifindex, 4)), 0);
    };
    for (const type of ['devmap', 'devmap_hash'] as const) {
      const maps = [{ ...PEERS, type }];
      const ask = (key: number | string, flags: number | string) =>
        run(engine, call('redirect_map', '&map0', key, flags), { maps, prepare });
      const hit = ask(1, 2);
      t.equal(hit.verdict, 'XDP_REDIRECT');
      t.strictSame(hit.redirect, { kind: 'map', map: 'ports', key: 1, flags: 0, ifindex: 3, name: 'eth1' });
      t.equal(ask('0x700000001 ll', 0).redirect?.name, 'eth1', 'keys are 32 bits');
      t.equal(ask(5, 0).redirect?.problem, 'no such device');
      for (const flags of [0, 1, 2, 3]) {
        const miss = ask(3, flags);
        t.equal(miss.code, flags, `${type}: a miss gives the flags`);
        t.equal(miss.redirect, undefined);
      }
      t.equal(ask(1, 4).verdict, 'XDP_ABORTED', 'unknown flags');
      t.equal(ask(1, '0x100000000 ll').verdict, 'XDP_ABORTED', 'unknown flags');
      t.strictSame([...(ask(0, 8).redirect?.broadcast ?? [])].sort(), [2, 3, 99], 'to all');
      t.strictSame([...(ask(0, 24).redirect?.broadcast ?? [])].sort(), [3, 99], 'to all but where it came from');
    }
    t.end();
  });

  t.test(`redirect_map to a CPU, and of maps that hold none: ${engine}`, (t) => {
    const cpus = [mapSpec({ type: 'cpumap', name: 'cpus', valueBytes: 4, maxEntries: 4 })];
    const prepare = (datapath: Datapath): void => void datapath.map('cpus').set(le(0, 4), le(192, 4));
    const text = (key: number, flags: number) => call('redirect_map', '&map0', key, flags);
    const hit = run(engine, text(0, 0), { maps: cpus, prepare });
    t.strictSame(hit.redirect, { kind: 'map', map: 'cpus', key: 0, flags: 0, cpu: 0 });
    t.equal(hit.redirect && redirectText(hit.redirect), 'CPU 0');
    t.equal(run(engine, text(1, 2), { maps: cpus, prepare }).verdict, 'XDP_PASS');
    t.equal(run(engine, text(0, 8), { maps: cpus, prepare }).verdict, 'XDP_ABORTED', 'no broadcast to CPUs');
    t.equal(run(engine, text(0, 0), { maps: [mapSpec({ type: 'array' })] }).trap?.name, 'bad-map');
    t.end();
  });

  t.test(`redirect_neigh with a next hop of its own: ${engine}`, (t) => {
    const text = (bytes: number) => `
      *(u32 *)(r10 - 24) = 2
      *(u32 *)(r10 - 20) = 0xfe00000a
      *(u64 *)(r10 - 16) = 0
      *(u64 *)(r10 - 8) = 0
      r2 = r10
      r2 += -24
      r1 = 2
      r3 = ${bytes}
      r4 = 0
      call redirect_neigh
      exit`;
    const ok = run(engine, text(20), { type: 'sched_cls' });
    t.strictSame(ok.redirect?.neigh, { ip: '10.0.0.254', smac: '02:00:00:00:00:02', dmac: '02:00:00:00:00:fe' });
    t.equal(run(engine, text(24), { type: 'sched_cls' }).verdict, 'TC_ACT_REDIRECT');
    t.equal(run(engine, text(19), { type: 'sched_cls' }).verdict, 'TC_ACT_SHOT');
    t.end();
  });

  t.test(`clone_redirect: ${engine}`, (t) => {
    const text = (ifindex: number, flags: number) => `
      r6 = r1
      r2 = ${ifindex}
      r3 = ${flags}
      call clone_redirect
      r7 = r0
      r1 = r6
      r2 = ${ifindex === 2 ? 3 : ifindex}
      r3 = 1
      call clone_redirect
      r0 = r7
      exit`;
    const sent = run(engine, text(2, 0), { type: 'sched_cls' });
    t.equal(sent.code, 0);
    t.strictSame(
      sent.clones.map(({ ifindex, ingress }) => [ifindex, ingress]),
      [
        [2, false],
        [3, true],
      ],
    );
    t.strictSame(sent.clones[0]?.packet, IPV4);
    t.equal(sent.redirect, undefined);
    for (const [ifindex, flags, code] of [
      [2, 2, -22],
      [99, 0, -22],
      [8, 0, -100],
      [8, 1, 1],
    ] as const) {
      const { code: r0, clones } = run(engine, text(ifindex, flags), { type: 'sched_cls' });
      t.equal(r0, code, `clone_redirect(${ifindex}, ${flags})`);
      t.equal(clones.length, ifindex === 2 ? 1 : 0);
    }
    t.end();
  });
}

for (const engine of ENGINES) {
  t.test(`the tunnel that a program set: ${engine}`, (t) => {
    const set = (flags: number, ...words: readonly number[]): string => `
      r6 = r1
      ${words.map((word, i) => `*(u32 *)(r10 - ${48 - 4 * i}) = ${word}`).join('\n')}
      r2 = r10
      r2 += -48
      r3 = 44
      r4 = ${flags}
      call skb_set_tunnel_key`;
    const ipv4 = set(4, 7, 0xc0000209 | 0, 0, 0, 0, 0x00004001, 0, 0, 0, 0, 0);
    const ipv6 = set(1 | 2 | 8 | 16, 9, 0xfd, 0, 0, 0x01000000, 0, 0x12345, 0xfe, 0, 0, 0x02000000);
    const options = `
      r1 = r6
      r2 = r10
      r2 += -48
      r3 = 4
      call skb_set_tunnel_opt`;
    t.strictSame(run(engine, `${ipv4}\nexit`, { type: 'sched_cls' }).tunnel, {
      id: 7,
      remote: '192.0.2.9',
      local: '0.0.0.0',
      tos: 1,
      ttl: 64,
      label: 0,
      dontFragment: true,
      checksum: true,
      key: true,
      sequence: false,
    });
    t.strictSame(run(engine, `${ipv6}\n${options}\nexit`, { type: 'sched_cls' }).tunnel, {
      id: 9,
      remote: 'fd00::1',
      local: 'fe00::2',
      tos: 0,
      ttl: 0,
      label: 0x12345,
      dontFragment: false,
      checksum: false,
      key: false,
      sequence: true,
      options: '09000000',
    });
    t.equal(run(engine, 'r0 = 0\nexit', { type: 'sched_cls' }).tunnel, undefined);
    t.end();
  });
}
