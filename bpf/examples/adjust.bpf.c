// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Changing the packet's geometry: push a header in front, cut the tail, keep metadata before the packet, and swap
 * an address with its checksum kept right by bpf_csum_diff. After each such helper every packet pointer is stale. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DATA(ctx) ((void *)(long)(ctx)->data)
#define DATA_END(ctx) ((void *)(long)(ctx)->data_end)
#define DATA_META(ctx) ((void *)(long)(ctx)->data_meta)

struct vlan_header {
	struct ethhdr ethernet;
	__be16 tag;
	__be16 ethertype;
};

SEC("xdp")
int push_vlan(struct xdp_md *ctx)
{
	struct vlan_header *vlan;
	struct ethhdr *old;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	vlan = DATA(ctx);
	old = DATA(ctx) + 4;
	if ((void *)(vlan + 1) > DATA_END(ctx) || (void *)(old + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	__builtin_memmove(vlan, old, 2 * ETH_ALEN);
	vlan->ethernet.h_proto = bpf_htons(ETH_P_8021Q);
	vlan->tag = bpf_htons(42);
	return XDP_TX;
}

SEC("xdp")
int trim(struct xdp_md *ctx)
{
	int size = ctx->data_end - ctx->data;

	if (size > 64 && bpf_xdp_adjust_tail(ctx, 64 - size))
		return XDP_ABORTED;
	return ctx->data_end - ctx->data <= 64 ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int grow(struct xdp_md *ctx)
{
	int before = ctx->data_end - ctx->data;
	__u8 *last;

	if (bpf_xdp_adjust_tail(ctx, 16))
		return XDP_DROP; /* no tailroom */
	if (ctx->data_end - ctx->data != before + 16)
		return XDP_ABORTED;
	last = DATA(ctx);
	if ((void *)(last + 16) > DATA_END(ctx))
		return XDP_ABORTED;
	return XDP_PASS;
}

SEC("xdp")
int mark(struct xdp_md *ctx)
{
	__u32 *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_ABORTED;
	meta = DATA_META(ctx);
	if ((void *)(meta + 1) > DATA(ctx))
		return XDP_ABORTED;
	*meta = 0x5ca1ab1e;
	return XDP_PASS;
}

/* Sends the packet to 192.0.2.99 instead, and mends the checksum by the difference. */
SEC("xdp")
int readdress(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = DATA(ctx);
	struct iphdr *ip = (void *)(ethernet + 1);
	__be32 old, new = bpf_htonl(0xc0000263);
	__s64 sum;

	if ((void *)(ip + 1) > DATA_END(ctx) || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	old = ip->daddr;
	sum = bpf_csum_diff(&old, sizeof(old), &new, sizeof(new), (__u16)~ip->check);
	if (sum < 0)
		return XDP_ABORTED;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->daddr = new;
	ip->check = ~sum;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
