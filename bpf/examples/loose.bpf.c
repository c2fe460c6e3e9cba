// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What libbpf refuses and looser loaders, ebpf-go among them, take: a static program, a static map, calls into a
 * function that is itself a program, and a section whose name says nothing of the program's type. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hidden SEC(".maps");

SEC("xdp")
static int local_program(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&hidden, &zero);

	if (!value)
		return XDP_ABORTED;
	*value += 1;
	return XDP_PASS;
}

/* A program that is also a subprogram of the two below: one in its own section, one in another. */
SEC("xdp")
__noinline int by_size(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data;

	return size > 100 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int calls_program(struct xdp_md *ctx)
{
	return by_size(ctx) == XDP_PASS ? XDP_TX : XDP_ABORTED;
}

SEC("xdp.frags")
int calls_other_section(struct xdp_md *ctx)
{
	return by_size(ctx) == XDP_PASS ? XDP_TX : XDP_DROP;
}

SEC("mystery")
int unknown_type(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
