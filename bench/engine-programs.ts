/** The programs of `bench:engines`: object, packets, contents of maps. All are ours, and none changes what its next run does. */
import { readFileSync } from 'node:fs';
import { servicesToMaps } from '../bpf/control/lb.js';
import type { LbService } from '../bpf/control/lb.js';
import { policyMaps } from '../bpf/control/policy.js';
import type { PolicyRule } from '../bpf/control/policy.js';
import { concatBytes, viewOf } from '../vm/bytes.js';
import { must } from '../vm/errors.js';
import { loadObject } from '../vm/loader/load-object.js';
import { readCaptureBytes } from '../vm/net/capture.js';
import { parseFrame } from '../vm/net/parse-frame.js';
import { LINKTYPE_ETHERNET } from '../vm/net/link-types.js';
import type { ObjectSpec } from '../vm/object/object-spec.js';

/** An entry of a map. */
interface Entry {
  readonly map: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A packet, and what must be in the maps when it comes. */
export interface Step {
  readonly packet: Uint8Array;
  readonly entries: readonly Entry[];
}

export interface BenchProgram {
  readonly name: string;
  readonly object: ObjectSpec;
  /** Name of the program in the object. */
  readonly program: string;
  readonly entries: readonly Entry[];
  readonly steps: readonly Step[];
  /** Whether most of its time goes into calls. */
  readonly callHeavy?: true;
}

const words = (...values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) viewOf(bytes).setUint32(4 * i, value, true);
  return bytes;
};

/** UDP over IPv4 from 10.1.2.3:4660 to 192.0.2.1:80, padded to so many bytes, its payload counting up. */
function udpFrame(bytes: number): Uint8Array {
  const frame = Uint8Array.from({ length: bytes }, (_, i) => i & 0xff);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, bytes - 14, 0, 0, 0, 0, 64, 17, 0, 0]);
  frame.set([10, 1, 2, 3, 192, 0, 2, 1, 0x12, 0x34, 0, 80, 0, bytes - 34, 0, 0], 26);
  return frame;
}

function load(path: string): ObjectSpec {
  return loadObject(readFileSync(path), { name: path });
}

function single(file: string, program: string, bytes: number, entries: readonly Entry[] = []): BenchProgram {
  return {
    name: file,
    object: load(`bpf/bench/${file}.bpf.o`),
    program,
    entries,
    steps: [{ packet: udpFrame(bytes), entries: [] }],
  };
}

const balanceEntries = (): Entry[] => [
  // 192.0.2.1, port 80, UDP.
  { map: 'services', key: Uint8Array.of(192, 0, 2, 1, 0, 80, 17, 0), value: words(3, 0) },
  ...Array.from({ length: 63 }, (_, i) => ({
    map: 'services',
    key: Uint8Array.of(192, 0, 2, 2 + i, 0, 80, 17, 0),
    value: words(i, 0),
  })),
  ...Array.from({ length: 512 }, (_, i) => ({
    map: 'flows',
    key: concatBytes([words(i, 7 * i), words(i, 6)]),
    value: words(1),
  })),
  ...Array.from({ length: 256 }, (_, i) => ({ map: 'ring', key: words(i), value: words(i & 63) })),
  ...Array.from({ length: 64 }, (_, i) => ({
    map: 'backends',
    key: words(i),
    value: Uint8Array.of(10, 0, 0, i, 2, 0, 0, 0, 0, i, 0, 0),
  })),
];

const prefixEntries = (): Entry[] => [
  ...Array.from({ length: 64 }, (_, i) => ({
    map: 'identities',
    key: concatBytes([words(16), Uint8Array.of(10, i, 0, 0)]),
    value: words(i + 1),
  })),
  ...Array.from({ length: 64 }, (_, i) => ({
    map: 'identities',
    key: concatBytes([words(24), Uint8Array.of(192, 0, i, 0)]),
    value: words(100 + i),
  })),
  ...Array.from({ length: 64 }, (_, i) => ({ map: 'rules', key: words(2, 100 + i), value: words(1) })),
];

const CAPTURE_PACKETS = 8;

