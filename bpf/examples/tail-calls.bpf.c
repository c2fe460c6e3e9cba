// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tail calls: a chain through slots that the object fills itself, a jump to an empty slot, and a program that jumps
 * to itself until the limit of 33 stops it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int parse(struct xdp_md *ctx);
int decide(struct xdp_md *ctx);
int spin(struct xdp_md *ctx);

enum stage {
	STAGE_PARSE,
	STAGE_EMPTY,
	STAGE_DECIDE,
	STAGE_SPIN,
	STAGE_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_PARSE] = (void *)&parse,
		[STAGE_DECIDE] = (void *)&decide,
		[STAGE_SPIN] = (void *)&spin,
	},
};

__u32 trace;
__u32 spins;

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	trace = trace * 10 + 1;
	bpf_tail_call(ctx, &stages, STAGE_PARSE);
	return XDP_ABORTED;
}

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	trace = trace * 10 + 2;
	bpf_tail_call(ctx, &stages, STAGE_EMPTY); /* falls through */
	bpf_tail_call(ctx, &stages, STAGE_COUNT); /* past the end: falls through too */
	bpf_tail_call(ctx, &stages, STAGE_DECIDE);
	return XDP_ABORTED;
}

SEC("xdp")
int decide(struct xdp_md *ctx)
{
	trace = trace * 10 + 3;
	return ctx->data_end - ctx->data > 100 ? XDP_PASS : XDP_DROP;
}

/* Started by itself it counts to 34: one entry and 33 tail calls. */
SEC("xdp")
int spin(struct xdp_md *ctx)
{
	spins++;
	bpf_tail_call(ctx, &stages, STAGE_SPIN);
	return XDP_PASS;
}

/* A slot that is known only at run time, and a tail call out of a subprogram, which replaces only that frame. */
static __noinline int jump(struct xdp_md *ctx, __u32 slot)
{
	bpf_tail_call(ctx, &stages, slot);
	return XDP_TX;
}

SEC("xdp")
int dynamic(struct xdp_md *ctx)
{
	int verdict = jump(ctx, ctx->rx_queue_index);

	trace = trace * 10 + 4;
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
