// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Copies 1,496 bytes of a packet into the value of an array, 8 bytes at a time. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define WORDS 187

struct copy {
	__u64 words[WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct copy);
} copies SEC(".maps");

SEC("xdp")
int copy(struct xdp_md *ctx)
{
	__u64 *from = (void *)(long)ctx->data;
	__u32 zero = 0;
	struct copy *to = bpf_map_lookup_elem(&copies, &zero);

	if (!to || (void *)(from + WORDS) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma clang loop unroll(disable)
	for (int i = 0; i < WORDS; i++)
		to->words[i] = from[i];
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
