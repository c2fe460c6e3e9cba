/** bpf_fib_lookup over a world that forwards: every return code, and what is written. test/kernel asks Linux the rest. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { parseIp } from '../../vm/world/ip-prefix.js';
import type { WorldSpec } from '../../vm/world/world-spec.js';

const WORLD: WorldSpec = {
  devices: [
    { ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:02', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
    { ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:03', addresses: ['192.0.2.1/24'], mtu: 1400 },
    { ifindex: 4, name: 'end', forwarding: false },
    { ifindex: 5, name: 'red', kind: 'vrf', table: 100 },
    { ifindex: 6, name: 'red0', master: 'red' },
  ],
  routes: [
    { prefix: 'default', via: '10.0.0.254', dev: 'eth0', metric: 7 },
    { prefix: '198.51.100.0/24', via: 'fd00::fe', dev: 'eth0' },
    { prefix: '10.1.0.0/16', type: 'blackhole' },
    { prefix: '10.2.0.0/16', type: 'unreachable' },
    { prefix: '10.3.0.0/16', type: 'prohibit' },
    { prefix: '172.16.0.0/12', via: '192.0.2.9', dev: 'eth1', table: 100 },
    { prefix: '2001:db8::/32', via: 'fd00::fe', dev: 'eth0' },
    { prefix: '2001:db9::/32', dev: 'eth1' },
  ],
  rules: [{ priority: 9, mark: 0x77, table: 100 }],
  neighbours: [
    { ip: '10.0.0.254', mac: '02:00:00:00:00:fe', dev: 'eth0' },
    { ip: '192.0.2.9', mac: '02:00:00:00:00:09', dev: 'eth1' },
    { ip: 'fd00::fe', mac: '02:00:00:00:06:fe', dev: 'eth0' },
  ],
};

const MARK = 32;
const DIRECT = 1;
const OUTPUT = 2;
const SKIP_NEIGH = 4;
const TBID = 8;
const SRC = 16;

interface Ask {
  readonly dst: string;
  readonly ifindex?: number;
  readonly length?: number;
  readonly table?: number;
  readonly mark?: number;
  readonly flags?: number;
}

interface Answer {
  readonly code: number;
  readonly ifindex: number;
  readonly mtu: number;
  readonly dst: string;
  readonly macs: string;
  readonly src: string;
}

/** The parameters are the packet, and so is the answer. */
function ask(
  engine: EngineName,
  type: 'xdp' | 'sched_cls',
  { dst, ifindex = 2, length = 0, table = 0, mark = 0, flags = 0 }: Ask,
): Answer {
  const [data, end] = type === 'xdp' ? [0, 4] : [76, 80];
  const words = Array.from({ length: 8 }, (_, i) => 8 * i);
  const text = `
    r6 = *(u32 *)(r1 + ${data})
    r7 = *(u32 *)(r1 + ${end})
    r2 = r6
    r2 += 64
    if r2 > r7 goto out
    ${words.map((at) => `r3 = *(u64 *)(r6 + ${at})\n*(u64 *)(r10 - ${64 - at}) = r3`).join('\n')}
    r2 = r10
    r2 += -64
    r3 = 64
    r4 = ${flags}
    call fib_lookup
    ${words.map((at) => `r3 = *(u64 *)(r10 - ${64 - at})\n*(u64 *)(r6 + ${at}) = r3`).join('\n')}
  out:
    exit`;
  const address = parseIp(dst) ?? new Uint8Array(4);
  const params = new Uint8Array(1600);
  const view = new DataView(params.buffer);
  params[0] = address.length === 4 ? 2 : 10;
  view.setUint16(6, length, true);
  view.setUint32(8, ifindex, true);
  params.set(address, 32);
  view.setUint32(48, table, true);
  view.setUint32(52, mark, true);
  const object = objectFromInsns(assemble(text).bytes, { type });
  const datapath = new Datapath(object, { engine, memoryBytes: 32 << 20, world: WORLD });
  const { code, packet } = datapath.attach().run(params);
  const out = new DataView(packet.buffer, packet.byteOffset);
  return {
    code,
    ifindex: out.getUint32(8, true),
    mtu: out.getUint16(6, true),
    dst: toHex(packet.subarray(32, 32 + (packet[0] === 2 ? 4 : 16))),
    macs: toHex(packet.subarray(52, 64)),
    src: toHex(packet.subarray(16, 20)),
  };
}

