/**
 * BPF_PROG_TEST_RUN for XDP programs: which packets and contexts it takes, how it sets the buffer up, what it hands back.
 * A model of bpf_prog_test_run_xdp in net/bpf/test_run.c of Linux 6.18, for packets of one buffer.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { errno } from '../spec/errno.js';
import { ETH_HEADER_BYTES } from './ether-type.js';
import { XDP_FRAME_BYTES, XDP_HEADROOM_BYTES } from './xdp-buff.js';
import type { XdpBuff } from './xdp-buff.js';

/** The loopback device, the only one that every machine has. Its only queue is 0. */
const LOOPBACK = 1;

/** Offsets in struct xdp_md. The first two count from the start of the metadata in this command. */
const DATA = 0;
const DATA_END = 4;
const DATA_META = 8;
const INGRESS_IFINDEX = 12;
const RX_QUEUE_INDEX = 16;
const EGRESS_IFINDEX = 20;

/**
 * Sets the buffer up as the kernel would.
 * @param packet with its metadata in front where the context says so
 * @param context struct xdp_md, or its first bytes; undefined: none
 * @returns 0, or the errno with which the command fails
 */
export function beginXdpTestRun(xdp: XdpBuff, packet: Uint8Array, context?: Uint8Array): number {
  let metaBytes = 0;
  if (context !== undefined) {
    const { bytes: ctxBytes } = CTX_LAYOUTS.xdp_md;
    if (context.subarray(ctxBytes).some((byte) => byte !== 0)) return errno.E2BIG;
    const given = concatBytes([context.subarray(0, ctxBytes), new Uint8Array(Math.max(0, ctxBytes - context.length))]);
    const word = (off: number): number => viewOf(given).getUint32(off, true);
    metaBytes = word(DATA);
    const isMeta = metaBytes % 4 === 0 && metaBytes <= XDP_HEADROOM_BYTES - XDP_FRAME_BYTES;
    if (word(DATA_META) !== 0 || word(DATA_END) > packet.length || metaBytes > word(DATA_END) || !isMeta) {
      return errno.EINVAL;
    }
    const ifindex = word(INGRESS_IFINDEX);
    if (word(EGRESS_IFINDEX) !== 0 || (ifindex === 0 && word(RX_QUEUE_INDEX) !== 0)) return errno.EINVAL;
    if (ifindex > LOOPBACK) return errno.ENODEV;
    if (word(RX_QUEUE_INDEX) !== 0) return errno.EINVAL;
  }
  if (packet.length - metaBytes < ETH_HEADER_BYTES) return errno.EINVAL;
  xdp.receive(packet.subarray(metaBytes), LOOPBACK);
  if (metaBytes > 0) xdp.putMetadata(packet.subarray(0, metaBytes));
  return 0;
}

/**
 * What the command answers after the program: metadata and packet, and struct xdp_md.
 * @param given the context as it came in; undefined: none comes back
 */
export function endXdpTestRun(
  xdp: XdpBuff,
  given: Uint8Array | undefined,
): { readonly errno: number; readonly data: Uint8Array; readonly context: Uint8Array } {
  const data = xdp.memory.read(xdp.meta, xdp.end - xdp.meta);
  if (given === undefined) return { errno: 0, data, context: new Uint8Array(0) };
  const { bytes: ctxBytes } = CTX_LAYOUTS.xdp_md;
  const context = new Uint8Array(ctxBytes);
  context.set(given.subarray(0, ctxBytes));
  const view = viewOf(context);
  view.setUint32(DATA, xdp.data - xdp.meta, true);
  view.setUint32(DATA_END, xdp.end - xdp.meta, true);
  return { errno: given.length < ctxBytes ? errno.ENOSPC : 0, data, context };
}
