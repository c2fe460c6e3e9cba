/** What comes in to and goes out from the sockets of a cgroup; the data begin with the IP header. */
import { skbHook } from './skb-hook.js';

const REJECT = 0;

export const cgroupSkbHook = skbHook({ type: 'cgroup_skb', begins: 'network', trapVerdict: REJECT });
