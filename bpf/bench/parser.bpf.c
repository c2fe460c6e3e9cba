// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ethernet, up to two VLAN tags, IPv4 with options or IPv6, TCP or UDP: drops what goes to port 23. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct vlan {
	__be16 tci;
	__be16 protocol;
};

SEC("xdp")
int parser(struct xdp_md *ctx)
{
	void *at = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = at;
	__be16 protocol;
	__u8 next;

	at += sizeof(*eth);
	if (at > end)
		return XDP_DROP;
	protocol = eth->h_proto;
	for (int tags = 0; tags < 2; tags++) {
		struct vlan *vlan = at;

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		at += sizeof(*vlan);
		if (at > end)
			return XDP_DROP;
		protocol = vlan->protocol;
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = at;

		if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
			return XDP_DROP;
		if (ip->frag_off & bpf_htons(0x1fff))
			return XDP_PASS;
		next = ip->protocol;
		at += ip->ihl * 4;
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = at;

		at = ip + 1;
		if (at > end || ip->version != 6)
			return XDP_DROP;
		next = ip->nexthdr;
	} else {
		return XDP_PASS;
	}
	if (next == IPPROTO_TCP) {
		struct tcphdr *tcp = at;

		if ((void *)(tcp + 1) > end)
			return XDP_DROP;
		return tcp->dest == bpf_htons(23) ? XDP_DROP : XDP_PASS;
	}
	if (next == IPPROTO_UDP) {
		struct udphdr *udp = at;

		if ((void *)(udp + 1) > end)
			return XDP_DROP;
		return udp->dest == bpf_htons(23) ? XDP_DROP : XDP_PASS;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
