// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps that hold maps, filled by relocations in `.values`; slot 1 of each is left empty. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct inner_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} even SEC(".maps"), odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner_array);
} by_parity SEC(".maps") = {
	.values = { [0] = &even, [2] = &odd },
};

struct inner_hash {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} tenant SEC(".maps");

/* The keys of a hash of maps are the indices of its initialiser. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner_hash);
} by_tenant SEC(".maps") = {
	.values = { [0] = &tenant },
};

/* The inner map is described in place and has no variable: a loader or operator supplies the maps. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 8);
			__type(key, __u64);
			__type(value, __u32);
		});
} empty SEC(".maps");

SEC("xdp")
int count_parity(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data, zero = 0, slot = size & 1 ? 2 : 0;
	__u64 *count, key = size;
	void *inner;

	inner = bpf_map_lookup_elem(&by_parity, &slot);
	if (!inner)
		return XDP_ABORTED;
	count = bpf_map_lookup_elem(inner, &zero);
	if (count)
		*count += 1;

	inner = bpf_map_lookup_elem(&by_tenant, &zero);
	if (inner)
		bpf_map_update_elem(inner, &size, &key, BPF_ANY);

	inner = bpf_map_lookup_elem(&empty, &zero);
	if (inner)
		bpf_map_lookup_elem(inner, &key);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
