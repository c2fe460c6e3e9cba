/** The committed objects are what their sources say, under the right licence, and tell nothing of who built them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkObjects, listFiles, listSources } from '../../scripts/bpf-objects.js';

const bpfDir = join(import.meta.dirname, '../../bpf');
const objects = listFiles(bpfDir, '.o');
const sources = listSources(bpfDir);

void t.test('objects are equal to a rebuild', (t) => {
  const result = checkObjects(bpfDir);
  if (result.kind === 'skipped') t.pass('rebuild', { skip: result.reason });
  else t.match(result, { kind: 'equal' });
  t.end();
});

void t.test('there is something to look at', (t) => {
  t.ok(objects.includes('firewall.bpf.o'));
  t.ok(objects.length >= sources.length, 'each source has an object');
  t.end();
});

for (const source of sources) {
  void t.test(source, (t) => {
    const text = readFileSync(join(bpfDir, source), 'utf8');
    t.equal(text.split('\n', 1)[0], '// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause');
    // Tests bring the source of what they test, and its licence with it.
    if (!source.endsWith('.test.c')) t.match(text, /^char LICENSE\[\] SEC\("license"\) = "Dual BSD\/GPL";$/m);
    t.end();
  });
}

for (const object of objects) {
  void t.test(object, (t) => {
    const text = readFileSync(join(bpfDir, object), 'latin1');
    t.ok(text.includes('Dual BSD/GPL\0'), 'license section');
    // Any rooted path of two names or more; C comments and regular divisions have none.
    const paths = text.match(/(?<![\w.*)\/])\/(?:[\w.+-]+\/)+[\w.+-]+/g) ?? [];
    t.strictSame(paths, [], 'no absolute path');
    t.notMatch(text, /[A-Za-z]:\\/, 'nor one of Windows');
    t.end();
  });
}
