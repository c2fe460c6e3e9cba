/** docs/library.md is executed: each js block runs, and prints the text block below it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';

const PAGE = 'docs/library.md';
const BLOCKS = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g;
const blocks = [...readFileSync(PAGE, 'utf8').matchAll(BLOCKS)];
const source = new URL('../vm/index.ts', import.meta.url).href;

t.ok(blocks.length > 0, 'the page has examples');
t.equal(blocks.length, readFileSync(PAGE, 'utf8').split('```js').length - 1, 'every example says what it prints');

const folder = mkdtempSync(join(tmpdir(), 'skep-doc-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});

for (const [index, [, code = '', printed = '']] of blocks.entries()) {
  t.test(`example ${String(index + 1)}`, async (t) => {
    const file = join(folder, `example-${String(index)}.mjs`);
    writeFileSync(file, code.replace("from 'skep'", `from '${source}'`));
    const lines: string[] = [];
    const log = t.capture(console, 'log', (...values: unknown[]) => {
      lines.push(values.map((value) => (typeof value === 'bigint' ? `${String(value)}n` : String(value))).join(' '));
    });
    await import(pathToFileURL(file).href);
    t.ok(log().length > 0, 'it prints');
    t.equal(`${lines.join('\n')}\n`, printed);
  });
}
