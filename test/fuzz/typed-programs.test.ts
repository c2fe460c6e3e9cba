/**
 * Typed programs on both engines, checked and unchecked: the same to the byte; and nothing that the verifier accepts trips a
 * run-time check, whatever packets and maps hold.
 */
import t from 'tap';
import { countOr, failWith, SEED, sayHow } from './fuzz-options.js';
import { judge } from './judge.js';
import { seedOf } from './random.js';
import { typedProgram } from './typed-program.js';

t.test('typed programs', (t) => {
  const count = countOr(200);
  sayHow(t, count);
  const seen = new Map<string, number>();
  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let i = 0; i < count; i++) {
    const seed = seedOf(SEED, i);
    const program = typedProgram(seed);
    const { verdict, fault, ends } = judge(program, seed);
    note(verdict.kind);
    for (const end of ends) note(`${verdict.kind} ${end}`);
    if (fault === undefined) continue;
    failWith(t, program, fault, (smaller) => judge(smaller, seed).fault);
    break;
  }
  t.comment([...seen].map(([what, times]) => `${what} ${times}`).join(', '));
  t.ok((seen.get('accept') ?? 0) > count / 4, 'many are accepted');
  t.ok((seen.get('reject') ?? 0) > count / 10, 'many are not');
  t.ok((seen.get('reject memory') ?? 0) > 0, 'and some of those do what they should not');
  t.end();
});
