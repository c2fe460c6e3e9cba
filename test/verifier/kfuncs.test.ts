/** The verifier's verdict, message and count on small programs that call kernel functions. */
import t from 'tap';
import { verifyProgram } from '../../vm/verifier/verify.js';
import { kfuncProgramOf } from './kfunc-program-of.js';
import { KFUNC_PROGRAMS } from './kfunc-programs.js';

for (const each of KFUNC_PROGRAMS) {
  t.test(each.name, (t) => {
    const verdict = verifyProgram(kfuncProgramOf(each), { logLevel: 0 });
    if (each.message === undefined) t.match(verdict, { kind: 'accept' });
    else t.match(verdict, { kind: 'reject', errno: each.errno ?? 22, message: each.message });
    t.equal(verdict.stats.processed, each.processed, 'instructions looked at');
    t.end();
  });
}
