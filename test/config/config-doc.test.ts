/**
 * docs/config.md is executed: each yaml block is a skep.yaml, and the console block below it what a command then prints.
 * BLESS=1 rewrites what is printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { runSkep } from '../support/run-skep.js';

const PAGE = 'docs/config.md';
const BLOCKS = /```yaml\n([\s\S]*?)```\n\n```console\n\$ skep (.*)\n([\s\S]*?)```/g;
const page = readFileSync(PAGE, 'utf8');
const blocks = [...page.matchAll(BLOCKS)];

t.equal(blocks.length, page.split('```yaml').length - 1, 'every config is run');

const folder = t.testdir({ bpf: t.fixture('symlink', resolve('bpf')) });
const file = join(folder, 'skep.yaml');
let blessed = page;

for (const [whole, config = '', command = '', printed = ''] of blocks) {
  writeFileSync(file, config);
  const args = command.split(' ').map((each) => (each === 'skep.yaml' ? file : each));
  const { stdout, stderr } = await runSkep(args);
  const now = (stdout + stderr).replaceAll(file, 'skep.yaml');
  blessed = blessed.replace(whole, () =>
    whole.replace(/(\n\$ skep .*\n)[\s\S]*(?=```$)/, (_, line: string) => line + now),
  );
  if (process.env.BLESS === undefined) t.equal(now, printed, config);
}
if (process.env.BLESS !== undefined) writeFileSync(PAGE, blessed);
