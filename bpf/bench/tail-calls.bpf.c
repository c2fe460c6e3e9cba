// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A chain of 15 tail calls, as datapaths are cut into pieces. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define STEPS 15

int step(struct xdp_md *ctx);
int last(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEPS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
	.values = {
		[0] = (void *)&step,  [1] = (void *)&step,  [2] = (void *)&step,  [3] = (void *)&step,
		[4] = (void *)&step,  [5] = (void *)&step,  [6] = (void *)&step,  [7] = (void *)&step,
		[8] = (void *)&step,  [9] = (void *)&step,  [10] = (void *)&step, [11] = (void *)&step,
		[12] = (void *)&step, [13] = (void *)&step, [14] = (void *)&last,
	},
};

__u32 at;

SEC("xdp")
int tail_calls(struct xdp_md *ctx)
{
	at = 0;
	bpf_tail_call(ctx, &steps, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int step(struct xdp_md *ctx)
{
	__u32 next = ++at;

	bpf_tail_call(ctx, &steps, next);
	return XDP_ABORTED;
}

SEC("xdp")
int last(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data > 100 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
