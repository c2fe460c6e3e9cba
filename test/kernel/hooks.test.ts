/**
 * BPF_PROG_TEST_RUN of program types beside XDP and tc against Linux: answers of a live kernel are recorded in
 * `test/cases/kernel` (`BLESS=1` records again), both engines are held against the record, and the kernel where it can be
 * asked.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { TestRunResult } from '../../vm/datapath/test-run.js';
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import { must } from '../../vm/errors.js';
import type { TestRunAnswer, TestRunRequest } from '../../vm/hooks/test-run.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { Kernel } from './helpers-kernel.js';
import { HOOK_CASES, type HookCase } from './hook-cases.js';
import { hashBytes, testRecordedAnswers, type Mode } from './recorded-answers.js';

function short(bytes: Uint8Array): string {
  return bytes.length <= 16 ? toHex(bytes) : `${bytes.length}:${hashBytes(bytes)}`;
}

/** Words that are not 0, where that is shorter. */
function words(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const said: string[] = [];
  for (let off = 0; off + 4 <= bytes.length; off += 4) {
    const word = view.getUint32(off, true);
    if (word !== 0) said.push(`${off}=${word.toString(16)}`);
  }
  return said.length > 20 ? short(bytes) : `${bytes.length}(${said.join(' ')})`;
}

function answerOf({ errno, retval, data, ctx }: TestRunAnswer): string {
  return errno === 0 ? `${retval | 0} ${short(data)} ${words(ctx)}`.trim() : `errno ${errno}`;
}

/** Programs that run with several requests. */
type Runs = Map<string, (request: TestRunRequest) => TestRunResult>;

function runCase(runs: Runs, engine: Mode['engine'], { type, attach, text, request }: HookCase): string {
  const key = `${type} ${text}`;
  let run = runs.get(key);
  if (run === undefined) {
    const options = attach === undefined ? { type } : { type, attachType: attach };
    const object = objectFromInsns(assemble(text).bytes, options);
    const testRun = new Datapath(object, { engine, memoryBytes: 4 << 20, packetBytes: 70_000 }).testRun();
    const program = must(object.programs[0], 'a program');
    run = (request) => testRun.run(program, request);
    runs.set(key, run);
  }
  const answer = run(request);
  return answer.trap === undefined ? answerOf(answer) : `trap ${answer.trap.name}: ${answer.trap.message}`;
}

function askKernel(kernel: Kernel, { type, attach, text, request }: HookCase): string {
  const program = kernel.load(assemble(text).bytes, 'GPL', type, 0, attach);
  try {
    const { data = new Uint8Array(0), ctx, flags, ...wants } = request;
    const { wantsData, wantsCtx, repeat } = wants satisfies TestRunRequest;
    return answerOf(
      kernel.run(program, data, ctx, flags, {
        data: wantsData ?? true,
        ctx: wantsCtx ?? true,
        repeat: repeat ?? 0,
        ctxInPlace: type === 'syscall',
      }),
    );
  } finally {
    kernel.close(program);
  }
}

testRecordedAnswers({
  file: 'test/cases/kernel/hooks.json',
  cases: HOOK_CASES,
  moreThan: 1500,
  modes: { interp: { engine: 'interp', checks: ALL_CHECKS }, wasm: { engine: 'wasm', checks: ALL_CHECKS } },
  *askSkep({ engine }) {
    const runs: Runs = new Map();
    for (const each of HOOK_CASES) yield [each, runCase(runs, engine, each)];
  },
  openKernel: () => {
    const kernel = new Kernel();
    return (each) => askKernel(kernel, each);
  },
});
