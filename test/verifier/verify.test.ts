/** The verifier's verdict, message and count on one small program for each thing it looks at. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { type VerifierProgram, verifyProgram } from '../../vm/verifier/verify.js';
import { CASES, type Case, MAPS } from './programs.js';

function programOf({ name, type = 'xdp', text, maps }: Case): VerifierProgram {
  const insns = assemble(text).bytes;
  const refs = new Map<number, { readonly kind: 'map'; readonly map: number }>();
  for (let insn = 0; maps === true && insn * 8 < insns.length; insn++) {
    if (insns[insn * 8] !== 0x18) continue;
    refs.set(insn, { kind: 'map', map: insns[insn * 8 + 4] ?? 0 });
    insn++;
  }
  return { name, type, flags: 0, license: 'GPL', insns, maps: MAPS, refs };
}

for (const each of CASES) {
  t.test(each.name, (t) => {
    const verdict = verifyProgram(programOf(each), { logLevel: 0 });
    if (each.message === undefined) t.match(verdict, { kind: 'accept' });
    else t.match(verdict, { kind: 'reject', errno: each.errno ?? 13, message: each.message });
    t.equal(verdict.stats.processed, each.processed, 'instructions looked at');
    t.end();
  });
}

t.test('the log shows each instruction with what it changed', (t) => {
  const text = 'r2 = *(u32 *)(r1 +12)\nr0 = 1\nif r2 > 7 goto e\nr0 = 2\ne: exit';
  const { log } = verifyProgram(programOf({ name: 'log', text, processed: 0 }), { logLevel: 2 });
  t.match(log, '0: R1=ctx() R10=fp0\n');
  t.match(
    log,
    '0: (61) r2 = *(u32 *)(r1 +12)         ; R1=ctx() R2=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))\n',
  );
  t.match(log, '\nfrom 2 to 4: R0=1 R1=ctx() R2=scalar(smin=umin=umin32=8,');
  t.match(log, 'processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n');
  t.end();
});

t.test('a rejection tells where, and what was known', (t) => {
  const text = 'r2 = 5\nr1 = 8\nr0 = *(u8 *)(r1 +0)\nexit';
  const verdict = verifyProgram(programOf({ name: 'facts', text, processed: 0 }));
  t.match(verdict, { kind: 'reject', insn: 2, facts: { path: [{ insn: 0 }, { insn: 1 }, { insn: 2 }] } });
  const registers = verdict.kind === 'reject' ? verdict.facts.registers : [];
  t.match(
    registers.find(({ at }) => at === 1),
    { frame: 0, type: 'scalar', text: '8', value: 8n },
  );
  t.end();
});

t.test('what it does not know it says', (t) => {
  const insns = Uint8Array.from([0x85, 0x20, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
  const refs = new Map([[0, { kind: 'kfunc', name: 'bpf_no_such_kfunc' } as const]]);
  const verdict = verifyProgram({ name: 'kfunc', type: 'xdp', flags: 0, license: 'GPL', insns, maps: [], refs });
  t.match(verdict, { kind: 'unsupported', insn: 0 });
  t.end();
});

t.test('a program without an end is given up at the limit', (t) => {
  // Two million rounds, each of which looks different.
  const text = 'r0 = 0\nl: r0 += 1\nif r0 < 2000000 goto l\nexit';
  const verdict = verifyProgram(programOf({ name: 'limit', text, processed: 0 }), { logLevel: 0 });
  t.match(verdict, { kind: 'reject', errno: 7, message: 'BPF program is too large. Processed 1000001 insn' });
  t.end();
});
