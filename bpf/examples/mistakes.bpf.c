// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Mistakes that people make in C and the verifier refuses, one a program; test/verifier/mistakes.test.ts says how it is told. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* One of the mistakes. */
#pragma clang diagnostic ignored "-Wsometimes-uninitialized"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int missing_bounds_check(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;

	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return XDP_PASS;
	return XDP_DROP;
}

SEC("xdp")
int check_too_short(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	return ip->protocol == 6 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int missing_null_check(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1;
	return XDP_PASS;
}

SEC("xdp")
int unbounded_loop(struct xdp_md *ctx)
{
	__u8 *byte = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	while ((void *)(byte + 1) <= data_end) {
		if (*byte == 0xff)
			return XDP_DROP;
		byte++;
	}
	return XDP_PASS;
}

SEC("xdp")
int stale_packet_pointer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_DROP;
	eth->h_proto = bpf_htons(ETH_P_8021Q);
	return XDP_TX;
}

SEC("xdp")
int uninitialised_variable(struct xdp_md *ctx)
{
	int verdict;

	if (ctx->ingress_ifindex == 1)
		asm volatile("%0 = 2" : "=r"(verdict));
	return verdict;
}

SEC("tc")
int leaked_reference(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	tuple.ipv4.dport = bpf_htons(80);
	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	if (sk->state != 10)
		return TC_ACT_SHOT;
	bpf_sk_release(sk);
	return TC_ACT_OK;
}

SEC("cgroup_skb/ingress")
int wrong_return_value(struct __sk_buff *skb)
{
	return skb->len > 1500 ? -1 : 1;
}

SEC("xdp")
int index_off_by_one(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u8 *value = bpf_map_lookup_elem(&counts, &key);
	__u32 index = ctx->rx_queue_index;

	if (!value || index > sizeof(__u64))
		return XDP_DROP;
	value[index]++;
	return XDP_PASS;
}

SEC("xdp")
int signed_index(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u8 *value = bpf_map_lookup_elem(&counts, &key);
	int index = ctx->rx_queue_index;

	if (!value || index >= 8)
		return XDP_DROP;
	return value[index] ? XDP_DROP : XDP_PASS;
}

static __attribute__((noinline)) int inner(struct xdp_md *ctx)
{
	char name[300];

	__builtin_memset(name, 0, sizeof(name));
	return bpf_xdp_load_bytes(ctx, 0, name, sizeof(name)) + name[ctx->rx_queue_index & 63];
}

SEC("xdp")
int stack_too_deep(struct xdp_md *ctx)
{
	char name[300];

	__builtin_memset(name, 0, sizeof(name));
	bpf_xdp_load_bytes(ctx, 0, name, sizeof(name));
	return inner(ctx) + name[ctx->rx_queue_index & 63];
}

SEC("xdp")
int unbounded_copy(struct xdp_md *ctx)
{
	char name[16];
	__u32 bytes = ctx->data_end - ctx->data;

	if (bytes > 64)
		return XDP_DROP;
	if (bpf_xdp_load_bytes(ctx, 0, name, bytes))
		return XDP_DROP;
	return name[0];
}

SEC("xdp")
int context_to_map(struct xdp_md *ctx)
{
	__u32 key = 0;

	bpf_map_update_elem(&counts, &key, ctx, 0);
	return XDP_PASS;
}

SEC("xdp")
int use_after_submit(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&events, 8, 0);

	if (!record)
		return XDP_PASS;
	*record = 1;
	bpf_ringbuf_submit(record, 0);
	*record = 2;
	return XDP_PASS;
}

SEC("xdp")
int write_const(struct xdp_md *ctx)
{
	static const volatile __u32 limit = 5;

	*(volatile __u32 *)&limit = 6;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
