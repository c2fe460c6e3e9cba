/** Numbers of tunnel metadata: flags of the helpers, and what a socket buffer remembers of them. Data only. */

/** struct bpf_tunnel_key. */
export const TUNNEL_KEY_BYTES = 44;

/** Flags of bpf_skb_set_tunnel_key, and the ones that bpf_skb_get_tunnel_key has of its own. */
export const TUNNEL_SET = {
  /** BPF_F_TUNINFO_IPV6, of both. */
  ipv6: 1 << 0,
  /** BPF_F_ZERO_CSUM_TX */
  zeroCsum: 1 << 1,
  /** BPF_F_DONT_FRAGMENT */
  dontFragment: 1 << 2,
  /** BPF_F_SEQ_NUMBER */
  sequence: 1 << 3,
  /** BPF_F_NO_TUNNEL_KEY */
  noKey: 1 << 4,
  /** BPF_F_TUNINFO_FLAGS, of `get` */
  getFlags: 1 << 4,
} as const;

/** Bits of tunnel_flags (IP_TUNNEL_..._BIT), in host order. */
export const TUNNEL_INFO = {
  checksum: 1 << 0,
  key: 1 << 2,
  sequence: 1 << 3,
  dontFragment: 1 << 8,
  geneveOptions: 1 << 11,
  vxlanOptions: 1 << 12,
  noCache: 1 << 13,
  erspanOptions: 1 << 14,
  gtpOptions: 1 << 15,
} as const;
