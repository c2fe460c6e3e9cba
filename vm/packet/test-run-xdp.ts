/**
 * BPF_PROG_TEST_RUN for XDP programs: which packets and contexts it takes, how it sets the buffer up, what it hands back. A
 * model of bpf_prog_test_run_xdp in net/bpf/test_run.c of Linux 6.18; live frames (BPF_F_TEST_XDP_LIVE_FRAMES) are missing.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { errno } from '../spec/errno.js';
import {
  CTX_INGRESS_IFINDEX,
  MIN_PACKET_BYTES,
  XDP_FRAME_BYTES,
  XDP_HEADROOM_BYTES,
  XDP_LINEAR_BYTES,
} from './xdp-buff.js';
import type { XdpBuff } from './xdp-buff.js';

const CTX_BYTES = CTX_LAYOUTS.xdp_md.bytes;
/** struct xdp_md */
const off = {
  data: 0,
  dataEnd: 4,
  dataMeta: 8,
  ingressIfindex: CTX_INGRESS_IFINDEX,
  rxQueueIndex: 16,
  egressIfindex: 20,
};
const LOOPBACK = 1;
const PAGE_BYTES = 4096;
const MAX_FRAGMENTS = 17;

/**
 * Sets the buffer up as the kernel would: what is longer than a page lies in fragments.
 * @param context struct xdp_md, or its first bytes; `data` is then the length of metadata in front of the packet, `data_end`
 *   where fragments begin
 * @returns 0, or the errno with which the command fails
 */
export function beginXdpTestRun(xdp: XdpBuff, packet: Uint8Array, context?: Uint8Array, flags = 0): number {
  if (flags !== 0) return errno.EINVAL;
  let metaBytes = 0;
  let linearBytes = packet.length;
  let ifindex = LOOPBACK;
  if (context !== undefined) {
    if (context.subarray(CTX_BYTES).some((byte) => byte !== 0)) return errno.E2BIG;
    const view = viewOf(concatBytes([context.subarray(0, CTX_BYTES), new Uint8Array(CTX_BYTES)]));
    const word = (at: number): number => view.getUint32(at, true);
    metaBytes = word(off.data);
    linearBytes = word(off.dataEnd);
    if (word(off.dataMeta) !== 0 || linearBytes > packet.length || metaBytes > linearBytes) return errno.EINVAL;
    if (metaBytes % 4 !== 0 || metaBytes > XDP_HEADROOM_BYTES - XDP_FRAME_BYTES) return errno.EINVAL;
    if (word(off.egressIfindex) !== 0) return errno.EINVAL;
    if (word(off.ingressIfindex) > LOOPBACK) return errno.ENODEV;
    if (word(off.rxQueueIndex) !== 0) return errno.EINVAL;
    ifindex = word(off.ingressIfindex) || LOOPBACK;
  }
  if (packet.length - metaBytes < MIN_PACKET_BYTES) return errno.EINVAL;
  linearBytes = Math.min(linearBytes - metaBytes, XDP_LINEAR_BYTES);
  if (packet.length - metaBytes - linearBytes > MAX_FRAGMENTS * PAGE_BYTES) return errno.ENOMEM;
  xdp.receive(packet.subarray(metaBytes), ifindex, 0, linearBytes);
  if (metaBytes > 0) xdp.putMetadata(packet.subarray(0, metaBytes));
  return 0;
}

/** What the command answers after the program: metadata and packet, and struct xdp_md where one was given. */
export function endXdpTestRun(
  xdp: XdpBuff,
  given?: Uint8Array,
): { readonly errno: number; readonly data: Uint8Array; readonly context: Uint8Array } {
  const metaBytes = xdp.data - xdp.meta;
  const data = xdp.memory.read(xdp.meta, metaBytes + xdp.totalBytes);
  if (given === undefined) return { errno: 0, data, context: new Uint8Array(0) };
  const context = new Uint8Array(CTX_BYTES);
  context.set(given.subarray(0, CTX_BYTES));
  const view = viewOf(context);
  view.setUint32(off.data, metaBytes, true);
  view.setUint32(off.dataEnd, metaBytes + xdp.lengthBytes, true);
  view.setUint32(off.dataMeta, 0, true);
  return { errno: given.length < CTX_BYTES ? errno.ENOSPC : 0, data, context };
}
