/** XDP: ctx is struct xdp_md, read-only throughout. */
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { Hook } from './hook.js';

const XDP_ABORTED = 0;

export const xdpHook: Hook = {
  type: 'xdp',
  packet: 'xdp',
  ctxBytes: CTX_LAYOUTS.xdp_md.bytes,
  readable: [[0, CTX_LAYOUTS.xdp_md.bytes]],
  writable: [],
  special: [],
  trapVerdict: XDP_ABORTED,
};
