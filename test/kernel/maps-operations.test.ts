/**
 * Operations on maps against Linux: the answers of a live kernel to every step are recorded (`BLESS=1` records again), skep
 * is held against the record everywhere, and the kernel where it can be asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { toHex } from '../../vm/bytes.js';
import type { Machine } from '../../vm/machine/machine.js';
import { errno } from '../../vm/spec/errno.js';
import { machineOf, objectOf, runOn } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { bytesFor, OPS, order, programText, SCENARIOS, type Scenario, type Step } from './map-operations.js';
import { MapKernel } from './maps-kernel.js';
import { hashBytes } from './recorded-answers.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/maps-operations.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

function hexOf(value: Uint8Array | number | undefined): string {
  return value === undefined ? String(-errno.ENOENT) : typeof value === 'number' ? String(value) : toHex(value);
}

/** A value for each CPU where there are several; they differ. */
function userValue(value: number, valueBytes: number, perCpu: boolean, cpus: number): Uint8Array {
  if (!perCpu) return bytesFor(value, valueBytes);
  const stride = Math.ceil(valueBytes / 8) * 8;
  const out = new Uint8Array(stride * cpus);
  for (let cpu = 0; cpu < cpus; cpu++) out.set(bytesFor(value + cpu, valueBytes), cpu * stride);
  return out;
}

/** Keys and values in the map's order; sorted where the order is the kernel's secret. */
function walkText(scenario: Scenario, entries: readonly (readonly [string, string])[]): string {
  const lines = entries.map(([key, value]) => `${key}=${value}`);
  if (scenario.maps[0]?.type.includes('hash') === true) lines.sort();
  const text = lines.join(' ');
  return text.length <= 400 ? text : `${lines.length} entries, ${hashBytes(Buffer.from(text, 'latin1'))}`;
}

/** The packet that tells a program to do a step. */
function packetFor(scenario: Scenario, step: Step): Uint8Array {
  const { keyBytes = 0, valueBytes = 0 } = scenario.maps[0] ?? {};
  const packet = new Uint8Array(order.bytes);
  const view = new DataView(packet.buffer);
  view.setUint32(
    order.op,
    OPS.findIndex((op) => op === step.what),
    true,
  );
  view.setUint32(order.flags, step.flags ?? 0, true);
  packet.set(bytesFor(step.key ?? 0, keyBytes), order.key);
  packet.set(bytesFor(step.value ?? 0, valueBytes), order.value);
  return packet;
}

function programAnswer({ maps }: Scenario, { what }: Step, packet: Uint8Array): string {
  const result = new DataView(packet.buffer, packet.byteOffset).getBigInt64(order.result, true);
  const bytes = maps[0]?.inner?.valueBytes ?? maps[0]?.valueBytes ?? 0;
  const gives = what === 'pop' || what === 'peek' || ((what === 'lookup' || what === 'percpu') && result === 1n);
  return `${result}${gives ? ` ${toHex(packet.subarray(order.out, order.out + bytes))}` : ''}`;
}

function objectFor({ maps }: Scenario) {
  const [spec] = maps;
  if (spec === undefined) throw new Error('no map');
  return objectOf(programText(spec), maps);
}

function askSkep(scenario: Scenario, cpus: number): string[] {
  const machine: Machine = machineOf(objectFor(scenario), { cpus });
  const handle = machine.maps.handle(0);
  const { spec, perCpu } = handle;
  return scenario.steps.map((step) => {
    if (step.side === 'prog') {
      const { outcome, data } = runOn(machine, { packet: packetFor(scenario, step) });
      return outcome.kind === 'trap' ? `trap ${outcome.trap.message}` : programAnswer(scenario, step, data);
    }
    const key = bytesFor(step.key ?? 0, spec.keyBytes);
    switch (step.what) {
      case 'lookup':
        return hexOf(handle.get(key));
      case 'take':
        return hexOf(handle.take(key));
      case 'delete':
        return String(handle.delete(key));
      case 'map':
        return String(handle.setMap(key, step.value ?? 0, step.flags));
      case 'walk':
        return walkText(
          scenario,
          Array.from(handle.entries(), ([k, v]) => [toHex(k), toHex(v)] as const),
        );
      default:
        return String(handle.set(key, userValue(step.value ?? 0, spec.valueBytes, perCpu, cpus), step.flags));
    }
  });
}

