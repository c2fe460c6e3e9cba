/**
 * What a socket buffer says of the tunnel that it is to be sent through: the metadata destination of Linux 6.18 (struct
 * ip_tunnel_info), in cells. It is there once a program has set a key. Knows no tunnel device and no header.
 */
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { errno } from '../spec/errno.js';
import { TUNNEL_INFO, TUNNEL_KEY_BYTES, TUNNEL_SET } from '../spec/tunnel.js';

/** struct bpf_tunnel_key. */
const keyOff = { id: 0, remote: 4, tos: 20, ttl: 21, ext: 22, label: 24, local: 28 } as const;
/** Lengths that older programs give: up to the end of remote_ipv4, tunnel_ext, tunnel_label, local_ipv6. */
const OLD_LENGTHS: readonly number[] = [8, keyOff.ext, keyOff.label, keyOff.local];
const IP_BYTES = 16;
const FLOW_LABEL_MASK = 0xf_ffff;

const OPTIONS_MAX = 255;

/** States of the cell `tunnelMode`. */
const MODE_NONE = 0;
const MODE_IPV4 = 1;
const MODE_IPV6 = 2;

const SET_FLAGS =
  TUNNEL_SET.ipv6 | TUNNEL_SET.zeroCsum | TUNNEL_SET.dontFragment | TUNNEL_SET.sequence | TUNNEL_SET.noKey;
const INFO_OPTIONS =
  TUNNEL_INFO.geneveOptions | TUNNEL_INFO.vxlanOptions | TUNNEL_INFO.erspanOptions | TUNNEL_INFO.gtpOptions;

/** bpf_skb_set_tunnel_key. */
export function setTunnelKey(memory: Memory, from: Ptr, bytes: number, flags: number, flagsHi: number): number {
  if ((flags & ~SET_FLAGS) !== 0 || flagsHi !== 0) return -errno.EINVAL;
  if (bytes !== TUNNEL_KEY_BYTES && !OLD_LENGTHS.includes(bytes)) return -errno.EINVAL;
  const { view } = memory;
  const isIpv6 = (flags & TUNNEL_SET.ipv6) !== 0;
  // What an older program does not know of counts as 0.
  const label = bytes >= keyOff.label + 4 ? view.getUint32(from + keyOff.label, true) : 0;
  const ext = bytes >= keyOff.ext + 2 ? view.getUint16(from + keyOff.ext, true) : 0;
  if ((!isIpv6 && label !== 0) || ext !== 0) return -errno.EINVAL;
  memory.u8.fill(0, cells.tunnelKey, cells.tunnelKey + TUNNEL_KEY_BYTES);
  memory.u8.copyWithin(cells.tunnelKey, from, from + bytes);
  memory.setWord(cells.tunnelKey + keyOff.label, label & FLOW_LABEL_MASK);
  if (!isIpv6) {
    for (const end of [keyOff.remote, keyOff.local]) {
      memory.u8.fill(0, cells.tunnelKey + end + 4, cells.tunnelKey + end + IP_BYTES);
    }
  }
  memory.setWord(cells.tunnelMode, isIpv6 ? MODE_IPV6 : MODE_IPV4);
  memory.setWord(
    cells.tunnelFlags,
    TUNNEL_INFO.noCache |
      ((flags & TUNNEL_SET.zeroCsum) === 0 ? TUNNEL_INFO.checksum : 0) |
      ((flags & TUNNEL_SET.noKey) === 0 ? TUNNEL_INFO.key : 0) |
      ((flags & TUNNEL_SET.sequence) === 0 ? 0 : TUNNEL_INFO.sequence) |
      ((flags & TUNNEL_SET.dontFragment) === 0 ? 0 : TUNNEL_INFO.dontFragment),
  );
  memory.setWord(cells.tunnelOptionBytes, 0);
  return 0;
}

/** bpf_skb_get_tunnel_key. It tells of a packet's way here, so that what was set as remote comes back as local. */
export function getTunnelKey(memory: Memory, to: Ptr, bytes: number, flags: number, flagsHi: number): number {
  const result = readKey(memory, to, bytes, flags, flagsHi);
  if (result !== 0) memory.u8.fill(0, to, to + bytes);
  return result;
}

