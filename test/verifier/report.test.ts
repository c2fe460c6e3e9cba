/** Explaining rejections: registers in words, classes of messages, the whole report and its text. */
import t from 'tap';
import { renderAnnotations, renderSarif } from '../../cli/verify-findings.js';
import { renderBrief, renderReport } from '../../cli/render-report.js';
import { noNumbers, type VerifiedProgram } from '../../cli/verify-row.js';
import { classify } from '../../vm/verifier/report-classes.js';
import { registerWords } from '../../vm/verifier/report-registers.js';
import { explainRejection } from '../../vm/verifier/report.js';
import type { Rejected } from '../../vm/verifier/verdict.js';

const WORDS: [text: string, words: string][] = [
  ['42', 'the number 42'],
  ['P-1', 'the number -1'],
  ['0xffffffff', 'the number 0xffffffff (-1 in 32 bits)'],
  ['0x7fffffff', 'the number 0x7fffffff'],
  ['scalar(smin=0xffffffff80000000,smax=7)', 'a number from -2147483648 to 7 (signed)'],
  ['fp(off=-16,smin=0,smax=umax=7)', 'a pointer into the stack, 16 bytes before its end, plus a number from 0 to 7'],
  ['fp0', 'the frame pointer'],
  ['fp-16', 'the address of stack at fp-16'],
  ['fp[0]-16', 'the address of stack of frame 0 at fp-16'],
  ['ctx()', 'the context'],
  ['ctx(off=8)', 'the context, 8 bytes past its start'],
  ['scalar()', 'a number of which nothing is known'],
  ['scalar(id=3)', 'a number of which nothing is known'],
  ['scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))', 'a number from 0 to 255'],
  ['Pscalar(umin=5)', 'a number at least 5'],
  ['scalar(smin=-5,smax=7)', 'a number from -5 to 7 (signed)'],
  ['scalar(umax32=9)', 'a number from 0 to 9 in its low 32 bits'],
  ['scalar(var_off=(0x0; 0xf0))', 'a number with bits (0x0; 0xf0) (value; unknown)'],
  ['pkt(r=0)', 'a pointer into the packet, at its start; no byte has been checked against the end'],
  ['pkt(off=14,r=34)', 'a pointer into the packet, 14 bytes past its start; 34 bytes are known to be there'],
  [
    'pkt(id=2,off=4,r=0,smin=0,smax=umax=60,var_off=(0x0; 0x3c))',
    'a pointer into the packet, 4 bytes past its start, plus a number from 0 to 60; no byte has been checked against the end',
  ],
  ['pkt_end()', "the packet's end"],
  ['map_ptr(map=conns,ks=4,vs=8)', 'the map conns'],
  ['map_value(map=conns,ks=4,vs=8,off=4)', 'a pointer to a value of map conns (8 bytes), 4 bytes past its start'],
  [
    'map_value_or_null(id=1,map=conns,ks=4,vs=8)',
    'a pointer to a value of map conns (8 bytes), at its start, or NULL: not yet compared with 0',
  ],
  ['sock_or_null(id=1,ref_obj_id=1)', 'a socket, or NULL: not yet compared with 0'],
  ['mem(ref_obj_id=2,sz=16)', 'a pointer to 16 bytes of memory, at its start'],
  ['trusted_ptr_task_struct()', 'a trusted pointer to struct task_struct'],
  ['mmmmmmmm', '8 bytes that were written'],
  ['00000000', '8 bytes of zeros'],
  ['????mmmm', '8 bytes, 4 of them never written'],
];

for (const [text, words] of WORDS) t.equal(registerWords(text), words, text);

const CLASSES: [message: string, id: string][] = [
  ['R3 !read_ok', 'unreadable-register'],
  ['R2 offset is outside of the packet', 'packet-bounds'],
  ["R0 invalid mem access 'map_value_or_null'", 'possibly-null'],
  ["R0 invalid mem access 'scalar'", 'not-a-pointer'],
  ["R1 invalid mem access 'ctx'", 'wrong-memory'],
  ['R1 pointer arithmetic on sock_or_null prohibited, null-check it first', 'possibly-null'],
  ['R1 pointer arithmetic on pkt_end prohibited', 'pointer-arithmetic'],
  ['invalid bpf_context access off=76 size=2', 'ctx-access'],
  ['cannot spill pointers to stack into stack frame of the caller', 'stack-pointer-escape'],
  ['BPF_EXIT instruction in main prog would lead to reference leak', 'reference-leak'],
  ['BPF_LD_[ABS|IND] would lead to reference leak', 'reference-leak'],
  ['old state: R0=0 R10=fp0', 'infinite-loop'],
  ['BPF program is too large. Processed 1000001 insn', 'complexity'],
  ['something that nobody has seen', 'other'],
];

