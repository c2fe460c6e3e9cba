/** What `skep load` prints. The tables are goldens, which BLESS=1 rewrites; JSON is compared by value. */
import t from 'tap';
import { loadReport } from '../../cli/load.js';
import { runSkep } from '../support/run-skep.js';
import type { ObjectDescription } from '../../vm/index.js';
import { equalsGolden } from '../support/golden.js';

const GOLDENS = 'test/cli/load-goldens';

const CASES = [
  { name: 'maps', objects: ['bpf/examples/maps-btf.bpf.o', 'bpf/examples/map-in-map.bpf.o'], flags: { verbose: true } },
  { name: 'loose', objects: ['bpf/examples/loose.bpf.o'], flags: {} },
  { name: 'loose-typed', objects: ['bpf/examples/loose.bpf.o'], flags: { type: 'xdp' } },
  { name: 'kfunc', objects: ['bpf/examples/kfunc.bpf.o'], flags: {} },
  { name: 'no-btf', objects: ['bpf/examples/no-btf.bpf.o'], flags: { verbose: true } },
] as const;

t.test('tables', async (t) => {
  for (const { name, objects, flags } of CASES) {
    equalsGolden(t, (await loadReport(objects, flags)).text, `${GOLDENS}/${name}.txt`);
  }
});

t.test('JSON', async (t) => {
  const { text } = await loadReport(['bpf/firewall.bpf.o', 'bpf/examples/pass.bpf.o'], { json: true });
  const [firewall, pass] = JSON.parse(text) as ObjectDescription[];
  t.match(firewall, {
    name: 'bpf/firewall.bpf.o',
    gplCompatible: true,
    programs: [{ section: 'xdp', name: 'firewall', type: 'xdp', functions: 1, unsupported: [], unresolved: [] }],
  });
  t.ok(firewall?.helpers.some((helper) => helper.id === 1 && helper.name === 'map_lookup_elem' && helper.calls > 0));
  t.match(pass?.programs, [{ name: 'pass', slots: 2 }]);
  t.same(pass?.maps, []);
});

t.test('bad input', async (t) => {
  await t.rejects(loadReport(['bpf/examples/no-such.o'], {}), {
    code: 'config-file',
    where: { file: 'bpf/examples/no-such.o' },
  });
  await t.rejects(loadReport(['README.md'], {}), { code: 'elf-not-elf', where: { file: 'README.md', offset: 0 } });
  await t.rejects(loadReport(['bpf/examples/pass.bpf.o'], { type: 'xpd' }), {
    code: 'config-value',
    data: { name: 'xpd' },
  });
  await t.rejects(loadReport(['bpf/examples/core.bpf.o'], { btf: 'README.md' }), {
    name: 'BtfError',
    code: 'btf-header',
  });
});

t.test('the command', async (t) => {
  const { status, stdout } = await runSkep(['load', 'bpf/examples/pass.bpf.o']);
  t.equal(status, 0);
  t.equal(stdout, (await loadReport(['bpf/examples/pass.bpf.o'], {})).text);
  t.match(await runSkep(['load', 'no-such.o']), { status: 2, stdout: '', stderr: /^skep: no-such\.o: / });
});

t.test('--summary: a line for each object, totals, reasons', async (t) => {
  const objects = ['pass', 'kfunc', 'pass-big-endian', 'sections', 'events'].map(
    (name) => `bpf/examples/${name}.bpf.o`,
  );
  const { status, stdout, stderr } = await runSkep(['load', '--summary', ...objects]);
  t.equal(status, 2, 'one cannot be loaded');
  t.equal(stderr, '');
  t.match(stdout, /^bpf\/examples\/pass\.bpf\.o +1\/1 +0 +0 +0$/m);
  t.match(stdout, /^bpf\/examples\/pass-big-endian\.bpf\.o +- .*cannot be loaded: .*big.endian/m);
  t.match(
    stdout,
    /^5 objects: 4 can be loaded, of which \d run whole, \d in part and \d not at all; \d+ of \d+ programs run\.$/m,
  );
  t.match(stdout, /^REASON +OBJECTS$/m);
});

t.test('--summary --json says the same', async (t) => {
  const { status, stdout } = await runSkep(['load', '--summary', '--json', 'bpf/lb.bpf.o', 'bpf/policy.bpf.o']);
  t.equal(status, 0);
  t.match(JSON.parse(stdout), [
    { object: 'bpf/lb.bpf.o', programs: 1, supported: 1, reasons: [] },
    { object: 'bpf/policy.bpf.o', programs: 2, supported: 2, reasons: [] },
  ]);
});
