/** Every example of docs/asm.md does what the page says. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { assemble, assembleObject, AsmError, disassemble } from '../../vm/asm/index.js';
import { DIRECTIVES } from '../../vm/asm/directives.js';
import { toHex } from '../../vm/bytes.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { renderError } from '../../cli/render-error.js';
import { renderObject } from '../../cli/load-tables.js';
import { describeObject } from '../../vm/object/describe.js';

const page = readFileSync('docs/asm.md', 'utf8');

interface Block {
  readonly info: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...page.matchAll(/^```(\S[^\n]*)\n(.*?)^```$/gms)].map(
  ([, info = '', text = '']) => ({
    info,
    text,
  }),
);
const blocksOf = (info: string): readonly string[] =>
  blocks.filter((block) => block.info === info).map(({ text }) => text);

t.test('programs assemble and load', (t) => {
  const programs = blocksOf('asm');
  t.equal(programs.length, 3);
  for (const text of programs) t.equal(loadObject(assembleObject(text), { name: 'a.o' }).programs.length, 1);
  t.end();
});

t.test('the session', (t) => {
  const object = assembleObject(blocksOf('asm')[0] ?? '', { file: 'count.s' });
  const [session = ''] = blocksOf('console');
  const load = renderObject(describeObject(loadObject(object, { name: 'count.o' })));
  const listing = disassemble(object, { name: 'count.o', relocations: true });
  t.equal(session, `$ skep asm count.s\n$ skep load count.o\n${load}$ skep disasm -r count.o\n${listing}`);
  t.end();
});

t.test('the table of instructions', (t) => {
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| `([0-9a-f]{16}(?: [0-9a-f]{16})?)` +\|$/gm)];
  t.ok(rows.length > 20);
  for (const [, text = '', hex = ''] of rows) t.equal(toHex(assemble(text).bytes), hex.replace(' ', ''), text);
  t.end();
});

t.test('mistakes', (t) => {
  const mistakes = blocks.filter(({ info }) => info.startsWith('asm-mistake '));
  t.equal(mistakes.length, 2);
  const rendered = mistakes.map(({ info, text }) => {
    try {
      assembleObject(text, { file: 'a.s' });
    } catch (error) {
      if (!(error instanceof AsmError)) throw error;
      t.equal(error.code, info.split(' ')[1]);
      return renderError(error);
    }
    t.fail(`${text} has no mistake`);
    return '';
  });
  t.equal(rendered[1], blocksOf('text')[0]);
  t.end();
});

t.test('the table of directives', (t) => {
  for (const name of DIRECTIVES) {
    if (name === '.global') continue;
    t.match(page, `\`${name}`, name);
  }
  t.end();
});
