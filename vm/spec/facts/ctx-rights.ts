/**
 * Which context bytes a program may read and write.
 * Recorded from Linux 6.18 by `npm run probe:kernel`; do not edit.
 * `sites`: program types, alone or with an attach point. Width in bytes -> runs of offsets, a width apart.
 */
export const CTX_RIGHTS = [
  {
    sites: 'socket_filter',
    read: { 1: '0-71,84-87,164-167,176-179', 2: '0-70,84-86,164-166,176-178', 4: '0-68,84,164,176', 8: '48-56,168' },
    write: { 1: '48-67', 2: '48-66', 4: '48-64', 8: '48-56' },
  },
  {
    sites: 'sched_cls sched_act',
    read: {
      1: '0-75,84-87,160-167,176-180',
      2: '0-74,84-86,160-166,176-178',
      4: '0-84,140,160-164,176',
      8: '48-56,152,168,184',
    },
    write: { 1: '48-67', 2: '48-66', 4: '8-12,32,44-64,72', 8: '48-56,152' },
  },
  {
    sites: 'xdp xdp/xdp xdp/xdp_cpumap',
    read: { 1: '', 2: '', 4: '0-16', 8: '' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  { sites: 'xdp/xdp_devmap', read: { 1: '', 2: '', 4: '0-20', 8: '' }, write: { 1: '', 2: '', 4: '', 8: '' } },
  {
    sites: 'perf_event',
    read: { 1: '168-183', 2: '168-182', 4: '168-180', 8: '0-176' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'cgroup_skb cgroup_skb/cgroup_inet_ingress cgroup_skb/cgroup_inet_egress',
    read: {
      1: '0-71,84-91,132-139,164-167,176-179',
      2: '0-70,84-90,132-138,164-166,176-178',
      4: '0-68,76-136,164,176',
      8: '48-56,152,168,184',
    },
    write: { 1: '48-67', 2: '48-66', 4: '8,32,48-64', 8: '48-56,152' },
  },
  {
    sites: 'cgroup_sock cgroup_sock/cgroup_inet_sock_create cgroup_sock/cgroup_inet_sock_release',
    read: { 1: '4,8,12,48-49,52-72,76', 2: '4,8,12,48,52-72,76', 4: '0-20,48-76', 8: '' },
    write: { 1: '', 2: '', 4: '0,16-20', 8: '' },
  },
  {
    sites: 'cgroup_sock/cgroup_inet4_post_bind',
    read: { 1: '4,8,12,24-27,44,48-49,52-72,76', 2: '4,8,12,24-26,44,48,52-72,76', 4: '4-12,24,44-76', 8: '' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'cgroup_sock/cgroup_inet6_post_bind',
    read: { 1: '4,8,12,28-44,48-49,52-72,76', 2: '4,8,12,28-44,48,52-72,76', 4: '4-12,28-76', 8: '' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'lwt_in lwt_out lwt_xmit lwt_seg6local',
    read: { 1: '0-71,84-87,164-167,176-179', 2: '0-70,84-86,164-166,176-178', 4: '0-68,76-84,164,176', 8: '48-56,168' },
    write: { 1: '48-67', 2: '48-66', 4: '8,32,48-64', 8: '48-56' },
  },
  {
    sites: 'sock_ops sock_ops/cgroup_sock_ops',
    read: { 1: '212', 2: '212', 4: '0-164,208-212', 8: '168-200,216' },
    write: { 1: '', 2: '', 4: '4,164', 8: '' },
  },
  {
    sites: 'sk_skb',
    read: {
      1: '0-7,12-71,84-91,132-139,164-167,176-179',
      2: '0-6,12-70,84-90,132-138,164-166,176-178',
      4: '0-4,12-68,76-136,164,176',
      8: '48-56,168',
    },
    write: { 1: '', 2: '', 4: '32,44', 8: '' },
  },
  {
    sites: 'cgroup_device cgroup_device/cgroup_device',
    read: { 1: '0-3', 2: '0-2', 4: '0-8', 8: '' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'sk_msg sk_msg/sk_msg_verdict',
    read: { 1: '', 2: '', 4: '16-68', 8: '0-8,72' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites:
      'cgroup_sock_addr cgroup_sock_addr/cgroup_inet4_connect cgroup_sock_addr/cgroup_inet4_bind cgroup_sock_addr/cgroup_udp4_recvmsg cgroup_sock_addr/cgroup_inet4_getpeername cgroup_sock_addr/cgroup_inet4_getsockname',
    read: { 1: '4-7,24-27', 2: '4-6,24-26', 4: '0-4,24-36', 8: '64' },
    write: { 1: '', 2: '', 4: '4,24', 8: '' },
  },
  {
    sites:
      'cgroup_sock_addr/cgroup_inet6_connect cgroup_sock_addr/cgroup_inet6_bind cgroup_sock_addr/cgroup_udp6_recvmsg cgroup_sock_addr/cgroup_inet6_getpeername cgroup_sock_addr/cgroup_inet6_getsockname',
    read: { 1: '8-27', 2: '8-26', 4: '0,8-36', 8: '8-16,64' },
    write: { 1: '', 2: '', 4: '8-24', 8: '8-16' },
  },
  {
    sites:
      'cgroup_sock_addr/cgroup_unix_connect cgroup_sock_addr/cgroup_unix_sendmsg cgroup_sock_addr/cgroup_unix_recvmsg cgroup_sock_addr/cgroup_unix_getpeername cgroup_sock_addr/cgroup_unix_getsockname',
    read: { 1: '24-27', 2: '24-26', 4: '0,24-36', 8: '64' },
    write: { 1: '', 2: '', 4: '24', 8: '' },
  },
  {
    sites: 'cgroup_sock_addr/cgroup_udp4_sendmsg',
    read: { 1: '4-7,24-27,40-43', 2: '4-6,24-26,40-42', 4: '0-4,24-40', 8: '64' },
    write: { 1: '', 2: '', 4: '4,24,40', 8: '' },
  },
  {
    sites: 'cgroup_sock_addr/cgroup_udp6_sendmsg',
    read: { 1: '8-27,44-59', 2: '8-26,44-58', 4: '0,8-36,44-56', 8: '8-16,48,64' },
    write: { 1: '', 2: '', 4: '8-24,44-56', 8: '8-16,48' },
  },
  {
    sites: 'sk_reuseport sk_reuseport/sk_reuseport_select sk_reuseport/sk_reuseport_select_or_migrate',
    read: { 1: '16-19,24-31', 2: '16-30', 4: '16-32', 8: '0-8,40-48' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'flow_dissector flow_dissector/flow_dissector',
    read: { 1: '', 2: '', 4: '76-80', 8: '144' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'cgroup_sysctl cgroup_sysctl/cgroup_sysctl',
    read: { 1: '0-7', 2: '0-6', 4: '0-4', 8: '' },
    write: { 1: '', 2: '', 4: '4', 8: '' },
  },
  {
    sites: 'cgroup_sockopt cgroup_sockopt/cgroup_getsockopt',
    read: { 1: '', 2: '', 4: '24-36', 8: '0-16' },
    write: { 1: '', 2: '', 4: '32-36', 8: '' },
  },
  {
    sites: 'cgroup_sockopt/cgroup_setsockopt',
    read: { 1: '', 2: '', 4: '24-32', 8: '0-16' },
    write: { 1: '', 2: '', 4: '24-32', 8: '' },
  },
  {
    sites: 'sk_lookup sk_lookup/sk_lookup',
    read: { 1: '8-67', 2: '8-66', 4: '8-64', 8: '0' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
  {
    sites: 'netfilter netfilter/netfilter',
    read: { 1: '', 2: '', 4: '', 8: '0-8' },
    write: { 1: '', 2: '', 4: '', 8: '' },
  },
] as const;
