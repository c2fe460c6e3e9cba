/**
 * Connection tracking as programs ask for it. The world has no connections of the kernel's: a lookup that is well formed
 * finds none, others fail as in net/netfilter/nf_conntrack_bpf.c of Linux 6.18.
 */
import type { Ptr } from '../addr.js';
import type { Machine } from '../machine/machine.js';
import { errno } from '../spec/errno.js';
import type { Kfunc } from './kfunc.js';

/** struct bpf_ct_opts, and what it was before it had a zone. */
const OPTS_BYTES = 16;
const OLD_OPTS_BYTES = 12;
const off: Readonly<Record<'netns' | 'error' | 'l4proto' | 'zone' | 'reserved', number>> = {
  netns: 0,
  error: 4,
  l4proto: 8,
  zone: 10,
  reserved: 13,
};
/** Of struct bpf_sock_tuple. */
const IPV4_TUPLE_BYTES = 12;
const IPV6_TUPLE_BYTES = 36;

const TCP = 6;
const UDP = 17;
const CURRENT_NETNS = -1;

function bindLookup({ memory: { view } }: Machine) {
  return (_ctx = 0, _tuple = 0, tupleBytes = 0, opts = 0, optsBytes = 0): Ptr => {
    view.setInt32(opts + off.error, -judge(view, tupleBytes >>> 0, opts, optsBytes >>> 0), true);
    return 0;
  };
}

/** The errno of a lookup. */
function judge(view: DataView, tupleBytes: number, opts: Ptr, optsBytes: number): number {
  if (optsBytes === OPTS_BYTES) {
    for (let i = off.reserved; i < OPTS_BYTES; i++) if (view.getUint8(opts + i) !== 0) return errno.EINVAL;
  } else if (optsBytes !== OLD_OPTS_BYTES || view.getUint16(opts + off.zone, true) !== 0) return errno.EINVAL;
  const l4proto = view.getUint8(opts + off.l4proto);
  if (l4proto !== TCP && l4proto !== UDP) return errno.EPROTO;
  const netns = view.getInt32(opts + off.netns, true);
  if (netns < CURRENT_NETNS) return errno.EINVAL;
  if (tupleBytes !== IPV4_TUPLE_BYTES && tupleBytes !== IPV6_TUPLE_BYTES) return errno.EAFNOSUPPORT;
  return netns === CURRENT_NETNS ? errno.ENOENT : errno.ENONET;
}

export const skbCtLookup: Kfunc = { name: 'bpf_skb_ct_lookup', bind: bindLookup };
export const xdpCtLookup: Kfunc = { name: 'bpf_xdp_ct_lookup', bind: bindLookup };

/** No lookup gives anything that could be released. */
export const ctRelease: Kfunc = { name: 'bpf_ct_release', bind: () => () => 0 };
