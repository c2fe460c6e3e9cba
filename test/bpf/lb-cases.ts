/**
 * What the load balancer must do: a configuration, and packets one after another with the verdict, the reason and every
 * byte that must come out. Which backend a flow gets is computed here a second time. Knows nothing of who runs them.
 */
import { servicesToMaps, type LbConfig, type LbService, type MapContents } from '../../bpf/control/lb.js';
import { concatBytes, viewOf } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { bytesOfAddress, frameOf, packetOf, type FrameSpec } from './lb-frames.js';

export const RING_SLOTS = 1009;

const backends = (port: number, ...addresses: readonly string[]) => addresses.map((address) => ({ address, port }));
const SERVICES = {
  web4: {
    vip: '203.0.113.10',
    port: 80,
    protocol: 'tcp',
    backends: backends(8080, '10.0.0.1', '10.0.0.2', '10.0.0.3'),
  },
  dns4: { vip: '203.0.113.10', port: 53, protocol: 'udp', backends: backends(5353, '10.0.0.11', '10.0.0.12') },
  web6: {
    vip: '2001:db8:ff::10',
    port: 80,
    protocol: 'tcp',
    backends: backends(8080, '2001:db8:1::1', '2001:db8:1::2'),
  },
  dns6: { vip: '2001:db8:ff::10', port: 53, protocol: 'udp', backends: backends(5353, '2001:db8:1::11') },
  tunnel4: {
    vip: '203.0.113.20',
    port: 443,
    protocol: 'tcp',
    mode: 'ipip',
    backends: backends(443, '10.1.0.1', '10.1.0.2'),
  },
  tunnel6: {
    vip: '2001:db8:ff::20',
    port: 443,
    protocol: 'udp',
    mode: 'ipip',
    backends: backends(443, '2001:db8:2::1', '2001:db8:2::2'),
  },
  sticky: {
    vip: '203.0.113.30',
    port: 80,
    protocol: 'tcp',
    affinity: true,
    backends: backends(80, '10.2.0.1', '10.2.0.2', '10.2.0.3', '10.2.0.4'),
  },
  empty: { vip: '203.0.113.40', port: 80, protocol: 'tcp', backends: [] },
  twin1: { vip: '203.0.113.51', port: 80, protocol: 'tcp', backends: backends(80, '10.3.0.1') },
  twin2: { vip: '203.0.113.52', port: 80, protocol: 'tcp', backends: backends(80, '10.3.0.1') },
} as const satisfies Readonly<Record<string, Omit<LbService, 'name'>>>;
type ServiceName = keyof typeof SERVICES;

export const CONFIG: LbConfig = {
  services: Object.entries(SERVICES).map(([name, service]) => ({ name, ...service })),
  ringSlots: RING_SLOTS,
};
export const CONTENTS: MapContents = servicesToMaps(CONFIG);

/** In the order of `enum reason`. */
export const REASONS = [
  'NOT_IP',
  'NOT_OURS',
  'TO_BACKEND',
  'TO_CLIENT',
  'ERROR_TO_BACKEND',
  'ERROR_TO_CLIENT',
  'ECHO',
  'MALFORMED',
  'NO_SERVICE',
  'NO_BACKEND',
  'FRAGMENT_UNKNOWN',
  'ERROR_UNKNOWN',
  'TUPLE_TAKEN',
  'TOO_BIG',
  'NO_ROOM',
] as const;
export type Reason = (typeof REASONS)[number];

export const XDP = { drop: 1, pass: 2, tx: 3 } as const;

export interface LbCase {
  readonly name: string;
  readonly packet: Uint8Array;
  readonly reason: Reason;
  /** What comes out; without it, what came in. */
  readonly out?: Uint8Array;
}

export function verdictOf(reason: Reason): number {
  const index = REASONS.indexOf(reason);
  return index < 2 ? XDP.pass : index < 7 ? XDP.tx : XDP.drop;
}

/** 16 bytes, IPv4 mapped. */
function mapped(address: string): Uint8Array {
  const bytes = bytesOfAddress(address);
  return bytes.length === 16 ? bytes : concatBytes([Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), bytes]);
}

