/** The lookups over the tables: helpers, kfuncs, map types, contexts, verdicts, licenses. */
import t from 'tap';
import { mapKindOf } from '../../vm/maps/kinds.js';
import { CTX_LAYOUTS, type CtxLayout, ctxFieldAt } from '../../vm/spec/ctx.js';
import { helperById, helperByName, HELPERS } from '../../vm/spec/helpers.js';
import { type HelperRow } from '../../vm/spec/helper-row.js';
import { kfuncByName, KFUNCS } from '../../vm/spec/kfuncs.js';
import { mapTypeById, MAP_TYPES } from '../../vm/spec/map-types.js';
import { isGplCompatible } from '../../vm/spec/prog-types.js';
import { verdictName, verdictsOf } from '../../vm/spec/verdicts.js';

t.test('helpers by number and by name', (t) => {
  t.equal(HELPERS.length, 211);
  HELPERS.forEach((row, i) => {
    t.equal(row.id, i + 1, row.name);
    t.equal(helperById(row.id), row);
    t.equal(helperByName(row.name), row);
    t.equal(helperByName(`bpf_${row.name}`), row);
  });
  for (const id of [0, 212, -1, 1.5]) t.equal(helperById(id), undefined, String(id));
  for (const name of ['', 'bpf_', 'no_such', 'constructor', 'toString']) t.equal(helperByName(name), undefined, name);
  t.end();
});

t.test('a helper takes at most five words, and a memory argument is followed by its size', (t) => {
  for (const row of HELPERS as readonly HelperRow[]) {
    t.ok(row.args.length <= 5, row.name);
    row.args.forEach((arg, i) => {
      if (/^mem\??:(r|w|rw)$/.test(arg)) t.match(row.args[i + 1], /^size0?$/, `${row.name}, argument ${i + 1}`);
    });
    if (row.unsupported) t.strictSame(row.args, [], row.name);
  }
  t.end();
});

t.test('kfuncs by name', (t) => {
  t.equal(kfuncByName('bpf_xdp_metadata_rx_timestamp')?.unsupported, undefined);
  t.equal(kfuncByName('bpf_sock_destroy')?.unsupported, true);
  t.equal(kfuncByName('bpf_no_such'), undefined);
  t.equal(new Set(KFUNCS.map(({ name }) => name)).size, KFUNCS.length);
  t.end();
});

t.test('map types by number', (t) => {
  for (const row of MAP_TYPES) t.equal(mapTypeById(row.id), row);
  for (const id of [0, 34, -1]) t.equal(mapTypeById(id), undefined, String(id));
  for (const row of MAP_TYPES) t.equal(mapKindOf(row.name) === undefined, 'unsupported' in row, row.name);
  t.end();
});

t.test('context fields lie inside their structure, in order, aligned', (t) => {
  for (const [name, layout] of Object.entries(CTX_LAYOUTS) as [string, CtxLayout][]) {
    let last = 0;
    for (const { name: field, off, bytes, count = 1 } of layout.fields) {
      t.equal(off % bytes, 0, `${name}.${field} is aligned`);
      t.ok(off + bytes * count <= layout.bytes, `${name}.${field} ends inside`);
      const isUnion = off < last;
      if (isUnion) t.match(`${name}.${field}`, /reply|replylong|cookie|ipv6_src/, `${name}.${field} shares its bytes`);
      last = off;
    }
  }
  t.end();
});

t.test('the field at an offset', (t) => {
  const nameAt = (...[ctx, off]: Parameters<typeof ctxFieldAt>) => ctxFieldAt(ctx, off)?.name;
  t.equal(nameAt('xdp_md', 0), 'data');
  t.equal(nameAt('xdp_md', 7), 'data_end');
  t.equal(nameAt('xdp_md', 24), undefined);
  t.equal(nameAt('__sk_buff', 48), 'cb');
  t.equal(nameAt('__sk_buff', 67), 'cb');
  t.equal(nameAt('__sk_buff', 181), undefined);
  t.equal(nameAt('__sk_buff', -1), undefined);
  t.end();
});

const VERDICT_CASES: readonly [Parameters<typeof verdictsOf>, r0: number, name: string][] = [
  [['xdp'], 0, 'XDP_ABORTED'],
  [['xdp'], 4, 'XDP_REDIRECT'],
  [['xdp'], 5, 'XDP_ABORTED(5)'],
  [['xdp'], -1, 'XDP_ABORTED(4294967295)'],
  [['sched_cls'], -1, 'TC_ACT_UNSPEC'],
  [['sched_cls'], 0xffffffff, 'TC_ACT_UNSPEC'],
  [['sched_cls'], 2, 'TC_ACT_SHOT'],
  [['sched_cls', 'tcx_ingress'], 2, 'TCX_DROP'],
  [['sched_cls', 'netkit_peer'], 3, 'NETKIT_NEXT(3)'],
  [['socket_filter'], 64, '64'],
  [['sk_skb', 'sk_skb_stream_parser'], 12, '12'],
  [['sk_skb', 'sk_skb_verdict'], 1, 'SK_PASS'],
  [['lwt_xmit'], 128, 'BPF_LWT_REROUTE'],
  [['netfilter'], 1, 'NF_ACCEPT'],
];

for (const [site, r0, name] of VERDICT_CASES) {
  t.test(`${site.join('/')} returning ${r0} is ${name}`, (t) => {
    const row = verdictsOf(...site);
    t.equal(row === undefined ? undefined : verdictName(row, r0), name);
    t.end();
  });
}

t.test('tracing programs have no verdict', (t) => {
  t.equal(verdictsOf('kprobe'), undefined);
  t.end();
});

t.test('licenses', (t) => {
  for (const license of ['GPL', 'GPL v2', 'Dual BSD/GPL', 'Dual MIT/GPL']) t.ok(isGplCompatible(license), license);
  for (const license of ['', 'gpl', 'GPL-2.0', 'MIT', 'Dual BSD/GPL\0'])
    t.notOk(isGplCompatible(license), JSON.stringify(license));
  t.end();
});
