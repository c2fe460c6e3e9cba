// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps as they were declared before BTF: an array of records in section `maps`. libbpf has dropped it since 1.0, but
 * objects of that kind are still about. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct legacy_map {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

struct legacy_map sizes SEC("maps") = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 64,
	.map_flags = BPF_F_NO_PREALLOC,
};

struct legacy_map totals SEC("maps") = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
};

SEC("xdp")
int count_sizes(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data, zero = 0;
	__u64 one = 1, *total = bpf_map_lookup_elem(&totals, &zero), *count = bpf_map_lookup_elem(&sizes, &size);

	if (total)
		*total += 1;
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&sizes, &size, &one, BPF_NOEXIST);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
