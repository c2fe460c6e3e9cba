/**
 * The firewall's verdicts on generated packets against Linux's. Each source sends less than its burst, so that no verdict
 * depends on the clock. Recorded with `BLESS=1`; asked again where a kernel can be asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadObject } from '../../vm/loader/load-object.js';
import { machineOf, runOn } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { Kernel } from './helpers-kernel.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/firewall.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;
const OBJECT = loadObject(new Uint8Array(readFileSync('bpf/firewall.bpf.o')));

let state = 2024;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}
function pick<T>(...choices: readonly [T, ...T[]]): T {
  return choices[random(choices.length)] ?? choices[0];
}
function be16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function transport(protocol: number): number[] {
  const ports = [
    ...be16(1024 + random(60_000)),
    ...be16(pick(22, 23, 80, 443, 445, 2323, 19, 53, 1900, random(65_536))),
  ];
  if (protocol === 6) {
    const header = [pick(5, 5, 5, 5, 8, 4, 0) << 4, pick(0x02, 0x10, 0x12, 0x18)];
    return [...ports, 0, 0, 0, 1, 0, 0, 0, 0, ...header, 1, 0, 0, 0, 0, 0];
  }
  return protocol === 17 ? [...ports, 0, 8, 0, 0] : [8, 0, 0, 0, 0, 1, 0, 1];
}

function ipv4(): number[] {
  const protocol = pick(6, 6, 17, 17, 1, 47);
  const ihl = pick(5, 5, 5, 5, 6, 15, 4);
  const source = pick([10, 0, random(256), random(256)], [198, 51, 100, 32 + random(64)], [192, 0, 2, random(256)]);
  const fragment = pick(0, 0, 0, 0, 0x2000, 0x4000, 0x0010, 0x2001);
  const head = [(pick(4, 4, 4, 4, 4, 6) << 4) | ihl, 0, 0, 60, 0, 1, ...be16(fragment), 64, protocol, 0, 0];
  const options = new Array<number>(4 * Math.max(0, ihl - 5)).fill(1);
  return [...head, ...source, 203, 0, 113, 1, ...options, ...transport(protocol)];
}

function ipv6(): number[] {
  let next = pick(6, 6, 17, 17, 58, 59);
  let rest = transport(next);
  for (let i = random(9) - 2; i > 0; i--) {
    const kind = pick(0, 43, 60, 44, 60);
    const fragment = [next, 0, ...be16(pick(0, 1, 8, 0xfff8)), 0, 0, 0, 1];
    const units = kind === 44 ? 0 : random(3);
    rest = [...(kind === 44 ? fragment : [next, units, ...new Array<number>(6 + 8 * units).fill(0)]), ...rest];
    next = kind;
  }
  const source = [
    0x20,
    1,
    0x0d,
    0xb8,
    ...pick([0xba, 0xd0, 0, random(2)], [0, 1, 0, random(250)], [0xba, 0xd1, 0, 0]),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    random(250),
  ];
  return [
    pick(0x60, 0x60, 0x60, 0x60, 0x40),
    0,
    0,
    0,
    ...be16(rest.length),
    next,
    64,
    ...source,
    ...source.slice(0, 15),
    1,
    ...rest,
  ];
}

function packet(): Uint8Array {
  const [type, payload] = pick<() => readonly [number, number[]]>(
    () => [0x0800, ipv4()],
    () => [0x0800, ipv4()],
    () => [0x86dd, ipv6()],
    () => [pick(0x0806, 0x88cc, 0x0000), new Array<number>(46).fill(0)],
  )();
  const tags = Array.from({ length: pick(0, 0, 0, 0, 1, 2, 3) }, () => [...be16(pick(0x8100, 0x88a8)), 0, 42]).flat();
  const all = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tags, ...be16(type), ...payload];
  const cut = pick(false, false, false, true) ? 14 + random(all.length - 13) : all.length;
  return Uint8Array.from(all.slice(0, cut));
}

/** The same packets twice: the second time every bucket exists. */
const once = Array.from({ length: 300 }, packet);
const PACKETS = [...once, ...once];

function askKernel(): string {
  const machine = new Kernel().open(OBJECT);
  try {
    return PACKETS.map((each) => machine.run(each).retval).join('');
  } finally {
    machine.close();
  }
}

if (process.env.BLESS === '1' && skip === false) {
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, verdicts: askKernel() }, undefined, 2)}\n`);
}

const { verdicts } = JSON.parse(readFileSync(FILE, 'utf8')) as { verdicts: string };

t.test('skep decides as the kernel did', (t) => {
  const machine = machineOf(OBJECT, { memoryBytes: 32 << 20 });
  machine.world.setClock(1_000_000_000, 0);
  for (const [i, each] of PACKETS.entries()) {
    const { r0, outcome } = runOn(machine, { packet: each });
    const ours = outcome.kind === 'trap' ? outcome.trap.message : String(r0);
    if (ours !== verdicts[i]) t.equal(ours, verdicts[i], `packet ${i}: ${Buffer.from(each).toString('hex')}`);
  }
  t.equal(verdicts.length, PACKETS.length);
  const drops = verdicts.replaceAll('2', '').length;
  t.ok(drops > 100 && drops < 500, `${drops} of ${PACKETS.length} dropped`);
  t.end();
});

t.test('the kernel still decides so', { skip }, (t) => {
  t.equal(askKernel(), verdicts);
  t.end();
});