/** The slot of a flow to a service, as lb.bpf.c hashes it. */
export function slotOf(src: string, sport: number, service: Omit<LbService, 'name'>, slots: number): number {
  const words = (bytes: Uint8Array) => Array.from({ length: 4 }, (_, i) => viewOf(bytes).getUint32(4 * i, true));
  const swap = (port: number) => ((port & 255) << 8) | (port >> 8);
  const mix = (hash: number, word: number) => {
    const product = Math.imul(hash ^ word, 0x9e3779b1);
    return product ^ (product >>> 15);
  };
  const all = [
    ...words(mapped(src)),
    ...(service.affinity === true
      ? []
      : [...words(mapped(service.vip)), (swap(sport) << 16) | swap(service.port), service.protocol === 'tcp' ? 6 : 17]),
    0x85ebca77,
  ];
  return (all.reduce(mix, 0) >>> 0) % slots;
}

/** The backend that a new flow gets. */
export function backendOf(
  name: ServiceName,
  src: string,
  sport: number,
  contents = CONTENTS,
): { address: string; port: number } {
  const service: LbService = { name, ...SERVICES[name] };
  const index = CONFIG.services.findIndex((each) => each.name === name);
  const ring = viewOf(must(contents.rings?.[index], 'a ring')[1]);
  const number = ring.getUint32(4 * slotOf(src, sport, service, RING_SLOTS), true);
  const [, value] = must(contents.backends?.[number - 1], `backend ${number}`);
  const found = service.backends.find(
    ({ address, port }) =>
      mapped(address).every((byte, i) => byte === value[i]) && viewOf(value).getUint16(16) === port,
  );
  return { address: must(found, 'a backend').address, port: must(found?.port, 'a port') };
}

const text = (length: number) => Uint8Array.from({ length }, (_, i) => 97 + (i % 26));
const SYN = 2;
const FIN = 0x11;
const cases: LbCase[] = [];
const add = (name: string, packet: Uint8Array, reason: Reason, out?: Uint8Array): void => {
  cases.push({ name, packet, reason, ...(out === undefined ? {} : { out }) });
};

const CLIENT4 = '198.51.100.7';
const CLIENT6 = '2001:db8:c::7';

/** A request to a NAT service and the reply to it. */
function roundTrip(
  what: string,
  service: ServiceName,
  src: string,
  sport: number,
  more: Partial<FrameSpec> = {},
): void {
  const { vip, port, protocol } = SERVICES[service];
  const backend = backendOf(service, src, sport);
  const request: FrameSpec = { src, dst: vip, protocol, sport, dport: port, data: text(31), ...more };
  const reply: FrameSpec = { ...request, src: vip, dst: src, sport: port, dport: sport, data: text(50) };
  add(
    `${service} request${what}`,
    frameOf(request),
    'TO_BACKEND',
    frameOf({ ...request, dst: backend.address, dport: backend.port, back: true }),
  );
  add(
    `${service} reply${what}`,
    frameOf({ ...reply, src: backend.address, sport: backend.port }),
    'TO_CLIENT',
    frameOf({ ...reply, back: true }),
  );
}

for (const service of ['web4', 'dns4', 'web6', 'dns6'] as const) {
  const src = service.endsWith('4') ? CLIENT4 : CLIENT6;
  for (let i = 0; i < 12; i++) roundTrip(` of port ${40_000 + i}`, service, src, 40_000 + i, { data: text(i) });
  roundTrip(' with padding', service, src, 41_001, { data: text(1), padding: 5 });
  roundTrip(' with a VLAN tag', service, src, 41_002, { vlans: [100] });
  roundTrip(' with two VLAN tags', service, src, 41_003, { vlans: [100, 200] });
  roundTrip(' with TOS', service, src, 41_004, { tos: 0xb9, ttl: 1 });
  if (src === CLIENT4)
    roundTrip(' with options', service, src, 41_005, { options: Uint8Array.of(1, 1, 1, 0, 7, 4, 0, 0) });
  else roundTrip(' with extension headers', service, src, 41_006, { extensions: 2 });
  if (service === 'dns4') roundTrip(' without checksum', service, src, 41_007, { noChecksum: true });
  if (service.startsWith('web')) {
    roundTrip(': SYN', service, src, 41_008, { flags: SYN });
    roundTrip(': FIN', service, src, 41_008, { flags: FIN });
    roundTrip(': SYN again', service, src, 41_008, { flags: SYN });
  }
}

