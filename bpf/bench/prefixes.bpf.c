// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A policy by address: longest prefixes of source and destination, then a rule for the pair, counted per CPU. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct prefix {
	__u32 bits;
	__be32 address;
};

struct pair {
	__u32 from;
	__u32 to;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} identities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct pair);
	__type(value, __u32);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __u32 identity(__be32 address)
{
	struct prefix key = { .bits = 32, .address = address };
	__u32 *found = bpf_map_lookup_elem(&identities, &key);

	return found ? *found : 0;
}

SEC("xdp")
int prefixes(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct pair pair;
	__u32 verdict = 0, *rule;
	__u64 *count;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	pair.from = identity(ip->saddr);
	pair.to = identity(ip->daddr);
	rule = bpf_map_lookup_elem(&rules, &pair);
	if (rule)
		verdict = *rule & 3;
	count = bpf_map_lookup_elem(&counts, &verdict);
	if (count)
		(*count)++;
	return verdict ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
