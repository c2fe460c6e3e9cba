/** Mistakes in C (bpf/examples/mistakes.bpf.c): what the report makes of them, and that the running kernel refuses them as well. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { loadObject } from '../../vm/loader/load-object.js';
import { explainRejection } from '../../vm/verifier/report.js';
import { verify, verifyProgram } from '../../vm/verifier/verify.js';
import { LiveKernel } from '../fuzz/live-kernel.js';
import { verdictFault } from '../fuzz/judge-live.js';
import { whyNotRecordedKernel } from '../kernel/bpf-syscall.js';
import { FACTS_VERSION } from '../kernel/render-facts.js';
import { bareProgram } from './bare-program.js';

const object = loadObject(new Uint8Array(readFileSync('bpf/examples/mistakes.bpf.o')), { name: 'mistakes.bpf.o' });

interface Mistake {
  readonly program: string;
  readonly class: string;
  /** In the C line that is marked; absent where none is. */
  readonly line?: string;
  readonly reason: RegExp;
  readonly suggestion: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  {
    program: 'missing_bounds_check',
    class: 'packet-bounds',
    line: 'eth->h_proto',
    reason: /no byte has been checked/,
    suggestion: /data_end/,
  },
  {
    program: 'check_too_short',
    class: 'packet-bounds',
    line: 'ip->protocol',
    reason: /14 bytes are known to be there/,
    suggestion: /full size/,
  },
  {
    program: 'missing_null_check',
    class: 'possibly-null',
    line: '*count += 1',
    reason: /value of map counts .* or NULL/,
    suggestion: /if \(!p\)/,
  },
  {
    program: 'unbounded_loop',
    class: 'too-many-branches',
    line: '*byte == 0xff',
    reason: /come to insn \d+ at least \d{3,} times: a loop/,
    suggestion: /constant upper bound/,
  },
  {
    program: 'stale_packet_pointer',
    class: 'stale-packet-pointer',
    line: 'eth->h_proto =',
    reason: /was a pointer into the packet until insn \d+, where bpf_xdp_adjust_head/,
    suggestion: /from the context again/,
  },
  {
    program: 'uninitialised_variable',
    class: 'unreadable-register',
    line: 'return verdict',
    reason: /nothing has been written to R0/,
    suggestion: /not set on every path/,
  },
  {
    program: 'leaked_reference',
    class: 'reference-leak',
    line: '}',
    reason: /came from insn \d+: `sk = bpf_sk_lookup_tcp/,
    suggestion: /every path/,
  },
  {
    program: 'wrong_return_value',
    class: 'exit-value',
    line: '? -1 : 1',
    reason: /R0 is the number 0xffffffff \(-1 in 32 bits\).* from 0 to 1/,
    suggestion: /every path/,
  },
  {
    program: 'index_off_by_one',
    class: 'value-range',
    line: 'value[index]++',
    reason: /map counts \(8 bytes\), plus a number from 0 to 8/,
    suggestion: /i >= N/,
  },
  {
    program: 'signed_index',
    class: 'pointer-range',
    line: 'value[index]',
    reason: /512 MiB/,
    suggestion: /`i < 0` excluded/,
  },
  { program: 'stack_too_deep', class: 'stack-size', reason: /512 bytes/, suggestion: /per-CPU array/ },
  {
    program: 'unbounded_copy',
    class: 'size-range',
    line: 'bpf_xdp_load_bytes',
    reason: /R4 is a number/,
    suggestion: /bound it on both sides/,
  },
  {
    program: 'context_to_map',
    class: 'argument-type',
    line: 'bpf_map_update_elem',
    reason: /R3 is the context/,
    suggestion: /prototype/,
  },
  {
    program: 'use_after_submit',
    class: 'released-pointer',
    line: '*record = 2',
    reason: /until insn \d+, where bpf_ringbuf_submit gave it back/,
    suggestion: /give it back last/,
  },
  { program: 'write_const', class: 'map-read-only', line: '&limit = 6', reason: /\.rodata/, suggestion: /\.data/ },
];

t.strictSame(object.programs.map(({ name }) => name).sort(), MISTAKES.map(({ program }) => program).sort());

for (const mistake of MISTAKES) {
  t.test(mistake.program, (t) => {
    const verdict = verify(
      object,
      object.programs.findIndex(({ name }) => name === mistake.program),
    );
    if (verdict.kind !== 'reject') throw new Error(`not refused, but ${verdict.kind}`);
    const report = explainRejection(verdict);
    t.equal(report.class, mistake.class);
    t.match(report.reason, mistake.reason);
    t.match(report.suggestion, mistake.suggestion);
    if (mistake.line === undefined) t.equal(report.at.line, undefined);
    else t.match(report.at.line?.text, mistake.line);
    t.notMatch(JSON.stringify([report.reason, report.at.mark, report.suggestion]), /\{\w+\}/, 'every blank is filled');
    t.end();
  });
}

t.test('the running kernel says the same', { skip: whyNotRecordedKernel(FACTS_VERSION) ?? false }, (t) => {
  const kernel = new LiveKernel();
  for (const [prog, { name }] of object.programs.entries()) {
    const own = verifyProgram(bareProgram(object, prog), { logLevel: 0 });
    t.equal(verdictFault(own, kernel.judgeObject(object, prog)), undefined, name);
  }
  kernel.close();
  t.end();
});
