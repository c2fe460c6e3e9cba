/** The data cases are about every instruction, and their reader notices a case that is not whole. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { decode } from '../../vm/isa/decode.js';
import { INSNS } from '../../vm/spec/insns.js';
import { parseCases, readCases } from './case-file.js';

t.test('every row of the instruction table occurs in a case', (t) => {
  const seen = new Set<string>();
  for (const { asm } of readCases()) {
    const result = decode(assemble(asm).bytes);
    if (result.ok) for (const { name } of result.insns) seen.add(name);
  }
  const missing = INSNS.map(({ name }) => name).filter((name) => !seen.has(name));
  t.strictSame(missing, []);
  t.end();
});

t.test('names are unique', (t) => {
  const names = readCases().map(({ name }) => name);
  t.strictSame(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
  t.end();
});

t.test('a case that is not whole', (t) => {
  const wrong = [
    '-- case a\n-- result\n0x1\n',
    '-- case a\n-- asm\nexit\n',
    '-- case a\n-- asm\nexit\n-- result\n1\n-- error\nfuel at 1\n',
    '-- case a\n-- asm\nexit\n-- error\nmemory\n',
    '-- case a\n-- asm\nexit\n-- error\nnonsense at 1\n',
  ];
  for (const text of wrong) t.throws(() => parseCases('f', text), { message: /^f: a: n/ }, text);
  t.end();
});
