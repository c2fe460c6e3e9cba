/**
 * What README promises: the block of output is what `npm run demo` prints (BLESS=1 rewrites it), and the links and
 * npm commands of the documents exist.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/architecture.md', 'docs/rationale.md'];
const demoBlock = /(<!-- demo:begin -->\n\n```text\n)([\s\S]*?)(```\n\n<!-- demo:end -->)/;
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

/** Runs what `npm run demo` runs, but from source, so that no stale build can answer. */
function runDemo(): string {
  const args = scripts.demo?.split('node dist/skep.cjs ')[1]?.split(' ') ?? [];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...process.execArgv, 'cli/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  if (status !== 0) throw new Error(`the demo ended with ${String(status)}: ${stderr}`);
  return stdout;
}

t.test('README shows what the demo prints', (t) => {
  const path = join(root, 'README.md');
  const readme = readFileSync(path, 'utf8');
  const printed = runDemo();
  if (process.env.BLESS === '1') {
    writeFileSync(
      path,
      readme.replace(demoBlock, (_, before: string, __, after: string) => before + printed + after),
    );
  } else {
    t.equal(demoBlock.exec(readme)?.[2], printed);
  }
  t.end();
});

for (const document of documents) {
  t.test(`${document}: links and commands exist`, (t) => {
    const text = readFileSync(join(root, document), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    t.same(
      links.filter((link) => !existsSync(join(root, dirname(document), link))),
      [],
      'links',
    );
    const commands = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    t.same(
      commands.filter((command) => scripts[command] === undefined),
      [],
      'npm scripts',
    );
    t.end();
  });
}