// UDP checksums around zero: the sum of the request counts down until it passes through 0 on either side.
for (let i = 0; i < 64; i++) {
  const src = CLIENT4;
  const to = backendOf('dns4', src, 43_000);
  const request: FrameSpec = { src, dst: SERVICES.dns4.vip, protocol: 'udp', sport: 43_000, dport: 53 };
  const probe = packetOf({ ...request, dst: to.address, dport: to.port, data: Uint8Array.of(0, 0) });
  const sum = viewOf(probe).getUint16(26);
  const word = (sum + 0xffff - 32 + i) % 0xffff;
  const data = Uint8Array.of(word >> 8, word & 255);
  add(
    `UDP checksum near zero ${i - 32}`,
    frameOf({ ...request, data }),
    'TO_BACKEND',
    frameOf({ ...request, data, dst: to.address, dport: to.port, back: true }),
  );
}

// Tunnels.
function tunnel(
  what: string,
  service: 'tunnel4' | 'tunnel6',
  more: Partial<FrameSpec> = {},
  reason: Reason = 'TO_BACKEND',
): void {
  const { vip, port, protocol } = SERVICES[service];
  const isIpv4 = service === 'tunnel4';
  const src = isIpv4 ? CLIENT4 : CLIENT6;
  const { vlans, padding, ...inner } = {
    src,
    dst: vip,
    protocol,
    sport: 44_000,
    dport: port,
    ...more,
  } satisfies FrameSpec;
  const link = { ...(vlans && { vlans }), ...(padding && { padding }) };
  const dst = backendOf(service, src, inner.sport).address;
  const outer: FrameSpec = {
    ...(isIpv4
      ? { src: '192.0.2.1', dst, protocol: 4, id: 0, dontFragment: true }
      : { src: '2001:db8::1', dst, protocol: 41 }),
    ttl: 64,
    tos: inner.tos ?? 0,
    data: packetOf(inner),
    back: true,
    ...link,
  };
  add(
    `${service}${what}`,
    frameOf({ ...inner, ...link }),
    reason,
    reason === 'TO_BACKEND' ? frameOf(outer) : undefined,
  );
}
for (const service of ['tunnel4', 'tunnel6'] as const) {
  const outerBytes = service === 'tunnel4' ? 20 : 40;
  const headerBytes = service === 'tunnel4' ? 20 + 20 : 40 + 8;
  for (let i = 0; i < 6; i++) tunnel(` of port ${44_000 + i}`, service, { sport: 44_000 + i, data: text(10 * i) });
  tunnel(' with padding', service, { padding: 6 });
  tunnel(' with a VLAN tag', service, { vlans: [7] });
  tunnel(' with two VLAN tags', service, { vlans: [7, 8], data: text(99) });
  tunnel(' with TOS', service, { tos: 0xff });
  tunnel(' as big as may be', service, { data: text(1500 - outerBytes - headerBytes) });
  tunnel(' one byte bigger', service, { data: text(1501 - outerBytes - headerBytes) }, 'TOO_BIG');
}

// Affinity: another port, the same backend.
for (const src of ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4']) {
  const { address, port } = backendOf('sticky', src, 0);
  for (const sport of [1024, 40_000, 65_535]) {
    const request: FrameSpec = { src, dst: SERVICES.sticky.vip, protocol: 'tcp', sport, dport: 80, flags: SYN };
    add(
      `sticky ${src} port ${sport}`,
      frameOf(request),
      'TO_BACKEND',
      frameOf({ ...request, dst: address, dport: port, back: true }),
    );
  }
}

// Echo.
for (const [src, dst, request, reply] of [
  [CLIENT4, SERVICES.web4.vip, 8, 0],
  [CLIENT4, SERVICES.tunnel4.vip, 8, 0],
  [CLIENT6, SERVICES.web6.vip, 128, 129],
] as const) {
  for (const vlans of [[], [5], [5, 6]]) {
    const echo: FrameSpec = {
      src,
      dst,
      protocol: 'icmp',
      icmp: { type: request, rest: 0x00070001 },
      data: text(56),
      vlans,
    };
    const answer = { ...echo, src: dst, dst: src, icmp: { type: reply, rest: 0x00070001 }, ttl: 64, back: true };
    add(`echo to ${dst} with ${vlans.length} tags`, frameOf(echo), 'ECHO', frameOf(answer));
  }
  add(
    `echo to somebody else, ${src}`,
    frameOf({ src: dst, dst: src, protocol: 'icmp', icmp: { type: request } }),
    'NOT_OURS',
  );
  add(`echo reply to ${dst}`, frameOf({ src, dst, protocol: 'icmp', icmp: { type: reply } }), 'NOT_OURS');
}
add(
  'an echo request in fragments',
  frameOf({
    src: CLIENT4,
    dst: SERVICES.web4.vip,
    protocol: 'icmp',
    data: text(100),
    part: { id: 3, from: 0, to: 64 },
  }),
  'FRAGMENT_UNKNOWN',
);

