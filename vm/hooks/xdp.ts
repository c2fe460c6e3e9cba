/** XDP: ctx is struct xdp_md, read-only throughout. */
import { ConfigError } from '../errors.js';
import type { HookKind } from './hook.js';

const XDP_ABORTED = 0;

export const xdpHook: HookKind = {
  type: 'xdp',
  packet: 'xdp',
  begins: 'mac',
  ctx: 'xdp_md',
  trapVerdict: XDP_ABORTED,
  fill(_env, { sk, ctx }) {
    if (sk !== undefined) throw new ConfigError('config-value', 'a packet has no socket where XDP sees it');
    if (ctx !== undefined) throw new ConfigError('config-value', 'struct xdp_md follows from how the packet arrives');
  },
};
