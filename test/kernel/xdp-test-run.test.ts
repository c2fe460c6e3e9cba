/**
 * BPF_PROG_TEST_RUN of XDP programs against Linux: sizes, contexts, metadata. Answers of a live kernel are recorded in
 * `test/cases/kernel` (`BLESS=1` records again); both engines are held against the record, and the kernel where it can be
 * asked.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { must } from '../../vm/errors.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { patternBytes } from '../machine/harness.js';
import { Kernel } from './helpers-kernel.js';
import { testRecordedAnswers, type Mode } from './recorded-answers.js';

/** By name: what an XDP program of one job looks like. */
const PROGRAMS = {
  length: 'r0 = *(u32 *)(r1 + 4)\nr2 = *(u32 *)(r1 + 0)\nr0 -= r2\nexit',
  metadata: 'r0 = *(u32 *)(r1 + 0)\nr2 = *(u32 *)(r1 + 8)\nr0 -= r2\nexit',
  ifindex: 'r0 = *(u32 *)(r1 + 12)\nr2 = *(u32 *)(r1 + 16)\nr2 <<= 8\nr0 |= r2\nexit',
  'gain metadata': 'r2 = -12\ncall xdp_adjust_meta\nexit',
  'lose metadata': 'r2 = 4\ncall xdp_adjust_meta\nexit',
  'gain head': 'r2 = -20\ncall xdp_adjust_head\nexit',
  'lose head': 'r2 = 6\ncall xdp_adjust_head\nexit',
  'gain tail': 'r2 = 9\ncall xdp_adjust_tail\nexit',
  'lose tail': 'r2 = -9\ncall xdp_adjust_tail\nexit',
  'most head': 'r2 = -216\ncall xdp_adjust_head\nexit',
} as const;

type ProgramName = keyof typeof PROGRAMS;
const NAMES = Object.keys(PROGRAMS) as ProgramName[];

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

interface Input {
  readonly bytes: number;
  readonly ctx?: Uint8Array;
}

const SIZES = [0, 13, 14, 15, 60, 64, 1514, 3511, 3520].map((bytes): Input => ({ bytes }));
const CONTEXTS = [
  words(0, 64, 0, 0, 0, 0),
  words(0, 65, 0, 0, 0, 0),
  words(8, 64, 0, 0, 0, 0),
  words(6, 64, 0, 0, 0, 0),
  words(48, 64, 0, 0, 0, 0),
  words(52, 64, 0, 0, 0, 0),
  words(68, 64, 0, 0, 0, 0),
  words(0, 64, 4, 0, 0, 0),
  words(0, 64, 0, 1, 0, 0),
  words(0, 64, 0, 7777, 0, 0),
  words(0, 64, 0, 0, 1, 0),
  words(0, 64, 0, 0, 0, 1),
  words(4, 64),
  words(4, 64, 0, 0, 0, 0, 0, 0),
  words(4, 64, 0, 0, 0, 0, 0, 1),
].map((ctx): Input => ({ bytes: 64, ctx }));
const LARGE_METADATA = [200, 212, 216, 220, 252, 256].map((meta): Input => ({
  bytes: 400,
  ctx: words(meta, 400, 0, 0, 0, 0),
}));

interface Case extends Input {
  readonly name: string;
  readonly program: ProgramName;
}

const CASES: readonly Case[] = NAMES.flatMap((program) =>
  [...SIZES, ...CONTEXTS, ...LARGE_METADATA].map((input) => {
    const ctx = input.ctx === undefined ? 'no ctx' : toHex(input.ctx);
    return { ...input, program, name: `${program}, ${input.bytes} bytes, ${ctx}` };
  }),
);

interface Answer {
  readonly errno: number;
  readonly retval: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
}

/** errno alone where the command fails, else r0, the length of data, its first and last bytes, and the context. */
function text({ errno, retval, data, ctx }: Answer): string {
  if (errno !== 0) return `errno ${errno}`;
  return `${retval | 0} ${data.length} ${toHex(data.subarray(0, 20))}..${toHex(data.subarray(-4))} ${toHex(ctx)}`;
}

const objects = Object.fromEntries(
  NAMES.map((name) => [name, objectFromInsns(assemble(PROGRAMS[name]).bytes, { type: 'xdp' })]),
);

function askKernel(kernel: Kernel, { program, bytes, ctx }: Case): string {
  const machine = kernel.open(must(objects[program], 'an object'));
  try {
    return text(machine.run(patternBytes(bytes), 0, ctx));
  } finally {
    machine.close();
  }
}

function* askSkep({ engine, checks }: Mode): Generator<[each: Case, answer: string]> {
  for (const name of NAMES) {
    const datapath = new Datapath(must(objects[name], 'an object'), {
      engine,
      checks,
      memoryBytes: 16 << 20,
      packetBytes: 8192,
    });
    const run = datapath.testRun();
    const program = must(datapath.object.programs[0], 'a program');
    for (const each of CASES.filter(({ program }) => program === name)) {
      const { bytes, ctx } = each;
      const result = run.run(program, { data: patternBytes(bytes), ...(ctx === undefined ? {} : { ctx }) });
      const answered = new Uint8Array(ctx?.length ?? 0);
      answered.set(result.ctx.subarray(0, answered.length));
      yield [each, text({ ...result, ctx: answered })];
    }
  }
}

testRecordedAnswers({
  file: 'test/cases/kernel/xdp-test-run.json',
  cases: CASES,
  moreThan: 250,
  askSkep,
  openKernel: () => {
    const kernel = new Kernel();
    return (each) => askKernel(kernel, each);
  },
});
