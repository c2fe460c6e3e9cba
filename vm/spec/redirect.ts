/** Numbers that redirects share between helpers and what follows them: kinds of target, flags, struct sizes. Data only. */

/** What the cell `redirectKind` says. */
export const REDIRECT_KIND = { none: 0, ifindex: 1, map: 2 } as const;

/** BPF_F_INGRESS and its like; `neigh`, `peer` and `nexthop` are the helpers' own, and no program may give them. */
export const REDIRECT_FLAGS = {
  ingress: 1 << 0,
  broadcast: 1 << 3,
  excludeIngress: 1 << 4,
  neigh: 1 << 16,
  peer: 1 << 17,
  nexthop: 1 << 18,
} as const;

/** struct bpf_redir_neigh: u32 family, then an address of either family. */
export const REDIR_NEIGH_BYTES = 20;

export const AF_INET = 2;
export const AF_INET6 = 10;
