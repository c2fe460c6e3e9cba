/**
 * What the verifier says of locks and timers, against Linux: errno, message and count of instructions of a live kernel are
 * recorded (`BLESS=1` records again), and asked again where that can be done.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import { encode } from '../../vm/isa/encode.js';
import { slotsOf } from '../../vm/isa/insn.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { PROG_TYPE_ROWS } from '../../vm/spec/prog-types.js';
import { verify } from '../../vm/verifier/verify.js';
import { linkForKernel } from '../../node/kernel/link-object.js';
import { objectOf } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { MapKernel } from './maps-kernel.js';
import { FACTS_VERSION } from './render-facts.js';
import { BTF, typed, TYPES } from './special-cases.js';
import { VERDICT_CASES, verdictProgram } from './special-verdict-cases.js';
import type { VerdictCase } from './special-verdict-cases.js';

const FILE = 'test/cases/kernel/special-verdicts.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

const MAPS = [typed({ type: 'hash', name: '' }, TYPES.locked), typed({ type: 'hash', name: '' }, TYPES.unlocked)];

/** Errno, instructions looked at, the last words. */
function answer(errno: number, processed: number, message: string): string {
  return `${errno}, ${processed} insns${message === '' ? '' : `: ${message}`}`;
}

function objectFor(each: VerdictCase): ObjectSpec {
  const bare = objectOf(verdictProgram(each), MAPS);
  const starts = bare.functions.map(({ insns }) => insns.reduce((sum, insn) => sum + slotsOf(insn), 0));
  const functions = new Map([
    [0, { btfType: TYPES.functions[0] }],
    ...starts.slice(0, -1).map((slots) => [slots, { btfType: TYPES.functions[1] }] as const),
  ]);
  const program = {
    name: 'main',
    section: 'xdp',
    type: each.type ?? 'xdp',
    bytes: encode(linkForKernel(bare, 0, [0, 1])),
    functions,
  };
  return objectFromPrograms([program], { name: 'special', license: 'GPL', maps: MAPS, btf: BTF });
}

function askSkep(each: VerdictCase): string {
  const verdict = verify(objectFor(each), 0);
  if (verdict.kind === 'unsupported') return `unsupported: ${verdict.what}`;
  const { processed } = verdict.stats;
  return verdict.kind === 'accept' ? answer(0, processed, '') : answer(verdict.errno, processed, verdict.message);
}

function askKernel(kernel: MapKernel, each: VerdictCase): string {
  const btf = kernel.loadBtf(TYPES.bytes);
  const maps = MAPS.map((map) => kernel.create(map, btf));
  try {
    const object = objectOf(verdictProgram(each), MAPS);
    const functions = object.functions.map((_, index) => TYPES.functions[index] ?? 0);
    const { errno, lines } = kernel.judge(object, maps, { btf, functions }, PROG_TYPE_ROWS[each.type ?? 'xdp'].id);
    const isStatistic = (line: string): boolean => /^(processed|verification time|stack depth) /.test(line);
    const processed = /^processed (\d+) insns/m.exec(lines.join('\n'))?.[1];
    const said = lines.filter((line) => line !== '' && !isStatistic(line)).at(-1) ?? '';
    return answer(errno, Number(processed ?? 0), errno === 0 ? '' : said);
  } finally {
    for (const fd of [...maps, btf]) kernel.close(fd);
  }
}

if (process.env.BLESS === '1' && skip === false) {
  const kernel = new MapKernel();
  const answers = Object.fromEntries(VERDICT_CASES.map((each) => [each.name, askKernel(kernel, each)]));
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, answers }, undefined, 2)}\n`);
}

const { answers } = JSON.parse(readFileSync(FILE, 'utf8')) as { answers: Readonly<Record<string, string>> };

t.test('the record holds every case', (t) => {
  t.strictSame(Object.keys(answers).sort(), VERDICT_CASES.map(({ name }) => name).sort());
  t.end();
});

t.test('skep says what the kernel said', (t) => {
  for (const each of VERDICT_CASES) t.equal(askSkep(each), answers[each.name], each.name);
  t.end();
});

t.test('the kernel still says so', { skip }, (t) => {
  const kernel = new MapKernel();
  for (const each of VERDICT_CASES) t.equal(askKernel(kernel, each), answers[each.name], each.name);
  t.end();
});
