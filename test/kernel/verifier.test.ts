/** The verifier's cases, put to the running kernel: the same verdict, message and count. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { PROG_TYPE_ROWS } from '../../vm/spec/prog-types.js';
import { CASES } from '../verifier/programs.js';
import { kfuncProgramOf } from '../verifier/kfunc-program-of.js';
import { KFUNC_PROGRAMS } from '../verifier/kfunc-programs.js';
import { openLoader, whyNotRecordedKernel } from './bpf-syscall.js';
import { readKernelBtf } from './kernel-btf.js';

const reason = whyNotRecordedKernel('6.18');

/** The last line of a log that is no statistic. */
function lastWord(log: string): string {
  const lines = log
    .split('\n')
    .filter((line) => line !== '' && !/^(processed|verification time|stack depth) /.test(line));
  return lines.at(-1) ?? '';
}

t.test('small programs', { skip: reason ?? false }, (t) => {
  const load = openLoader();
  for (const { name, type = 'xdp', text, message, errno = 13, processed, maps } of CASES) {
    if (maps === true) continue;
    const answer = load({ insns: assemble(text).bytes, type: PROG_TYPE_ROWS[type].id });
    t.equal(answer.errno, message === undefined ? 0 : errno, `${name}: errno`);
    if (message !== undefined) t.equal(lastWord(answer.log), message, `${name}: message`);
    const count = /^processed (\d+) insns/m.exec(answer.log)?.[1];
    t.equal(Number(count), processed, `${name}: instructions looked at`);
  }
  t.end();
});

t.test('small programs with kernel functions', { skip: reason ?? false }, (t) => {
  const load = openLoader();
  const btf = readKernelBtf();
  const idOf = (name: string): number => btf.idsNamed(name).find((id) => btf.kind(id) === 'func') ?? 0;
  for (const each of KFUNC_PROGRAMS) {
    const { name, type = 'sched_cls', message, errno = 22, processed } = each;
    const { insns, refs } = kfuncProgramOf(each);
    if ([...refs.values()].some(({ kind }) => kind === 'map')) continue;
    const view = new DataView(insns.buffer, insns.byteOffset);
    for (const [insn, ref] of refs) if (ref.kind === 'kfunc') view.setInt32(insn * 8 + 4, idOf(ref.name), true);
    const answer = load({ insns, type: PROG_TYPE_ROWS[type].id });
    t.equal(answer.errno, message === undefined ? 0 : errno, `${name}: errno`);
    if (message !== undefined) t.equal(lastWord(answer.log), message, `${name}: message`);
    t.equal(Number(/^processed (\d+) insns/m.exec(answer.log)?.[1]), processed, `${name}: instructions looked at`);
  }
  t.end();
});
