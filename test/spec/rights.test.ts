/** The recorded rights, read back: a few facts that everybody knows, and that nothing is said where nothing was asked. */
import t from 'tap';
import { CTX_LAYOUTS } from '../../vm/spec/ctx.js';
import { HELPER_ROWS, HELPERS, type HelperName } from '../../vm/spec/helpers.js';
import { type AttachTypeName, PROG_TYPES, type ProgTypeName } from '../../vm/spec/prog-types.js';
import { type Access, ctxAccess, mayCall, returnRange } from '../../vm/spec/rights.js';

const CALLS: readonly [ProgTypeName, HelperName, boolean | undefined, AttachTypeName?][] = [
  ['xdp', 'map_lookup_elem', true],
  ['xdp', 'xdp_adjust_head', true],
  ['xdp', 'xdp_adjust_head', true, 'xdp_devmap'],
  ['xdp', 'skb_store_bytes', false],
  ['sched_cls', 'skb_store_bytes', true],
  ['sched_cls', 'skb_store_bytes', true, 'tcx_ingress'],
  ['socket_filter', 'redirect', false],
  ['cgroup_sock_addr', 'bind', true],
  ['cgroup_sock_addr', 'bind', true, 'cgroup_inet4_connect'],
  ['cgroup_sock_addr', 'bind', false, 'cgroup_inet4_bind'],
  ['tracing', 'map_lookup_elem', true, 'trace_raw_tp'],
  ['tracing', 'map_lookup_elem', undefined, 'trace_fentry'],
  ['lsm', 'map_lookup_elem', undefined],
];

for (const [type, helper, wanted, attach] of CALLS) {
  t.test(`${type} ${attach ?? ''} calling ${helper}`, (t) => {
    t.equal(mayCall(type, HELPER_ROWS[helper].id, attach), wanted);
    t.end();
  });
}

t.test('no program may call a helper that does not exist', (t) => {
  for (const { name } of PROG_TYPES) for (const id of [0, HELPERS.length + 1, -1]) t.not(mayCall(name, id), true, name);
  t.end();
});

const ACCESSES: readonly [ProgTypeName, Access, off: number, bytes: number, boolean | undefined, AttachTypeName?][] = [
  ['xdp', 'read', 0, 4, true],
  ['xdp', 'read', 0, 2, false],
  ['xdp', 'read', 0, 8, false],
  ['xdp', 'read', 2, 4, false],
  ['xdp', 'read', 20, 4, false],
  ['xdp', 'read', 20, 4, true, 'xdp_devmap'],
  ['xdp', 'read', 24, 4, false],
  ['xdp', 'write', 0, 4, false],
  ['xdp', 'read', 0, 3, false],
  ['sched_cls', 'write', 8, 4, true],
  ['sched_cls', 'write', 0, 4, false],
  ['sched_cls', 'write', 49, 1, true],
  ['sched_cls', 'read', 168, 8, true],
  ['socket_filter', 'read', 76, 4, false],
  ['kprobe', 'read', 0, 8, undefined],
];

for (const [type, access, off, bytes, wanted, attach] of ACCESSES) {
  t.test(`${type} ${attach ?? ''} ${access} of ${bytes} bytes at ${off}`, (t) => {
    t.equal(ctxAccess(type, attach)?.allows(access, off, bytes), wanted);
    t.end();
  });
}

t.test('every context access lies inside the context', (t) => {
  for (const { name, ...row } of PROG_TYPES) {
    const allowed = ctxAccess(name);
    if (allowed === undefined || !('ctx' in row)) continue;
    const { bytes: size } = CTX_LAYOUTS[row.ctx];
    const beyond: string[] = [];
    for (const bytes of [1, 2, 4, 8]) {
      for (let off = 0; off < size + 16; off++) {
        const reaches = allowed.allows('read', off, bytes) || allowed.allows('write', off, bytes);
        if (reaches && (off % bytes !== 0 || off + bytes > size)) beyond.push(`${off}/${bytes}`);
      }
    }
    t.strictSame(beyond, [], name);
  }
  t.end();
});

t.test('what r0 must be', (t) => {
  t.equal(returnRange('xdp'), undefined);
  t.equal(returnRange('tracing', 'trace_raw_tp'), undefined);
  t.strictSame(returnRange('tracing', 'trace_iter'), { min: 0, max: 1 });
  t.strictSame(returnRange('cgroup_skb'), { min: 0, max: 1 });
  t.strictSame(returnRange('cgroup_skb', 'cgroup_inet_egress'), { min: 0, max: 3 });
  t.strictSame(returnRange('cgroup_sock_addr', 'cgroup_udp4_recvmsg'), { min: 1, max: 1 });
  t.end();
});
