/** Filters on sockets: r0 is how many bytes are kept. Packet sockets show them whole frames; so does skep. */
import { skbHook } from './skb-hook.js';

export const socketFilterHook = skbHook({ type: 'socket_filter', begins: 'mac', trapVerdict: 0 });
