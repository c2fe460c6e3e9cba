/** Traffic control: classifiers and actions, also on tcx and netkit. ctx is struct __sk_buff. */
import { ctxRanges } from './ctx-ranges.js';
import type { Hook } from './hook.js';

const TC_ACT_SHOT = 2;

export const classifierHook: Hook = {
  type: 'sched_cls',
  packet: 'skb',
  ...ctxRanges('sched_cls', '__sk_buff'),
  trapVerdict: TC_ACT_SHOT,
};

export const actionHook: Hook = {
  type: 'sched_act',
  packet: 'skb',
  ...ctxRanges('sched_act', '__sk_buff'),
  trapVerdict: TC_ACT_SHOT,
};