const ROWS: readonly (readonly [ask: Ask, answer: Partial<Answer>])[] = [
  [
    { dst: '8.8.8.8' },
    { code: 0, ifindex: 2, mtu: 1500, dst: '0a0000fe', macs: '0200000000020200000000fe', src: '00000000' },
  ],
  [
    { dst: '8.8.8.8', flags: SRC },
    { code: 0, src: '0a000001' },
  ],
  [
    { dst: '8.8.8.8', flags: SKIP_NEIGH },
    { code: 0, dst: '0a0000fe', macs: '00'.repeat(12) },
  ],
  [
    { dst: '8.8.8.8', flags: OUTPUT, ifindex: 3 },
    { code: 4, ifindex: 3 },
  ],
  [{ dst: '192.0.2.9' }, { code: 0, ifindex: 3, mtu: 1400, dst: 'c0000209', macs: '020000000003020000000009' }],
  [
    { dst: '192.0.2.9', length: 1400 },
    { code: 0, mtu: 1400 },
  ],
  [
    { dst: '192.0.2.9', length: 1401 },
    { code: 8, ifindex: 2, mtu: 1400 },
  ],
  [{ dst: '192.0.2.8' }, { code: 7, ifindex: 3, dst: 'c0000208' }],
  [{ dst: '198.51.100.1' }, { code: 0, ifindex: 2, macs: '0200000000020200000006fe' }],
  [{ dst: '10.0.0.1' }, { code: 4 }],
  [{ dst: '10.0.0.255' }, { code: 4 }],
  [{ dst: '10.1.0.1' }, { code: 1 }],
  [{ dst: '10.2.0.1' }, { code: 2 }],
  [{ dst: '10.3.0.1' }, { code: 3 }],
  [
    { dst: '172.16.0.1', flags: DIRECT },
    { code: 0, ifindex: 2 },
  ],
  [
    { dst: '172.16.0.1', flags: DIRECT | TBID, table: 100 },
    { code: 0, ifindex: 3, dst: 'c0000209' },
  ],
  [{ dst: '172.16.0.1', flags: DIRECT | TBID, table: 101 }, { code: 4 }],
  [
    { dst: '172.16.0.1', ifindex: 6 },
    { code: 0, ifindex: 3, dst: 'c0000209' },
  ],
  [
    { dst: '172.16.0.1', ifindex: 6, flags: DIRECT },
    { code: 0, ifindex: 3, dst: 'c0000209' },
  ],
  [{ dst: '8.8.8.8', ifindex: 6, flags: DIRECT }, { code: 4 }],
  [
    { dst: '172.16.0.1', mark: 0x77, flags: MARK },
    { code: 0, ifindex: 3, dst: 'c0000209' },
  ],
  [
    { dst: '172.16.0.1', mark: 0x77 },
    { code: 0, ifindex: 2 },
  ],
  [{ dst: '8.8.8.8', ifindex: 4 }, { code: 5 }],
  [{ dst: '8.8.8.8', ifindex: 9 }, { code: -19 }],
  [
    { dst: '2001:db8::1' },
    { code: 0, ifindex: 2, dst: 'fd0000000000000000000000000000fe', macs: '0200000000020200000006fe' },
  ],
  [{ dst: '2001:db9::1' }, { code: 7, ifindex: 3 }],
  [{ dst: '2001:dba::1' }, { code: 4 }],
  [{ dst: 'fe80::1' }, { code: 4 }],
];

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`fib_lookup: ${engine}`, (t) => {
    for (const [question, want] of ROWS) {
      const got = ask(engine, 'xdp', question);
      for (const [field, value] of Object.entries(want)) {
        t.equal(got[field as keyof Answer], value, `${JSON.stringify(question)} ${field}`);
      }
    }
    t.end();
  });

  t.test(`a socket buffer's own length counts where none is given: ${engine}`, (t) => {
    t.match(ask(engine, 'sched_cls', { dst: '192.0.2.9' }), { code: 8, ifindex: 3, mtu: 1400 });
    t.match(ask(engine, 'sched_cls', { dst: '192.0.2.9', length: 100 }), { code: 0, mtu: 1400 });
    t.end();
  });
}
