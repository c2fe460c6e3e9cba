// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs for the traffic control hook: a classifier that reads and writes the socket buffer's fields and packet,
 * under each section name that means it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int mark_ip(struct __sk_buff *skb)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;

	if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	if (ethernet->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	skb->mark = skb->len;
	skb->cb[0] = skb->protocol;
	skb->priority = skb->ifindex;
	return TC_ACT_OK;
}

SEC("tcx/ingress")
int next(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("classifier")
int old_name(struct __sk_buff *skb)
{
	return skb->vlan_present ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("action")
int act(struct __sk_buff *skb)
{
	return TC_ACT_PIPE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
