/** The examples of docs/verifier.md: refused as their class says, accepted where they are mended; and so by the running kernel. */
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { loadObject } from '../../vm/loader/load-object.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { REJECTION_CLASSES } from '../../vm/verifier/report-classes.js';
import { explainRejection } from '../../vm/verifier/report.js';
import { verify, verifyProgram } from '../../vm/verifier/verify.js';
import { VERIFIER_EXAMPLES, WITHOUT_EXAMPLE } from '../../scripts/verifier-examples.js';
import { LiveKernel } from '../fuzz/live-kernel.js';
import { verdictFault } from '../fuzz/judge-live.js';
import { whyNotRecordedKernel } from '../kernel/bpf-syscall.js';
import { FACTS_VERSION } from '../kernel/render-facts.js';
import { bareProgram } from './bare-program.js';

function objectOf(text: string): ObjectSpec {
  return loadObject(assembleObject(text), { name: 'example.o' });
}

t.test('every class has an example, or a reason why not', (t) => {
  for (const { id } of REJECTION_CLASSES) {
    const examples = VERIFIER_EXAMPLES.filter((each) => each.id === id);
    t.equal(examples.length, WITHOUT_EXAMPLE.has(id) ? 0 : 1, id);
  }
  t.end();
});

t.test('refused as its class says, with the same message at any log level', (t) => {
  for (const { id, wrong } of VERIFIER_EXAMPLES) {
    const verdict = verify(objectOf(wrong), 0);
    if (verdict.kind !== 'reject') {
      t.fail(`${id}: ${verdict.kind}`);
      continue;
    }
    t.equal(explainRejection(verdict).class, id);
    // A million instructions take their time.
    if (verdict.stats.processed > 100_000) continue;
    t.match(verify(objectOf(wrong), 0, { logLevel: 0 }), { message: verdict.message }, id);
  }
  t.end();
});

t.test('accepted when mended', (t) => {
  for (const { id, mended } of VERIFIER_EXAMPLES) {
    if (mended !== undefined) t.match(verify(objectOf(mended), 0), { kind: 'accept' }, id);
  }
  t.end();
});

t.test('the running kernel says the same', { skip: whyNotRecordedKernel(FACTS_VERSION) ?? false }, (t) => {
  const kernel = new LiveKernel();
  for (const { id, wrong, mended } of VERIFIER_EXAMPLES) {
    for (const text of [wrong, mended]) {
      if (text === undefined) continue;
      const object = objectOf(text);
      t.equal(
        verdictFault(verifyProgram(bareProgram(object), { logLevel: 0 }), kernel.judgeObject(object)),
        undefined,
        id,
      );
    }
  }
  kernel.close();
  t.end();
});
