// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that the verifier refuses, each for one mistake that a checked run must catch as well. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cell SEC(".maps");

SEC("xdp")
int past_packet(struct xdp_md *ctx)
{
	__u32 *words = (void *)(long)ctx->data;

	return words[1000] & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int null_pointer(struct xdp_md *ctx)
{
	__u32 key = 1; /* the only key is 0 */
	__u64 *value = bpf_map_lookup_elem(&cell, &key);

	return *value ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int past_map_value(struct xdp_md *ctx)
{
	__u32 key = 0;
	volatile __u64 *value = bpf_map_lookup_elem(&cell, &key);

	if (!value)
		return XDP_ABORTED;
	value[1] = 1;
	return XDP_PASS;
}

SEC("xdp")
int stale_pointer(struct xdp_md *ctx)
{
	volatile __u8 *byte = (void *)(long)ctx->data;

	if ((void *)(byte + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, -8))
		return XDP_ABORTED;
	return *byte ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int unwritten_stack(struct xdp_md *ctx)
{
	__u64 value;

	asm volatile("%[value] = *(u64 *)(r10 - 8)" : [value] "=r"(value));
	return value & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int below_stack(struct xdp_md *ctx)
{
	asm volatile("r1 = 0\n"
		     "*(u64 *)(r10 - 520) = r1" ::
			     : "r1", "memory");
	return XDP_PASS;
}

SEC("xdp")
int endless(struct xdp_md *ctx)
{
	asm volatile("1: goto 1b");
	return XDP_PASS;
}

SEC("xdp")
int write_context(struct xdp_md *ctx)
{
	*(volatile __u32 *)&ctx->data = 0;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