// ICMP errors: quoted to 8 bytes of transport and in full.
for (const service of ['web4', 'dns4', 'web6', 'dns6'] as const) {
  const isIpv4 = service.endsWith('4');
  const [client, router] = isIpv4 ? [CLIENT4, '192.0.2.99'] : [CLIENT6, '2001:db8:9::9'];
  const { vip, port, protocol } = SERVICES[service];
  const sport = 40_003;
  const backend = backendOf(service, client, sport);
  const ipBytes = isIpv4 ? 20 : 40;
  const errors = isIpv4
    ? ([
        [3, 4, 1400],
        [11, 0, 0],
        [12, 0, 0],
      ] as const)
    : ([
        [1, 4, 0],
        [2, 0, 1400],
        [3, 0, 0],
        [4, 0, 0],
      ] as const);
  for (const [type, code, rest] of errors) {
    for (const quotedBytes of [ipBytes + 8, ipBytes + 20, 1000]) {
      const icmp = { type, code, rest };
      const name = `${service}: error ${type} quoting ${quotedBytes}`;
      const quote = (spec: FrameSpec) => packetOf({ ...spec, data: text(40) }).subarray(0, quotedBytes);

      // The reply went from the VIP to the client; the error must reach the backend that sent it.
      const reply: FrameSpec = { src: vip, dst: client, protocol, sport: port, dport: sport };
      const error: FrameSpec = { src: router, dst: vip, protocol: 'icmp', icmp };
      add(
        `${name} to the backend`,
        frameOf({ ...error, data: quote(reply) }),
        'ERROR_TO_BACKEND',
        frameOf({
          ...error,
          dst: backend.address,
          data: quote({ ...reply, src: backend.address, sport: backend.port }),
          back: true,
        }),
      );

      // The request went on to the backend; the error must reach the client as if it were about the VIP.
      const request: FrameSpec = { src: client, dst: vip, protocol, sport, dport: port };
      const translated = { ...request, dst: backend.address, dport: backend.port };
      for (const [from, seenFrom] of [
        [router, router],
        [backend.address, vip],
      ] as const) {
        const back: FrameSpec = { src: from, dst: client, protocol: 'icmp', icmp };
        add(
          `${name} to the client from ${from}`,
          frameOf({ ...back, data: quote(translated) }),
          'ERROR_TO_CLIENT',
          frameOf({ ...back, src: seenFrom, data: quote(request), back: true }),
        );
      }
    }
  }
  const other: FrameSpec = { src: vip, dst: client, protocol, sport: 9, dport: sport };
  const stray: FrameSpec = { src: router, dst: vip, protocol: 'icmp', icmp: { type: isIpv4 ? 3 : 1 } };
  add(`${service}: an error about no service`, frameOf({ ...stray, data: packetOf(other) }), 'ERROR_UNKNOWN');
  add(
    `${service}: an error about somebody else's packet`,
    frameOf({ ...stray, data: packetOf({ ...other, src: client, dst: vip, sport: port }) }),
    'ERROR_UNKNOWN',
  );
  add(
    `${service}: an error that is not ours`,
    frameOf({ ...stray, dst: client, data: packetOf({ ...other, src: client, dst: router }) }),
    'NOT_OURS',
  );
  add(
    `${service}: an error that quotes too little`,
    frameOf({ ...stray, data: packetOf(other).subarray(0, ipBytes + 7) }),
    'MALFORMED',
  );
}
{
  const { vip, port } = SERVICES.tunnel4;
  const reply: FrameSpec = { src: vip, dst: CLIENT4, protocol: 'tcp', sport: port, dport: 44_002 };
  const error: FrameSpec = {
    src: '192.0.2.99',
    dst: vip,
    protocol: 'icmp',
    icmp: { type: 3, code: 4, rest: 1400 },
    data: packetOf(reply),
  };
  const dst = backendOf('tunnel4', CLIENT4, 44_002).address;
  const outer: FrameSpec = {
    src: '192.0.2.1',
    dst,
    protocol: 4,
    id: 0,
    dontFragment: true,
    ttl: 64,
    data: packetOf(error),
    back: true,
  };
  add('tunnel4: error to the backend', frameOf(error), 'ERROR_TO_BACKEND', frameOf(outer));
}

