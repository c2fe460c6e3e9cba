/** Traffic control: classifiers and actions, also on tcx and netkit. ctx is struct __sk_buff. */
import { skbHook } from './skb-hook.js';

const TC_ACT_SHOT = 2;

export const classifierHook = skbHook({ type: 'sched_cls', begins: 'mac', trapVerdict: TC_ACT_SHOT });
export const actionHook = skbHook({ type: 'sched_act', begins: 'mac', trapVerdict: TC_ACT_SHOT });
