/**
 * lb.bpf.o in skep, on both engines: the packets that the live kernel was asked about, and what takes time or many
 * flows: spread, backends that come and go, connections that fall silent, tables that are full.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { numberServices, servicesToMaps, type LbConfig, type MapContents } from '../../bpf/control/lb.js';
import { equalBytes, toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { formatIpv4, formatIpv6 } from '../../vm/address-text.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { CONTENTS, LB_CASES, REASONS, RING_SLOTS, verdictOf, XDP } from './lb-cases.js';
import { frameOf, type FrameSpec } from './lb-frames.js';
import { withVariable } from './with-variable.js';

const object = withVariable(loadObject(readFileSync('bpf/lb.bpf.o')), 'ring_slots', RING_SLOTS);
const ENGINES: readonly EngineName[] = ['interp', 'wasm'];

function fill(datapath: Datapath, contents: MapContents): void {
  for (const [name, entries] of Object.entries(contents)) {
    const map = datapath.map(name);
    for (const [key, value] of entries) {
      const failed = map.set(key, value);
      if (failed !== 0) throw new Error(`${name}: ${failed}`);
    }
  }
}

function open(contents: MapContents, engine: EngineName = 'wasm', changed = object) {
  const datapath = new Datapath(changed, { engine });
  fill(datapath, contents);
  const attachment = datapath.attach();
  const reasons = datapath.map('reasons');
  const count = (index: number): number => {
    const value = reasons.get(Uint8Array.of(index, 0, 0, 0));
    if (value === undefined) return 0;
    let packets = 0;
    for (let at = 0; at < value.length; at += 16) packets += Number(Buffer.from(value).readBigUInt64LE(at));
    return packets;
  };
  return {
    datapath,
    attachment,
    reasons: () => Object.fromEntries(REASONS.map((reason, index) => [reason, count(index)])),
  };
}

for (const engine of ENGINES) {
  t.test(`${engine}: every packet comes out as on the kernel`, (t) => {
    const { attachment, reasons } = open(CONTENTS, engine);
    const want = Object.fromEntries(REASONS.map((reason) => [reason, 0]));
    for (const { name, packet, reason, out = packet } of LB_CASES) {
      const result = attachment.run(packet);
      if (result.trap !== undefined) t.fail(`${name}: ${result.trap.message}`);
      const got = `${result.code} ${toHex(result.packet)}`;
      const expected = `${verdictOf(reason)} ${toHex(out)}`;
      if (got !== expected) t.equal(got, expected, name);
      want[reason] = (want[reason] ?? 0) + 1;
    }
    t.strictSame(reasons(), want, `${LB_CASES.length} packets: counted by reason`);
    t.end();
  });
}

t.test('no packet is longer or shorter than it may be: every reason is met', (t) => {
  const met = new Set(LB_CASES.map(({ reason }) => reason));
  // A driver without headroom is nothing that packets can bring about.
  t.strictSame(
    REASONS.filter((reason) => !met.has(reason)),
    ['NO_ROOM'],
  );
  t.end();
});

const POOL = Array.from({ length: 10 }, (_, i) => `10.9.0.${i + 1}`);
const VIP = '203.0.113.99';
const poolOf = (addresses: readonly string[], weights: readonly number[] = []): LbConfig => ({
  services: [
    {
      name: 'pool',
      vip: VIP,
      port: 80,
      protocol: 'tcp',
      backends: addresses.map((address, i) => ({ address, port: 8080, weight: weights[i] ?? 1 })),
    },
  ],
});

/** The flow's number spread over source addresses and ports. */
function flowOf(i: number, flags = 2): FrameSpec {
  return {
    src: `198.18.${(i >> 5) & 255}.${(i >> 13) + 1}`,
    dst: VIP,
    protocol: 'tcp',
    sport: 1024 + 37 * (i & 31),
    dport: 80,
    flags,
  };
}

const destination = (packet: Uint8Array): string => formatIpv4(packet, 30);

const wide = withVariable(object, 'ring_slots', 65_537);