// Bytes behind the packet are not the packet's, though they look like the rest of a segment.
{
  const { vip, port } = SERVICES.web4;
  const backend = backendOf('web4', CLIENT4, 40_003);
  const reply: FrameSpec = { src: vip, dst: CLIENT4, protocol: 'tcp', sport: port, dport: 40_003 };
  const quote = (spec: FrameSpec) => packetOf(spec).subarray(0, 28);
  const error: FrameSpec = { src: '192.0.2.99', dst: vip, protocol: 'icmp', icmp: { type: 3 }, padding: 20 };
  add(
    'web4: an error with padding',
    frameOf({ ...error, data: quote(reply) }),
    'ERROR_TO_BACKEND',
    frameOf({
      ...error,
      dst: backend.address,
      data: quote({ ...reply, src: backend.address, sport: backend.port }),
      back: true,
    }),
  );
  add(
    'web4: an error whose quotation ends in the padding',
    frameOf({ ...error, data: quote(reply).subarray(0, 24) }),
    'MALFORMED',
  );
  const empty: FrameSpec = { src: CLIENT4, dst: vip, protocol: 6, data: new Uint8Array(0) };
  const segment = packetOf({ ...empty, protocol: 'tcp' }).subarray(20);
  add('web4: a segment that lies in the padding', concatBytes([frameOf(empty), segment]), 'MALFORMED');
}

// Fragments, of requests and of replies.
for (const service of ['dns4', 'dns6', 'web4'] as const) {
  const client = service.endsWith('4') ? CLIENT4 : CLIENT6;
  const { vip, port, protocol } = SERVICES[service];
  const backend = backendOf(service, client, 45_000);
  const request: FrameSpec = { src: client, dst: vip, protocol, sport: 45_000, dport: port, data: text(300) };
  const reply: FrameSpec = { src: vip, dst: client, protocol, sport: port, dport: 45_000, data: text(300) };
  const all = 300 + (protocol === 'tcp' ? 20 : 8);
  const parts = [
    [0, 64],
    [64, 200],
    [200, all],
  ] as const;
  add(
    `${service}: a fragment that overtakes the first`,
    frameOf({ ...request, part: { id: 77, from: 64, to: 200 } }),
    'FRAGMENT_UNKNOWN',
  );
  for (const [from, to] of parts) {
    const part = { id: 77, from, to };
    // The checksum in the first fragment is that of the whole, before and after.
    add(
      `${service}: fragment ${from} of a request`,
      frameOf({ ...request, part }),
      'TO_BACKEND',
      frameOf({ ...request, dst: backend.address, dport: backend.port, part, back: true }),
    );
  }
  for (const [from, to] of parts) {
    const part = { id: 78, from, to };
    add(
      `${service}: fragment ${from} of a reply`,
      frameOf({ ...reply, src: backend.address, sport: backend.port, part }),
      'TO_CLIENT',
      frameOf({ ...reply, part, back: true }),
    );
  }
  add(
    `${service}: a fragment of another packet`,
    frameOf({ ...request, part: { id: 79, from: 64, to: 200 } }),
    'FRAGMENT_UNKNOWN',
  );
  add(
    `${service}: a fragment for somebody else`,
    frameOf({ ...request, dst: client, part: { id: 79, from: 64, to: 200 } }),
    'NOT_OURS',
  );
}
{
  const inner: FrameSpec = {
    src: CLIENT4,
    dst: SERVICES.tunnel4.vip,
    protocol: 'tcp',
    sport: 44_000,
    dport: 443,
    data: text(300),
  };
  const dst = backendOf('tunnel4', CLIENT4, 44_000).address;
  for (const [from, to] of [
    [0, 128],
    [128, 320],
  ] as const) {
    const packet = { ...inner, part: { id: 80, from, to } };
    const outer: FrameSpec = {
      src: '192.0.2.1',
      dst,
      protocol: 4,
      id: 0,
      dontFragment: true,
      ttl: 64,
      data: packetOf(packet),
      back: true,
    };
    add(`tunnel4: fragment ${from}`, frameOf(packet), 'TO_BACKEND', frameOf(outer));
  }
}

