/**
 * What r0 must be at exit; types that are not listed may return anything.
 * Recorded from Linux 6.18 by `npm run probe:kernel`; do not edit.
 * `sites`: program types, alone or with an attach point.
 */
export const RETURN_RANGES = [
  {
    sites:
      'cgroup_skb cgroup_skb/cgroup_inet_ingress cgroup_sock cgroup_sock/cgroup_inet_sock_create cgroup_sock/cgroup_inet_sock_release cgroup_sock/cgroup_inet4_post_bind cgroup_sock/cgroup_inet6_post_bind sock_ops sock_ops/cgroup_sock_ops cgroup_device cgroup_device/cgroup_device cgroup_sock_addr cgroup_sock_addr/cgroup_inet4_connect cgroup_sock_addr/cgroup_inet6_connect cgroup_sock_addr/cgroup_unix_connect cgroup_sock_addr/cgroup_udp4_sendmsg cgroup_sock_addr/cgroup_udp6_sendmsg cgroup_sock_addr/cgroup_unix_sendmsg cgroup_sysctl cgroup_sysctl/cgroup_sysctl cgroup_sockopt cgroup_sockopt/cgroup_getsockopt cgroup_sockopt/cgroup_setsockopt tracing/trace_iter sk_lookup sk_lookup/sk_lookup netfilter netfilter/netfilter',
    min: 0,
    max: 1,
  },
  {
    sites: 'cgroup_skb/cgroup_inet_egress cgroup_sock_addr/cgroup_inet4_bind cgroup_sock_addr/cgroup_inet6_bind',
    min: 0,
    max: 3,
  },
  {
    sites:
      'cgroup_sock_addr/cgroup_udp4_recvmsg cgroup_sock_addr/cgroup_udp6_recvmsg cgroup_sock_addr/cgroup_unix_recvmsg cgroup_sock_addr/cgroup_inet4_getpeername cgroup_sock_addr/cgroup_inet6_getpeername cgroup_sock_addr/cgroup_unix_getpeername cgroup_sock_addr/cgroup_inet4_getsockname cgroup_sock_addr/cgroup_inet6_getsockname cgroup_sock_addr/cgroup_unix_getsockname',
    min: 1,
    max: 1,
  },
] as const;
