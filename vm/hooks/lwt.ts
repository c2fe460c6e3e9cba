/** Programs on routes (lightweight tunnels); the data begin with the IP header. */
import { skbHook } from './skb-hook.js';

const BPF_DROP = 2;

export const lwtInHook = skbHook({ type: 'lwt_in', begins: 'network', trapVerdict: BPF_DROP });
export const lwtOutHook = skbHook({ type: 'lwt_out', begins: 'network', trapVerdict: BPF_DROP });
export const lwtXmitHook = skbHook({ type: 'lwt_xmit', begins: 'network', trapVerdict: BPF_DROP });
export const lwtSeg6localHook = skbHook({ type: 'lwt_seg6local', begins: 'network', trapVerdict: BPF_DROP });