// Two VIPs, one backend, one port of the client.
{
  const first: FrameSpec = {
    src: CLIENT4,
    dst: SERVICES.twin1.vip,
    protocol: 'tcp',
    sport: 46_000,
    dport: 80,
    flags: SYN,
  };
  const second = { ...first, dst: SERVICES.twin2.vip };
  const forward = { dst: '10.3.0.1', back: true };
  add('the first of twins', frameOf(first), 'TO_BACKEND', frameOf({ ...first, ...forward }));
  add('the second of twins', frameOf(second), 'TUPLE_TAKEN');
  add(
    'the second of twins from another port',
    frameOf({ ...second, sport: 46_001 }),
    'TO_BACKEND',
    frameOf({ ...second, sport: 46_001, ...forward }),
  );
}

// What is not ours, or nobody's.
add(
  'ARP',
  concatBytes([
    frameOf({ src: CLIENT4, dst: CLIENT4, protocol: 'tcp' }).subarray(0, 12),
    Uint8Array.of(8, 6),
    new Uint8Array(46),
  ]),
  'NOT_IP',
);
for (const protocol of ['tcp', 'udp', 132] as const) {
  add(
    `${protocol} between others`,
    frameOf({ src: CLIENT4, dst: '192.0.2.200', protocol, data: text(20) }),
    'NOT_OURS',
  );
  add(
    `${protocol} between others, IPv6`,
    frameOf({ src: CLIENT6, dst: '2001:db8::200', protocol, data: text(20) }),
    'NOT_OURS',
  );
  add(
    `${protocol} to a VIP without a service`,
    frameOf({ src: CLIENT4, dst: SERVICES.web4.vip, protocol, dport: 81, data: text(20) }),
    'NO_SERVICE',
  );
  add(
    `${protocol} to a VIP without a service, IPv6`,
    frameOf({ src: CLIENT6, dst: SERVICES.web6.vip, protocol, dport: 81, data: text(20) }),
    'NO_SERVICE',
  );
}
add(
  'a service without backends',
  frameOf({ src: CLIENT4, dst: SERVICES.empty.vip, protocol: 'tcp', dport: 80 }),
  'NO_BACKEND',
);
add(
  'a backend that speaks unasked',
  frameOf({ src: '10.0.0.1', dst: CLIENT4, protocol: 'tcp', sport: 8080, dport: 1 }),
  'NOT_OURS',
);

// Frames cut short at every byte of their headers; Ethernet alone is the least that a driver hands over.
for (const spec of [
  { src: CLIENT4, dst: SERVICES.web4.vip, protocol: 'tcp', vlans: [1] },
  { src: CLIENT6, dst: SERVICES.dns6.vip, protocol: 'udp', dport: 53, extensions: 1 },
  { src: CLIENT4, dst: SERVICES.web4.vip, protocol: 'icmp' },
] as const satisfies readonly FrameSpec[]) {
  const frame = frameOf(spec);
  for (let length = 14; length < frame.length; length++)
    add(`${spec.protocol} cut at ${length}`, frame.subarray(0, length), 'MALFORMED');
}
{
  const frame = Buffer.from(frameOf({ src: CLIENT4, dst: SERVICES.web4.vip, protocol: 'tcp' }));
  const changed = (at: number, value: number) => Object.assign(Buffer.from(frame), { [at]: value });
  add('version 5', changed(14, 0x55), 'MALFORMED');
  add('a header of 16 bytes', changed(14, 0x44), 'MALFORMED');
  add('a total length below the header', changed(17, 19), 'MALFORMED');
  add('a total length above the frame', changed(17, 41), 'MALFORMED');
  add('a TCP header of 16 bytes', changed(46, 0x40), 'MALFORMED');
}

export const LB_CASES: readonly LbCase[] = cases;
