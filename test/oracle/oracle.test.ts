/** Reading recorded answers, running rows, and counting: on small files of our own, and on the real ones where they are. */
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import type { Verdict } from '../../vm/verifier/verdict.js';
import { type RowCheck } from '../../scripts/oracle/check-row.js';
import { isCounters, readCounters } from '../../scripts/oracle/read-counters.js';
import { isSelftests, readSelftests } from '../../scripts/oracle/read-selftests.js';
import { renderTally } from '../../scripts/oracle/render-tally.js';
import type { Row } from '../../scripts/oracle/row.js';
import { runRow } from '../../scripts/oracle/run-row.js';
import { Tallier } from '../../scripts/oracle/tally.js';

const code = (text: string): string => toHex(assemble(text).bytes);

/** The value of entry 0 of the first map, or the tail-called program's. */
const LOOKUP = `
  ld_pseudo r1, 0x1, 0x0
  r2 = r10
  r2 += -4
  *(u32 *)(r2 + 0) = 0
  call map_lookup_elem
  if r0 == 0 goto none
  r0 = *(u32 *)(r0 + 0)
  exit
none:
  r0 = 7
  exit`;

const ARRAY = { name: 'a_map_with_a_long_name', type: 'array', key: 4, value: 8, max: 1, flags: 0, frozen: false };

const PROGRAMS = {
  default_run_in: '00'.repeat(64),
  btf: { none: Buffer.from(gzipSync(new Uint8Array(0))).toString('base64') },
  programs: [
    {
      file: 'own.c',
      program: 'looks_up',
      group: 'net',
      tier: 2,
      live: 'accept',
      errno: 0,
      errline: null,
      insns_processed: 12,
      caps: ['BPF', 'PERFMON', 'NET_ADMIN'],
      usable: true,
      rv: 'exact',
      retval_actual: 42,
      run_in: null,
      load: {
        prog_type: 6,
        expected_attach_type: 37,
        prog_flags: 4,
        license: 'GPL',
        insns: code(LOOKUP),
        func_info: [],
        btf: null,
        map_refs: [[0, ARRAY.name, 2]],
        maps: [{ ...ARRAY, init: [['00000000', '2a00000000000000']] }],
        subprogs: [[0, 'looks_up', 'global']],
      },
    },
    {
      file: 'own.c',
      program: 'reads_far',
      group: 'net',
      tier: 0,
      live: 'reject',
      errno: 13,
      errline: 'invalid bpf_context access off=400 size=4',
      insns_processed: 1,
      caps: [],
      usable: true,
      rv: null,
      load: {
        prog_type: 6,
        prog_flags: 0,
        license: 'GPL',
        insns: code('r0 = *(u32 *)(r1 + 400)\nexit'),
        func_info: [],
        btf: null,
        map_refs: [],
        maps: [],
      },
    },
    {
      file: 'own.c',
      program: 'nobody_can_load_this_here',
      group: 'other',
      tier: 9,
      live: 'reject',
      errno: 1,
      usable: false,
      why: 'not here',
      rv: null,
      load: {
        prog_type: 29,
        prog_flags: 0,
        license: 'GPL',
        insns: code('exit'),
        func_info: [],
        map_refs: [],
        maps: [],
      },
    },
  ],
};

const TESTS = {
  map_defs: {
    fixup_progs: {
      type: 'prog_array',
      key_size: 4,
      value_size: 4,
      max_entries: 2,
      flags: 0,
      progs: { 1: { prog_type: 'row', insns: code('r0 = 99\nexit'), map_refs: [] } },
    },
  },
  btf: {},
  tests: [
    {
      file: 'own.c',
      name: 'jumps to a program',
      group: 'net',
      tier: 4,
      prog_type_id: 6,
      expected_attach_type: 0,
      insns: code('ld_pseudo r2, 0x1, 0x0\nr3 = 1\ncall tail_call\nr0 = 1\nexit'),
      fixups: { fixup_progs: [0] },
      kfunc_fixups: [],
      func_info: [],
      btf: null,
      license: 'GPL',
      caps: ['BPF', 'PERFMON', 'NET_ADMIN'],
      usable: true,
      retvals: [{ data: null }, { data: null }, { data: '01'.repeat(20) }],
      live: {
        verdict: 'accept',
        errno: 0,
        errline: null,
        insns_processed: 5,
        load_flags: 4,
        runs: [
          { rv: 'exact', retval: 99 },
          { rv: 'any', retval: 3 },
          { rv: 'exact', retval: 99, data_out: '01'.repeat(20) },
        ],
      },
    },
  ],
};

const COUNTERS = {
  objects: [{ object: 'nowhere', programs: [{ prog: 'p', insns: 3, processed: 5, verif_us: 7 }] }],
};

const answer = {
  stats: { processed: 12, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, markRead: 0, stackDepths: [] },
  log: '',
};
const accept: Verdict = { kind: 'accept', ...answer };

function check(judgement: RowCheck['judgement'], verdict: Verdict, more: Partial<RowCheck> = {}): RowCheck {
  return { judgement, verdict, cpuMs: 1, ...more };
}

