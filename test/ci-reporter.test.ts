/**
 * The closing line of `npm test` agrees with tap's own summary on every kind of run. Runs a real tap in a scratch
 * project, because the reporter's whole job is to read what tap prints.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));
const tapBin = join(root, 'node_modules/tap/dist/esm/run.mjs');
const reporter = join(root, 'test/support/ci-reporter.mjs');

/** The environment of a shell, not of a test that tap runs. */
function shellEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP|^NODE_/.test(name)));
}

function runTap(
  cwd: string,
  files: readonly string[],
  reporterName: string,
): { status: number | null; lines: string[] } {
  const args = [tapBin, '--disable-coverage', '--jobs=2', `--reporter=${reporterName}`, ...files];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env: shellEnv(), encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
}

const cases: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly exit: number;
  readonly closing: string;
  readonly shows?: string;
}[] = [
  {
    name: 'nested and passing, two files',
    files: {
      'a.test.ts': `t.test('x', async (t) => { t.ok(1); t.test('y', async (t) => { t.ok(1); t.ok(1); }); });`,
      'b.test.ts': `t.ok(1); console.log('printed by a test');`,
    },
    exit: 0,
    closing: '4 passed, 0 failed',
  },
  {
    name: 'failing inside a nest',
    files: {
      'a.test.ts': `t.test('x', async (t) => { t.ok(1); t.test('y', async (t) => { t.ok(1); t.ok(0, 'sky is green'); }); });`,
      'b.test.ts': `t.ok(1);`,
    },
    exit: 1,
    closing: '3 passed, 1 failed',
    shows: 'not ok 2 - sky is green',
  },
  {
    name: 'skipped with a reason',
    files: { 'a.test.ts': `t.test('x', { skip: 'no clang here' }, async () => {}); t.ok(1);` },
    exit: 0,
    closing: '1 passed, 0 failed',
    shows: 'skip: x (no clang here)',
  },
  {
    name: 'syntax error',
    files: { 'a.test.ts': `t.ok(1;`, 'b.test.ts': `t.ok(1);` },
    exit: 1,
    closing: '1 passed, 1 failed',
    shows: 'FAIL a.test.ts',
  },
  {
    name: 'thrown outside of a test',
    files: { 'a.test.ts': `t.ok(1); throw new Error('out of cheese');` },
    exit: 1,
    closing: '1 passed, 1 failed',
    shows: 'not ok 2 - out of cheese',
  },
  {
    name: 'bailed out',
    files: { 'a.test.ts': `t.ok(1); t.bailout('enough');` },
    exit: 1,
    closing: '1 passed, 1 failed',
    shows: 'Bail out! enough',
  },
];

for (const { name, files, exit, closing, shows } of cases) {
  t.test(name, (t) => {
    const project: Record<string, string> = { 'package.json': '{ "type": "module" }' };
    for (const [file, body] of Object.entries(files)) project[file] = `import t from 'tap';\n${body}\n`;
    const cwd = t.testdir(project);
    const { status, lines } = runTap(cwd, Object.keys(files), reporter);
    t.equal(status, exit, 'exit code');
    t.equal(lines.at(-1), closing, 'last line');
    if (shows !== undefined)
      t.ok(
        lines.some((line) => line.includes(shows)),
        `shows "${shows}"`,
      );
    t.end();
  });
}
