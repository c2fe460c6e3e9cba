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
    equalsGolden(t, await loadReport(objects, flags), `${GOLDENS}/${name}.txt`);
  }
});

t.test('JSON', async (t) => {
  const text = await loadReport(['bpf/firewall.bpf.o', 'bpf/examples/pass.bpf.o'], { json: true });
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
  t.equal(stdout, await loadReport(['bpf/examples/pass.bpf.o'], {}));
  t.match(await runSkep(['load', 'no-such.o']), { status: 2, stdout: '', stderr: /^skep: no-such\.o: / });
});