t.test('recorded programs are read as they were loaded', (t) => {
  t.ok(isSelftests(PROGRAMS));
  const { rows } = readSelftests(PROGRAMS);
  const [looksUp, readsFar, excluded] = rows;
  t.match(looksUp, {
    name: 'own.c/looks_up',
    type: 'xdp',
    group: 'net',
    tier: 2,
    live: { accepts: true, processed: 12 },
  });
  const program = must(looksUp, 'a row').program();
  t.equal(program.attachType, 'xdp');
  t.equal(program.flags, 4);
  t.same([...program.refs], [[0, { kind: 'map', map: 0 }]]);
  t.equal(program.maps[0]?.name, 'a_map_with_a_lo', 'as long as the kernel keeps it');
  t.same(program.maps[0]?.contents, new Uint8Array([42, 0, 0, 0, 0, 0, 0, 0]));
  t.same(looksUp?.caps, { bpf: true, perfmon: true, netAdmin: true, sysAdmin: false });
  t.same(readsFar?.caps, { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false });
  t.equal(readsFar?.live.message, 'invalid bpf_context access off=400 size=4');
  t.equal(excluded?.excluded, 'not here');
  t.end();
});

t.test('tests with fixups are read', (t) => {
  t.ok(isSelftests(TESTS));
  const row = must(readSelftests(TESTS).rows[0], 'a row');
  t.same([...row.program().refs], [[0, { kind: 'map', map: 0 }]]);
  t.equal(row.program().flags, 4);
  t.equal(row.runs.length, 2, 'those that must be reproduced');
  t.equal(row.runs[0]?.input.length, 64);
  t.same(row.runs[1]?.input, new Uint8Array(20).fill(1));
  t.end();
});

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`runs of rows are compared on ${engine}`, (t) => {
    const [looksUp] = readSelftests(PROGRAMS).rows;
    const [jumps] = readSelftests(TESTS).rows;
    t.same(runRow(must(looksUp, 'a row'), engine), { kind: 'same' });
    t.same(runRow(must(jumps, 'a row'), engine), { kind: 'same' });
    const wrong: Row = { ...must(looksUp, 'a row'), runs: [{ input: new Uint8Array(64), retval: 43 }] };
    t.same(runRow(wrong, engine), { kind: 'differs', how: 'returned 42, Linux 43' });
    const left: Row = {
      ...must(jumps, 'a row'),
      runs: [{ input: new Uint8Array(20), retval: 99, output: new Uint8Array([9]) }],
    };
    t.same(runRow(left, engine), { kind: 'differs', how: 'left 00, Linux 09' });
    const unsupported = runRow({ ...must(looksUp, 'a row'), type: 'kprobe' }, engine);
    t.equal(unsupported.kind, 'unsupported');
    t.end();
  });
}

t.test('counters are matched with objects, and rows without one say so', (t) => {
  t.ok(isCounters(COUNTERS));
  t.notOk(isCounters(PROGRAMS));
  t.equal(readCounters(COUNTERS, undefined).rows[0]?.excluded, 'object nowhere.o is not there');
  const own = { objects: [{ object: 'pass.bpf.o', programs: [] }] };
  t.same(readCounters(own, 'bpf').rows, []);
  t.end();
});

t.test('rows are counted by group, tier and type', (t) => {
  const [looksUp, readsFar, excluded] = readSelftests(PROGRAMS).rows as [Row, Row, Row];
  const tallier = new Tallier('some.json');
  tallier.add({
    row: looksUp,
    check: check('agree', accept),
    runs: { interp: { kind: 'same' }, wasm: { kind: 'same' } },
  });
  tallier.add({ row: { ...looksUp, name: 'other' }, check: check('false-accept', accept) });
  const reject: Verdict = { kind: 'reject', errno: 13, message: 'so', facts: { path: [], registers: [] }, ...answer };
  tallier.add({ row: readsFar, check: check('agree', reject, { sameMessage: false, sameErrno: true }) });
  tallier.add({
    row: { ...readsFar, name: 'odd' },
    check: check('unsupported', { kind: 'unsupported', what: 'odd', ...answer }),
  });
  tallier.add({ row: excluded });
  const tally = tallier.result();
  t.match(tally, {
    rows: 4,
    excluded: 0,
    agree: 2,
    falseAccepts: 1,
    falseRejects: 0,
    unsupported: 1,
    messageRows: 1,
    messageAgree: 0,
    retvalRows: 1,
    retvalAgree: 1,
    disagree: ['other'],
    unsupportedRows: [{ name: 'odd', what: 'odd' }],
    byTier: { 2: { rows: 2 }, 0: { rows: 2 } },
    byProgType: { xdp: { rows: 4 } },
    all: { net: { rows: 4 }, other: { rows: 1, excluded: 1 } },
  });
  t.match(renderTally(tally, false), /verdict agrees +2 of 4/);
  t.end();
});

t.test('a file of another shape is refused with its field', (t) => {
  t.throws(() => readSelftests({ programs: [{}] }), { code: 'config-file' });
  t.throws(() => readSelftests({ programs: [{ ...PROGRAMS.programs[0], load: { prog_type: 999 } }] }), {
    code: 'config-file',
  });
  t.end();
});