for (const [message, id] of CLASSES) t.equal(classify(message).found.id, id, message);

const LINE = { pc: 2, file: './p.bpf.c', text: '\treturn *(int *)p;', line: 12, col: 9 };

const REJECTED: Rejected = {
  kind: 'reject',
  errno: 13,
  message: 'R2 offset is outside of the packet',
  insn: 2,
  line: LINE,
  facts: {
    path: [
      { insn: 0, line: { ...LINE, pc: 0, line: 10, text: '\tp = ctx->data;' } },
      { insn: 1, taken: false },
      { insn: 2, line: LINE },
    ],
    registers: [
      { frame: 0, at: 2, type: 'pkt', text: 'pkt(off=4,r=0)' },
      { frame: 0, at: 10, type: 'fp', text: 'fp0' },
      { frame: 0, at: -8, type: 'stack', text: 'mmmmmmmm' },
    ],
  },
  stats: { processed: 3, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, markRead: 0, stackDepths: [0] },
  log: [
    '0: R1=ctx() R10=fp0',
    '0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)',
    '1: (07) r2 += 4                       ; R2_w=pkt(off=4,r=0)',
    '2: (61) r0 = *(u32 *)(r2 +0)',
    'invalid access to packet, off=4 size=4, R2(id=0,off=4,r=0)',
    'R2 offset is outside of the packet',
    '',
  ].join('\n'),
};

t.test('the report', (t) => {
  const report = explainRejection(REJECTED);
  t.match(report, {
    class: 'packet-bounds',
    message: REJECTED.message,
    errno: 13,
    at: {
      insn: 2,
      line: LINE,
      context: [
        { insn: 0, text: '(61) r2 = *(u32 *)(r1 +0)' },
        { insn: 1, text: '(07) r2 += 4' },
        { insn: 2, text: '(61) r0 = *(u32 *)(r2 +0)' },
      ],
    },
    knew: [{ name: 'R2' }, { name: 'R10', words: 'the frame pointer' }, { name: 'fp-8' }],
    path: [{ insn: 0 }, { insn: 1, taken: false, line: { line: 10 } }, { insn: 2 }],
  });
  t.match(report.reason, /^R2 is a pointer into the packet, 4 bytes past its start; no byte/);
  t.notMatch(JSON.stringify(report), /\{R?\d\}/, 'every blank is filled');
  t.end();
});

t.test('as text, with the caret under the column', (t) => {
  const text = renderReport(explainRejection(REJECTED), 'prog');
  t.matchStrict(text, /^Verification failed: Packet access: access outside of what was checked\n {2}prog: R2 offset/);
  for (const title of ['Reason:', 'At:', 'Causal path:', 'Suggestion:']) t.match(text, new RegExp(`^${title}$`, 'm'));
  t.match(text, '\n    12 | \treturn *(int *)p;\n       | \t       ^-- bytes that may not be there\n');
  t.match(text, '\n  >>>    2 | (61) r0 = *(u32 *)(r2 +0)\n');
  t.match(text, /insn 1: .*\(jump not taken\)/);
  t.match(renderBrief(explainRejection(REJECTED), 'prog'), /^prog: rejected: R2 .*\n {2}\.\/p\.bpf\.c:12:9: return/);
  t.end();
});

t.test('for machines', (t) => {
  const row: VerifiedProgram = {
    file: 'p.bpf.o',
    program: 'prog',
    verdict: 'failure',
    progType: 'xdp',
    attachType: 'xdp',
    numbers: noNumbers(),
    spec: { name: 'prog', section: 'xdp', type: 'xdp', flags: 0, func: 0, functions: [0], declTags: [] },
    answer: REJECTED,
    report: explainRejection(REJECTED),
  };
  const sarif = JSON.parse(renderSarif([row], '1.2.3')) as object;
  t.match(sarif, {
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { version: '1.2.3', rules: [{ id: 'packet-bounds' }] } },
        results: [
          {
            ruleId: 'packet-bounds',
            level: 'error',
            locations: [
              { physicalLocation: { artifactLocation: { uri: 'p.bpf.c' }, region: { startLine: 12, startColumn: 9 } } },
            ],
          },
        ],
      },
    ],
  });
  t.matchStrict(
    renderAnnotations([row]),
    /^::error file=p\.bpf\.c,line=12,col=9,title=Packet access%3A access .*::prog: R2 .*\n$/,
  );
  t.end();
});
