/** The tests that the programs of bpf/ carry, on each engine; they name every reason that a program can give. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { testObject } from '../../vm/testing/test-object.js';

const OBJECTS = [
  { name: 'lb', source: 'bpf/lb.bpf.c', least: 50 },
  { name: 'policy', source: 'bpf/policy.bpf.c', least: 45 },
] as const;

for (const { name, source, least } of OBJECTS) {
  for (const engine of ['interp', 'wasm'] as const) {
    t.test(`${name}: ${engine}`, (t) => {
      const results = testObject(readFileSync(`bpf/tests/${name}.test.o`), { name, engine });
      const failed = results.filter(({ status }) => status !== 'pass');
      t.strictSame(failed, []);
      t.ok(results.length >= least, `${results.length} tests`);
      t.end();
    });
  }

  t.test(`${name}: every reason is somebody's`, (t) => {
    const [, body = ''] = /^enum reason \{(.*?)^\}/ms.exec(readFileSync(source, 'utf8')) ?? [];
    const reasons = [...body.matchAll(/^\t(REASON_(?!COUNT)\w+)/gm)].map(([, reason]) => reason ?? '');
    const text = readFileSync(`bpf/tests/${name}.test.c`, 'utf8');
    t.ok(reasons.length >= 10);
    t.strictSame(
      reasons.filter((reason) => !new RegExp(`\\b${reason}\\b`).test(text)),
      [],
    );
    t.end();
  });
}
