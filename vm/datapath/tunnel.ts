/** Which tunnel a packet is to go through, as its program said (bpf_skb_set_tunnel_key). Says it; encapsulates nothing. */
import { toHex } from '../bytes.js';
import type { Hook } from '../hooks/hook.js';
import type { Machine } from '../machine/machine.js';
import { tunnelOf } from '../packet/skb-tunnel.js';
import { TUNNEL_INFO } from '../spec/tunnel.js';
import { formatIp } from '../world/ip-prefix.js';

/** What a tunnel device would send the packet with. */
export interface Tunnel {
  readonly id: number;
  readonly remote: string;
  /** `0.0.0.0` or `::` where the route decides. */
  readonly local: string;
  readonly tos: number;
  /** 0: the device's. */
  readonly ttl: number;
  /** IPv6 flow label. */
  readonly label: number;
  readonly dontFragment: boolean;
  /** Whether the outer UDP or GRE header has a checksum, whether it has a key, a sequence number. */
  readonly checksum: boolean;
  readonly key: boolean;
  readonly sequence: boolean;
  /** Options of the tunnel's header in hexadecimal, where there are some (bpf_skb_set_tunnel_opt). */
  readonly options?: string;
}

/** Undefined where the program set none. */
export function tunnelOfPacket({ memory }: Machine, hook: Hook): Tunnel | undefined {
  const info = hook.packet === 'skb' ? tunnelOf(memory) : undefined;
  if (info === undefined) return undefined;
  const { id, remote, local, tos, ttl, label, flags, options } = info;
  return {
    id,
    remote: formatIp(remote),
    local: formatIp(local),
    tos,
    ttl,
    label,
    dontFragment: (flags & TUNNEL_INFO.dontFragment) !== 0,
    checksum: (flags & TUNNEL_INFO.checksum) !== 0,
    key: (flags & TUNNEL_INFO.key) !== 0,
    sequence: (flags & TUNNEL_INFO.sequence) !== 0,
    ...(options.length === 0 ? {} : { options: toHex(options) }),
  };
}

/** `tunnel 7 to 192.0.2.1` */
export function tunnelText({ id, remote }: Tunnel): string {
  return `tunnel ${String(id)} to ${remote}`;
}
