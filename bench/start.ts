/**
 * What it costs to begin: the first verdict of a cold `skep run --no-verify` beside `node -e 0`, in turns; and compiling, warm,
 * for a thousand instructions. `npm run bench:start [-- --smoke]`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { NO_CHECKS } from '../vm/engine/engine.js';
import { wasm } from '../vm/engine/wasm/wasm.js';
import { loadObject } from '../vm/loader/load-object.js';
import { layoutOf } from '../vm/machine/layout.js';
import { must } from '../vm/errors.js';

const START_BAR = 6;
const COMPILE_BAR_MS = 2;
const SKEP = 'dist/skep.cjs';
const CAPTURE = 'pcaps/mixed.pcapng';

const STARTS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['firewall, first packet', ['bpf/firewall.bpf.o', '-r', 'pcaps/http.pcap', '-c', '1']],
  ['firewall, http.pcap', ['bpf/firewall.bpf.o', '-r', 'pcaps/http.pcap']],
  ['demo, first packet', ['examples/chain.yaml', '-r', CAPTURE, '-c', '1']],
  ['demo, mixed.pcapng', ['examples/chain.yaml', '-r', CAPTURE]],
];

const OBJECTS = ['bpf/firewall.bpf.o', 'bpf/lb.bpf.o', 'bpf/policy.bpf.o'];

/** Wall milliseconds of a process. */
function timed(args: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: readonly number[]): number {
  return must([...values].sort((a, b) => a - b)[values.length >> 1], 'a value');
}

function benchStarts(rounds: number): void {
  console.log(
    `first verdict: wall time over that of \`node -e 0\`, medians of rounds in turn; at most ${String(START_BAR)}`,
  );
  const base: number[] = [];
  const rows = STARTS.map(([name, args]) => ({
    name,
    args: [SKEP, 'run', ...args, '--no-verify'],
    ratios: [] as number[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { args, ratios } of rows) {
      const nothing = timed(['-e', '0']);
      base.push(nothing);
      ratios.push(timed(args) / nothing);
    }
  }
  for (const { name, ratios } of rows) console.log(`${name.padEnd(24)} ${median(ratios).toFixed(1)}`);
  console.log(`node -e 0: ${median(base).toFixed(0)} ms`);
}

function benchCompile(rounds: number): void {
  console.log(`compiling, warm: ms of CPU time for 1000 insns, medians; at most ${String(COMPILE_BAR_MS)}`);
  for (const path of OBJECTS) {
    const object = loadObject(readFileSync(path), { name: path });
    const insns = object.functions.reduce((sum, func) => sum + func.insns.length, 0);
    const layout = layoutOf(object, { shadow: false });
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = process.cpuUsage();
      wasm.compile(object, layout, NO_CHECKS);
      const { user, system } = process.cpuUsage(start);
      // The first half warms up.
      if (2 * round >= rounds) samples.push((user + system) / insns);
    }
    console.log(`${path.padEnd(24)} ${String(insns)} insns  ${median(samples).toFixed(2)}`);
  }
}

const smoke = process.argv.includes('--smoke');
benchCompile(smoke ? 4 : 60);
benchStarts(smoke ? 1 : 15);
