/** The interpreter's loop repeats the numbers of its opcodes in its cases; V8 wants literals there. Nothing may be missing. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { OPS } from '../../vm/engine/interp/opcodes.js';
import { INSNS } from '../../vm/spec/insns.js';

const LOOP = new URL('../../vm/engine/interp/loop.ts', import.meta.url);

t.test('the cases of the loop are the opcodes', (t) => {
  const cases = readFileSync(LOOP, 'utf8').matchAll(/^ *case (\d+):(?: \/\/ (\w+))?/gm);
  const found = Array.from(cases, ([, number, name]) => [name, Number(number)]);
  t.strictSame(found, Object.entries(OPS));
  t.end();
});

t.test('numbers leave no gap, so that the switch becomes a jump table', (t) => {
  t.strictSame(
    Object.values(OPS),
    Object.keys(OPS).map((_, i) => i),
  );
  t.end();
});

t.test('every instruction that computes or branches is an opcode of its own name', (t) => {
  const families = /^(add|sub|mul|s?div|s?mod|or|and|xor|lsh|rsh|arsh|mov|movsx|neg|le|be|bswap|j\w\w+)\d/;
  const missing = INSNS.map(({ name }) => name).filter((name) => families.test(name) && !(name in OPS));
  t.strictSame(missing, []);
  t.end();
});