t.test('10,000 flows over 10 backends', (t) => {
  const before = poolOf(POOL);
  const numbers = numberServices(before);
  const { datapath, attachment } = open(servicesToMaps(before, numbers), 'wasm', wide);
  const flows = 10_000;
  const first = Array.from({ length: flows }, (_, i) => destination(attachment.run(frameOf(flowOf(i))).packet));
  const counts = POOL.map((address) => first.filter((each) => each === address).length);
  t.equal(
    counts.reduce((sum, each) => sum + each),
    flows,
    'each went to one of them',
  );
  for (const [i, count] of counts.entries()) t.ok(Math.abs(count - 1000) <= 100, `${POOL[i] ?? ''} has ${count}`);

  // One leaves. Known flows stay, except its own; new ones move only as far as Maglev has to.
  const gone = '10.9.0.4';
  const after = poolOf(POOL.filter((address) => address !== gone));
  const contents = servicesToMaps(after, numberServices(after, numbers));
  fill(datapath, contents);
  let moved = 0;
  let lost = 0;
  for (const [i, was] of first.entries()) {
    const now = destination(attachment.run(frameOf(flowOf(i, 0x10))).packet);
    if (now !== was && was !== gone) moved++;
    if (now === gone || !POOL.includes(now)) lost++;
  }
  t.equal(moved, 0, 'no known flow moved');
  t.equal(lost, 0, 'and those of the one that left are with others');

  const fresh = open(contents, 'wasm', wide).attachment;
  const movedNew = first.filter((was, i) => destination(fresh.run(frameOf(flowOf(i))).packet) !== was).length;
  t.ok(movedNew / flows <= 1 / POOL.length + 0.02, `${movedNew} of ${flows} flows would move if they were new`);
  t.end();
});

t.test('spread over 4 backends within 5 % of even', (t) => {
  const { attachment } = open(servicesToMaps(poolOf(POOL.slice(0, 4))), 'wasm', wide);
  const counts = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const to = destination(attachment.run(frameOf(flowOf(i))).packet);
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  for (const [address, count] of counts) t.ok(Math.abs(count - 2500) <= 125, `${address} has ${count}`);
  t.equal(counts.size, 4);
  t.end();
});

t.test('a backend of weight 0 keeps its flows and gets no new ones', (t) => {
  const two = POOL.slice(0, 2);
  const { datapath, attachment } = open(servicesToMaps({ ...poolOf(two), ringSlots: RING_SLOTS }));
  const first = Array.from({ length: 100 }, (_, i) => destination(attachment.run(frameOf(flowOf(i))).packet));
  fill(datapath, servicesToMaps({ ...poolOf(two, [0, 1]), ringSlots: RING_SLOTS }));
  const again = first.map((_, i) => destination(attachment.run(frameOf(flowOf(i, 0x10))).packet));
  t.strictSame(again, first);
  t.ok(first.includes('10.9.0.1'));
  const fresh = new Set(first.map((_, i) => destination(attachment.run(frameOf(flowOf(1000 + i))).packet)));
  t.strictSame([...fresh], ['10.9.0.2']);
  t.end();
});

t.test('connections that fall silent are forgotten', (t) => {
  // A flow stays on a drained backend for as long as it is remembered.
  const two = POOL.slice(0, 2);
  const service = (protocol: 'tcp' | 'udp', weights: readonly number[]): LbConfig => ({
    services: poolOf(two, weights).services.map((each) => ({ ...each, protocol })),
    ringSlots: RING_SLOTS,
  });
  const FIN = 0x11;
  const RST = 0x04;
  const SYN = 0x02;
  const ACK = 0x10;
  const cases: readonly {
    name: string;
    protocol?: 'udp';
    flags?: readonly number[];
    seconds: number;
    next?: number;
    kept: boolean;
  }[] = [
    { name: 'TCP, only SYN, in time', flags: [SYN], seconds: 239, kept: true },
    { name: 'TCP, only SYN, late', flags: [SYN], seconds: 241, kept: false },
    { name: 'TCP, open, in time', flags: [SYN, ACK], seconds: 7439, kept: true },
    { name: 'TCP, open, late', flags: [SYN, ACK], seconds: 7441, kept: false },
    { name: 'TCP, FIN, in time', flags: [SYN, ACK, FIN], seconds: 239, kept: true },
    { name: 'TCP, FIN, late', flags: [SYN, ACK, FIN], seconds: 241, kept: false },
    { name: 'TCP, RST, late', flags: [SYN, ACK, RST], seconds: 241, kept: false },
    { name: 'TCP, SYN after FIN', flags: [SYN, ACK, FIN], seconds: 1, next: SYN, kept: false },
    { name: 'TCP, SYN in the middle', flags: [SYN, ACK], seconds: 1, next: SYN, kept: true },
    { name: 'UDP, in time', protocol: 'udp', seconds: 299, kept: true },
    { name: 'UDP, late', protocol: 'udp', seconds: 301, kept: false },
  ];
  for (const { name, protocol = 'tcp', flags = [0], seconds, next = ACK, kept } of cases) {
    const { datapath, attachment } = open(servicesToMaps(service(protocol, [1, 0])));
    for (const each of flags) attachment.run(frameOf({ ...flowOf(1, each), protocol }), { sec: 1000 });
    fill(datapath, servicesToMaps(service(protocol, [0, 1])));
    const { packet } = attachment.run(frameOf({ ...flowOf(1, next), protocol }), { sec: 1000 + seconds });
    t.equal(destination(packet), kept ? '10.9.0.1' : '10.9.0.2', name);
  }
  t.end();
});