function readKey(memory: Memory, to: Ptr, bytes: number, flags: number, flagsHi: number): number {
  const mode = memory.word(cells.tunnelMode);
  const known = TUNNEL_SET.ipv6 | TUNNEL_SET.getFlags;
  if (mode === MODE_NONE || (flags & ~known) !== 0 || flagsHi !== 0) return -errno.EINVAL;
  if (((flags & TUNNEL_SET.ipv6) !== 0) !== (mode === MODE_IPV6)) return -errno.EPROTO;
  if (bytes !== TUNNEL_KEY_BYTES) {
    if (!OLD_LENGTHS.includes(bytes) || (bytes === OLD_LENGTHS[0] && mode === MODE_IPV6)) return -errno.EINVAL;
  }
  const { u8, view } = memory;
  const key = memory.read(cells.tunnelKey, TUNNEL_KEY_BYTES);
  key.copyWithin(keyOff.local, keyOff.remote, keyOff.remote + IP_BYTES);
  key.set(memory.read(cells.tunnelKey + keyOff.local, IP_BYTES), keyOff.remote);
  u8.set(key.subarray(0, bytes), to);
  const tells = (flags & TUNNEL_SET.getFlags) !== 0;
  if (bytes >= keyOff.ext + 2) view.setUint16(to + keyOff.ext, tells ? memory.word(cells.tunnelFlags) : 0);
  return 0;
}

/** bpf_skb_set_tunnel_opt: options go with the key that a program set before. */
export function setTunnelOptions(memory: Memory, from: Ptr, bytes: number): number {
  if (memory.word(cells.tunnelMode) === MODE_NONE || bytes % 4 !== 0) return -errno.EINVAL;
  if (bytes > OPTIONS_MAX) return -errno.ENOMEM;
  memory.u8.copyWithin(cells.tunnelOptions, from, from + bytes);
  memory.setWord(cells.tunnelOptionBytes, bytes);
  memory.setWord(cells.tunnelFlags, memory.word(cells.tunnelFlags) | INFO_OPTIONS);
  return 0;
}

/** bpf_skb_get_tunnel_opt: the number of bytes, or an errno and zeros. */
export function getTunnelOptions(memory: Memory, to: Ptr, bytes: number): number {
  const has = memory.word(cells.tunnelOptionBytes);
  const isThere = memory.word(cells.tunnelMode) !== MODE_NONE && (memory.word(cells.tunnelFlags) & INFO_OPTIONS) !== 0;
  const result = !isThere ? -errno.ENOENT : bytes < has ? -errno.ENOMEM : has;
  const kept = Math.max(0, result);
  memory.u8.copyWithin(to, cells.tunnelOptions, cells.tunnelOptions + kept);
  memory.u8.fill(0, to + kept, to + bytes);
  return result;
}

/** The tunnel, read back for whoever looks at the packet from outside. */
export interface TunnelInfo {
  readonly id: number;
  /** IPv4 or IPv6 addresses in network order. */
  readonly remote: Uint8Array;
  readonly local: Uint8Array;
  readonly tos: number;
  readonly ttl: number;
  /** IPv6 flow label. */
  readonly label: number;
  /** Bits of `TUNNEL_INFO`. */
  readonly flags: number;
  readonly options: Uint8Array;
}

export function tunnelOf(memory: Memory): TunnelInfo | undefined {
  const mode = memory.word(cells.tunnelMode);
  if (mode === MODE_NONE) return undefined;
  const address = (off: number): Uint8Array =>
    mode === MODE_IPV6 ? memory.read(cells.tunnelKey + off, IP_BYTES) : memory.read(cells.tunnelKey + off, 4).reverse();
  return {
    id: memory.word(cells.tunnelKey + keyOff.id),
    remote: address(keyOff.remote),
    local: address(keyOff.local),
    tos: memory.view.getUint8(cells.tunnelKey + keyOff.tos),
    ttl: memory.view.getUint8(cells.tunnelKey + keyOff.ttl),
    label: memory.word(cells.tunnelKey + keyOff.label),
    flags: memory.word(cells.tunnelFlags),
    options: memory.read(cells.tunnelOptions, memory.word(cells.tunnelOptionBytes)),
  };
}
