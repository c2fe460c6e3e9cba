/** What `skep run` says of what it cannot run: one line, exit 2. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { runSkep } from '../support/run-skep.js';

const objects = t.testdir();

function object(name: string, text: string): string {
  const path = join(objects, name);
  writeFileSync(path, assembleObject(text));
  return path;
}

t.test('a helper that is unsupported: the table, then one line', async (t) => {
  const path = object('helper.o', '.section xdp\n.globl main\nmain:\n  call get_stackid\n  exit\n');
  // Linux would refuse the call in such a program.
  const { status, stdout, stderr } = await runSkep(['run', '--no-verify', path]);
  t.equal(status, 2);
  t.match(stdout, /^XDP_ABORTED +1 /m);
  t.match(
    stderr,
    /^skep: function main, insn 0: packet 1 got to what skep does not run: helper bpf_get_stackid is unsupported by skep\n/,
  );
});

t.test('a map of more entries than fit', async (t) => {
  const map = '.map big, type=hash, key=4, value=4, entries=4294967295\n';
  const path = object('map.o', `${map}.section xdp\n.globl main\nmain:\n  r1 = map big ll\n  r0 = 2\n  exit\n`);
  const { status, stdout, stderr } = await runSkep(['run', path]);
  t.equal(status, 2);
  t.equal(stdout, '');
  t.match(stderr, /^skep: .*`big`.*\n(?: {2}hint: .*\n)?$/);
  const config = join(objects, 'skep.yaml');
  writeFileSync(config, 'object: helper.o\nmaps: { big: { max_entries: 4294967296 } }\n');
  const refused = await runSkep(['run', config]);
  t.equal(refused.status, 2);
  t.match(refused.stderr, /skep.yaml:2:29: maps.big.max_entries: must be /);
});