function askKernel(kernel: MapKernel, scenario: Scenario): string[] {
  const fds = scenario.maps.map((spec) => kernel.create(spec));
  const [fd = -1] = fds;
  const [spec] = scenario.maps;
  const bad = fds.find((each) => each < 0);
  if (bad !== undefined || spec === undefined) throw new Error(`${scenario.name}: not made: ${bad}`);
  const ids = spec.inner === undefined ? [] : fds.map((each) => kernel.idOf(each));
  const program = kernel.load(objectFor(scenario), fds);
  const value = Buffer.alloc(kernel.valueBytes(spec));
  const perCpu = value.length !== spec.valueBytes || spec.type.includes('percpu');
  const valueText = (): string => {
    if (spec.inner === undefined) return toHex(value);
    return toHex(bytesFor(ids.indexOf(value.readUInt32LE(0)), 4));
  };
  const walk = (): string => {
    const entries: [string, string][] = [];
    let key: Uint8Array | undefined;
    const next = Buffer.alloc(Math.max(spec.keyBytes, 1));
    while (entries.length < 5000 && kernel.entry('nextKey', fd, key, next) === 0) {
      key = Uint8Array.from(next);
      value.fill(0);
      if (kernel.entry('lookup', fd, key, value) === 0) entries.push([toHex(key), valueText()]);
    }
    return walkText(scenario, entries);
  };
  const answers = scenario.steps.map((step) => {
    if (step.side === 'prog') return programAnswer(scenario, step, kernel.run(program, packetFor(scenario, step)));
    const key = bytesFor(step.key ?? 0, spec.keyBytes);
    value.fill(0);
    switch (step.what) {
      case 'lookup':
      case 'take': {
        const result = kernel.entry(step.what, fd, key, value);
        return result < 0 ? String(result) : valueText();
      }
      case 'delete':
        return String(kernel.entry('delete', fd, key, value));
      case 'map':
        return String(kernel.entry('update', fd, key, bytesFor(fds[step.value ?? 0] ?? 9999, 4), step.flags));
      case 'walk':
        return walk();
      default: {
        const bytes = userValue(step.value ?? 0, spec.valueBytes, perCpu, kernel.cpus);
        return String(kernel.entry('update', fd, key, bytes, step.flags));
      }
    }
  });
  for (const each of [program, ...fds]) kernel.close(each);
  return answers;
}

interface Recorded {
  readonly kernel: string;
  /** Of the machine that was asked: LRU lists and values depend on it. */
  readonly cpus: number;
  readonly answers: Readonly<Record<string, string>>;
}

if (process.env.BLESS === '1' && skip === false) {
  const kernel = new MapKernel();
  const answers = Object.fromEntries(SCENARIOS.map((each) => [each.name, askKernel(kernel, each).join('; ')]));
  const text: Recorded = { kernel: FACTS_VERSION, cpus: kernel.cpus, answers };
  writeFileSync(FILE, `${JSON.stringify(text, undefined, 2)}\n`);
}

const { cpus, answers } = JSON.parse(readFileSync(FILE, 'utf8')) as Recorded;

/** The first step that was answered otherwise. */
function compare(t: Test, scenario: Scenario, ours: readonly string[]): void {
  const theirs = (answers[scenario.name] ?? '').split('; ');
  for (const [i, step] of scenario.steps.entries()) {
    if (ours[i] === theirs[i]) continue;
    t.equal(ours[i], theirs[i], `${scenario.name}: step ${i}, ${JSON.stringify({ ...step, key: hexOf(step.key) })}`);
    if (process.env.ALL_STEPS !== '1') return;
  }
}

const steps = SCENARIOS.reduce((sum, each) => sum + each.steps.length, 0);

t.test('the record holds every scenario', (t) => {
  t.strictSame(Object.keys(answers).sort(), SCENARIOS.map(({ name }) => name).sort());
  t.end();
});

t.test('skep answers as the kernel did', (t) => {
  for (const scenario of SCENARIOS) compare(t, scenario, askSkep(scenario, cpus));
  t.ok(steps > 400, `${SCENARIOS.length} scenarios, ${steps} steps`);
  t.end();
});

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new MapKernel();
  if (kernel.cpus !== cpus) t.comment(`the record is of ${cpus} CPUs, here are ${kernel.cpus}`);
  else for (const scenario of SCENARIOS) compare(t, scenario, askKernel(kernel, scenario));
  t.pass(`${SCENARIOS.length} scenarios`);
  t.end();
});