/** Some Ethernet frames of a capture, from all over it. */
function framesOf(path: string): Uint8Array[] {
  const all = [...readCaptureBytes(readFileSync(path))].filter(
    ({ linkType, data }) => linkType === LINKTYPE_ETHERNET && data.length >= 60 && data.length <= 3000,
  );
  const stride = Math.max(1, Math.floor(all.length / CAPTURE_PACKETS));
  return all.filter((_, i) => i % stride === 0).map(({ data }) => data);
}

/** Services where the frames go. */
function servicesOf(frames: readonly Uint8Array[]): LbService[] {
  const services = new Map<string, LbService>();
  for (const frame of frames) {
    const { headers } = parseFrame(frame, LINKTYPE_ETHERNET);
    const ip = headers.find((each) => each.kind === 'ipv4');
    const transport = headers.find((each) => each.kind === 'tcp' || each.kind === 'udp');
    if (ip === undefined || transport === undefined || transport.dstPort === 0 || transport.dstPort >= 30_000) continue;
    const name = `${ip.dst.join('.')} ${transport.kind} ${String(transport.dstPort)}`;
    services.set(name, {
      name,
      vip: ip.dst.join('.'),
      port: transport.dstPort,
      protocol: transport.kind,
      backends: [1, 2, 3].map((i) => ({ address: `10.8.0.${String(i)}`, port: 8000 + i })),
    });
  }
  return [...services.values()].slice(0, 32);
}

const RESTORED_BYTES = 96;

function balancer(capture: string): BenchProgram {
  const frames = framesOf(capture);
  const contents = servicesToMaps({ services: servicesOf(frames) });
  return {
    name: 'lb.bpf.c',
    object: load('bpf/bench/lb-again.bpf.o'),
    program: 'again',
    entries: Object.entries(contents).flatMap(([map, entries]) => entries.map(([key, value]) => ({ map, key, value }))),
    steps: frames.map((packet) => {
      const head = new Uint8Array(RESTORED_BYTES);
      head.set(packet.subarray(0, RESTORED_BYTES));
      return { packet, entries: [{ map: 'headers', key: words(0), value: head }] };
    }),
  };
}

const RULES: readonly PolicyRule[] = [
  { direction: 'ingress', action: 'allow', protocol: 'tcp', ports: { from: 1, to: 1023 } },
  { direction: 'ingress', action: 'allow', protocol: 'udp', ports: 53 },
  { direction: 'ingress', action: 'allow', protocol: 'icmp', ports: 8 },
  { direction: 'ingress', action: 'deny', protocol: 'tcp', ports: { from: 20, to: 25 } },
];

function policy(capture: string): BenchProgram {
  const { ipcache, rules } = policyMaps({ identities: [{ id: 77, prefixes: ['10.0.0.0/8'] }], rules: RULES });
  return {
    name: 'policy.bpf.c',
    object: load('bpf/policy.bpf.o'),
    program: 'policy_ingress',
    entries: [
      ...ipcache.map(({ key, value }) => ({ map: 'ipcache', key, value })),
      ...rules.map(({ key, value }) => ({ map: 'rules', key, value })),
    ],
    steps: framesOf(capture).map((packet) => ({ packet, entries: [] })),
  };
}

export function enginePrograms(): readonly BenchProgram[] {
  return [
    single('alu', 'alu', 64),
    single('remainders', 'remainders', 64),
    single('checksum', 'checksum', 1500),
    single('memcpy', 'copy', 1500),
    single('parser', 'parser', 64),
    single('balance', 'balance', 64, balanceEntries()),
    { ...single('calls', 'calls', 64), callHeavy: true },
    { ...single('tail-calls', 'tail_calls', 64), callHeavy: true },
    single('prefixes', 'prefixes', 64, prefixEntries()),
    balancer('pcaps/http.pcap'),
    policy('pcaps/mixed.pcapng'),
  ];
}

/** The function of its program. */
export function mainOf({ object, program }: BenchProgram): number {
  return must(
    object.programs.find(({ name }) => name === program),
    `program ${program}`,
  ).func;
}
