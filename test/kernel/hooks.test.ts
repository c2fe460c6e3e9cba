/**
 * BPF_PROG_TEST_RUN of program types beside XDP and tc against Linux: answers of a live kernel are recorded in
 * `test/cases/kernel` (`BLESS=1` records again), both engines are held against the record, and the kernel where it can be
 * asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { TestRunResult } from '../../vm/datapath/test-run.js';
import { must } from '../../vm/errors.js';
import type { TestRunAnswer, TestRunRequest } from '../../vm/hooks/test-run.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { Kernel } from './helpers-kernel.js';
import { HOOK_CASES, type HookCase } from './hook-cases.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/hooks.json';
const bless = process.env.BLESS === '1';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

/** FNV-1a. */
function hash(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

function short(bytes: Uint8Array): string {
  return bytes.length <= 16 ? toHex(bytes) : `${bytes.length}:${hash(bytes)}`;
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

/** Programs that both sides run with several requests. */
const runs = new Map<string, (request: TestRunRequest) => TestRunResult>();

function askSkep(engine: 'interp' | 'wasm', { type, attach, text, request }: HookCase): string {
  const key = `${engine} ${type} ${text}`;
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

if (bless && skip === false) {
  const kernel = new Kernel();
  const rows = Object.fromEntries(HOOK_CASES.map((each) => [each.name, askKernel(kernel, each)]));
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, answers: rows }, undefined, 2)}\n`);
}

const { answers } = JSON.parse(readFileSync(FILE, 'utf8')) as { answers: Readonly<Record<string, string>> };

t.test('the record holds every case', (t) => {
  t.strictSame(Object.keys(answers).sort(), HOOK_CASES.map(({ name }) => name).sort());
  t.end();
});

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`skep answers as the kernel did: ${engine}`, (t) => {
    for (const each of HOOK_CASES) {
      const ours = askSkep(engine, each);
      const theirs = answers[each.name] ?? 'nothing';
      if (ours !== theirs) t.equal(ours, theirs, each.name);
    }
    runs.clear();
    t.ok(HOOK_CASES.length > 1500, `${HOOK_CASES.length} cases`);
    t.end();
  });
}

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new Kernel();
  for (const each of HOOK_CASES) {
    const now = askKernel(kernel, each);
    if (now !== answers[each.name]) t.equal(now, answers[each.name], each.name);
  }
  t.pass(`${HOOK_CASES.length} cases`);
  t.end();
});