t.test('replies keep a connection alive, and can close it', (t) => {
  const two = POOL.slice(0, 2);
  const contents = (weights: readonly number[]) => servicesToMaps({ ...poolOf(two, weights), ringSlots: RING_SLOTS });
  for (const [flags, to] of [
    [0x10, '10.9.0.1'],
    [0x11, '10.9.0.2'],
  ] as const) {
    const { datapath, attachment } = open(contents([1, 0]));
    const { src, sport = 0 } = flowOf(1);
    attachment.run(frameOf(flowOf(1)), { sec: 1000 });
    const reply = frameOf({ src: '10.9.0.1', dst: src, protocol: 'tcp', sport: 8080, dport: sport, flags });
    t.equal(attachment.run(reply, { sec: 1200 }).code, XDP.tx);
    fill(datapath, contents([0, 1]));
    t.equal(
      destination(attachment.run(frameOf(flowOf(1, 0x10)), { sec: 1200 + 300 }).packet),
      to,
      `reply with flags ${flags}`,
    );
  }
  t.end();
});

t.test('fragments: the rest of a packet is waited for half a minute', (t) => {
  const spec: FrameSpec = { src: '198.51.100.7', dst: VIP, protocol: 'tcp', dport: 80, data: new Uint8Array(200) };
  for (const [sec, code] of [
    [1029, XDP.tx],
    [1031, XDP.drop],
  ] as const) {
    const { attachment } = open(servicesToMaps({ ...poolOf(POOL), ringSlots: RING_SLOTS }));
    attachment.run(frameOf({ ...spec, part: { id: 9, from: 0, to: 104 } }), { sec: 1000 });
    t.equal(
      attachment.run(frameOf({ ...spec, part: { id: 9, from: 104, to: 220 } }), { sec }).code,
      code,
      `after ${sec - 1000} s`,
    );
  }
  t.end();
});

t.test('a flood pushes itself out, not the connection that is in use', (t) => {
  const { datapath, attachment } = open(servicesToMaps({ ...poolOf(POOL), ringSlots: RING_SLOTS }));
  attachment.run(frameOf(flowOf(0)));
  const small = datapath.map('connections').spec.maxEntries;
  t.equal(small, 65_536);
  for (let i = 1; i <= 70_000; i++) {
    attachment.deliver(frameOf(flowOf(i)));
    if (i % 1000 === 0) attachment.deliver(frameOf(flowOf(0, 0x10)));
  }
  let found = 0;
  let entries = 0;
  for (const [key] of datapath.map('connections').entries()) {
    entries++;
    if (formatIpv6(key) === '::ffff:198.18.0.1' && key[33] === (1024 & 255) && key[32] === 1024 >> 8) found++;
  }
  t.ok(entries <= small, `${entries} entries`);
  t.equal(found, 1, 'still there');
  t.end();
});

t.test('the entry that undoes NAT comes back when it was pushed out', (t) => {
  const { datapath, attachment } = open(servicesToMaps({ ...poolOf(POOL), ringSlots: RING_SLOTS }));
  const { src, sport = 0 } = flowOf(1);
  const backend = destination(attachment.run(frameOf(flowOf(1))).packet);
  const reply = frameOf({ src: backend, dst: src, protocol: 'tcp', sport: 8080, dport: sport });
  const replies = datapath.map('replies');
  for (const [key] of [...replies.entries()]) replies.delete(key);
  t.equal(attachment.run(reply).code, XDP.pass, 'pushed out');
  attachment.run(frameOf(flowOf(1, 0x10)));
  t.equal(attachment.run(reply).code, XDP.tx, 'and back');
  t.end();
});

t.test('what passes or is dropped is left as it was', (t) => {
  for (const { name, packet, reason, out } of LB_CASES) {
    if (verdictOf(reason) === XDP.tx) t.ok(out !== undefined && !equalBytes(out, packet), name);
    else t.equal(out, undefined, name);
  }
  t.end();
});
