/** The command line as it is published: one file, that finds its package and its threads. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { tmpdir } from 'node:os';
import t from 'tap';

const BUNDLE = resolve('dist/skep.cjs');
const isThere = existsSync(BUNDLE);

function skep(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [BUNDLE, ...args], { cwd: tmpdir(), encoding: 'utf8' });
}

const RUNS: readonly (readonly [args: readonly string[], status: number, said: RegExp])[] = [
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  [['run', resolve('bpf/examples/pass.bpf.o')], 0, /XDP_PASS +1 /],
  [['run', resolve('examples/chain.yaml'), '-r', resolve('pcaps/icmp.pcap')], 0, /stage policy/],
  [['test', resolve('bpf/tests/lb.test.o'), '--jobs', '2', '--list'], 0, /\w/],
  [['verify', resolve('bpf/examples/pass.bpf.o'), '--jobs', '2'], 0, /success/],
  [['run', '/nonexistent.o'], 2, /^$/],
];

t.test('what is bundled runs', { skip: isThere ? false : 'nothing is built: npm run build' }, (t) => {
  for (const [args, status, said] of RUNS) {
    const found = skep(...args);
    t.equal(found.status, status, `skep ${args.join(' ')} ${found.stderr}`);
    t.match(found.stdout, said);
  }
  t.end();
});
