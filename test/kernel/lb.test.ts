/**
 * lb.bpf.o on the live kernel, loaded and run but never attached: every packet of the cases, its verdict, the reason
 * that was counted, and each byte. Then damaged packets, and all captures, side by side with both engines. Skips with the reason where bpf() cannot be used.
 */
import { readFileSync, readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { servicesToMaps, type LbService, type MapContents } from '../../bpf/control/lb.js';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { readAll } from '../support/captures.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { LINKTYPE_ETHERNET } from '../../vm/net/link-types.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { CONTENTS, LB_CASES, REASONS, RING_SLOTS, verdictOf } from '../bpf/lb-cases.js';
import { withVariable } from '../bpf/with-variable.js';
import { whyNoBpf } from './bpf-syscall.js';
import { Kernel, type KernelMachine } from './helpers-kernel.js';

const CPUS = 8;

/** Packets counted for each reason, on all CPUs. */
function readReasons(machine: KernelMachine): number[] {
  return REASONS.map((_, index) => {
    let packets = 0;
    for (let cpu = 0; cpu < CPUS; cpu++) {
      const value = machine.lookup('reasons', Uint8Array.of(index, 0, 0, 0), cpu);
      if (value !== undefined) packets += Number(Buffer.from(value).readBigUInt64LE(0));
    }
    return packets;
  });
}

const skip = whyNoBpf() ?? false;
const read = (): ObjectSpec => withVariable(loadObject(readFileSync('bpf/lb.bpf.o')), 'ring_slots', RING_SLOTS);

function openKernel(object: ObjectSpec, contents: MapContents): KernelMachine {
  const machine = new Kernel().open(object);
  for (const [map, entries] of Object.entries(contents)) {
    for (const [key, value] of entries) machine.update(map, key, value);
  }
  return machine;
}

t.test('lb.bpf.o on this kernel', { skip }, (t) => {
  const object = read();
  const machine = openKernel(object, CONTENTS);
  t.teardown(() => machine.close());
  const program = must(object.programs[0], 'a program').func;
  const want = REASONS.map(() => 0);
  for (const { name, packet, reason, out = packet } of LB_CASES) {
    const { errno, retval, data } = machine.run(packet, program);
    const answer = `${errno} ${retval} ${toHex(data)}`;
    const expected = `0 ${verdictOf(reason)} ${toHex(out)}`;
    if (answer !== expected) t.equal(answer, expected, name);
    const index = REASONS.indexOf(reason);
    want[index] = (want[index] ?? 0) + 1;
  }
  t.strictSame(
    Object.fromEntries(readReasons(machine).map((packets, i) => [REASONS[i], packets])),
    Object.fromEntries(want.map((packets, i) => [REASONS[i], packets])),
    `${LB_CASES.length} packets: counted by reason`,
  );
  t.end();
});

/** Gives both the same packets in the same order; how many were answered with each verdict. */
function compare(t: Test, contents: MapContents, packets: Iterable<readonly [string, Uint8Array]>): number[] {
  const object = read();
  const machine = openKernel(object, contents);
  t.teardown(() => machine.close());
  const attachments = (['interp', 'wasm'] as const).map((engine) => {
    const datapath = new Datapath(object, { engine });
    for (const [map, entries] of Object.entries(contents)) {
      for (const [key, value] of entries) datapath.map(map).set(key, value);
    }
    return datapath.attach();
  });
  const program = must(object.programs[0], 'a program').func;
  const verdicts = [0, 0, 0, 0, 0];
  for (const [name, packet] of packets) {
    const theirs = machine.run(packet, program);
    const wanted = `${theirs.retval} ${toHex(theirs.data)}`;
    for (const attachment of attachments) {
      const { code, packet: left } = attachment.run(packet);
      const ours = `${code} ${toHex(left)}`;
      if (theirs.errno !== 0 || ours !== wanted)
        t.equal(ours, wanted, `${name}: ${toHex(packet)} errno ${theirs.errno}`);
    }
    verdicts[theirs.retval] = (verdicts[theirs.retval] ?? 0) + 1;
  }
  return verdicts;
}

/** Each packet of the cases, several times, with a few bytes of its headers changed or its end cut off. */
function* damaged(seed: number): Generator<readonly [string, Uint8Array]> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 8; round++) {
    for (const { name, packet } of LB_CASES) {
      if (packet.length < 15) continue;
      const bytes = packet.slice(0, random(4) === 0 ? 14 + random(packet.length - 13) : packet.length);
      for (let i = random(4); i > 0; i--) bytes[12 + random(Math.min(bytes.length - 12, 110))] = random(256);
      yield [`${name}, round ${round}`, bytes];
    }
  }
}

t.test('damaged packets: kernel and skep agree', { skip }, (t) => {
  const seed = 611;
  const verdicts = compare(t, CONTENTS, damaged(seed));
  t.comment(`seed ${seed}; by verdict ${verdicts.join(' ')}`);
  t.ok(verdicts[0] === 0 && verdicts.slice(1, 4).every((count) => count > 200), `verdicts ${verdicts.join(' ')}`);
  t.end();
});

/** Services where a capture's packets go, by turns with NAT and with a tunnel. */
function servicesIn(frames: readonly Uint8Array[]): LbService[] {
  const services = new Map<string, LbService>();
  for (const frame of frames) {
    const { headers } = parseFrame(frame, LINKTYPE_ETHERNET);
    const ip = headers.find((each) => each.kind === 'ipv4' || each.kind === 'ipv6');
    const transport = headers.find((each) => each.kind === 'tcp' || each.kind === 'udp');
    if (ip === undefined || transport === undefined || transport.dstPort === 0 || transport.dstPort >= 30_000) continue;
    const name = `${toHex(ip.dst)} ${transport.kind} ${transport.dstPort}`;
    if (services.has(name) || services.size >= 20) continue;
    const isTunnel = services.size % 2 === 1;
    const net = ip.kind === 'ipv4' ? '10.8.0.' : '2001:db8:8::';
    services.set(name, {
      name,
      vip: ip.kind === 'ipv4' ? ip.dst.join('.') : toHex(ip.dst).replace(/(.{4})(?!$)/g, '$1:'),
      port: transport.dstPort,
      protocol: transport.kind,
      mode: isTunnel ? 'ipip' : 'nat',
      backends: [1, 2, 3].map((i) => ({ address: `${net}${i}`, port: isTunnel ? transport.dstPort : 8000 + i })),
    });
  }
  return [...services.values()];
}

for (const file of readdirSync('pcaps').filter((name) => /\.pcap(ng)?$/.test(name))) {
  t.test(`${file}: kernel and skep agree`, { skip }, (t) => {
    const frames = readAll(readFileSync(`pcaps/${file}`))
      .packets.filter(
        ({ linkType, data }) => linkType === LINKTYPE_ETHERNET && data.length >= 14 && data.length <= 3000,
      )
      .map(({ data }) => data);
    const contents = servicesToMaps({ services: servicesIn(frames), ringSlots: RING_SLOTS });
    const verdicts = compare(
      t,
      contents,
      frames.map((frame, i) => [`packet ${i + 1}`, frame] as const),
    );
    t.pass(`${frames.length} packets, by verdict ${verdicts.join(' ')}`);
    t.end();
  });
}
