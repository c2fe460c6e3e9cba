// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Calls between functions: static and global subprograms in .text, eight frames deep, a pointer argument
 * and five arguments. (Calls into a function that is itself a program are in loose.bpf.c.) */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline __u64 sum(__u64 a, __u64 b, __u64 c, __u64 d, __u64 e)
{
	asm volatile("" : "+r"(a));
	return a + 2 * b + 3 * c + 4 * d + 5 * e;
}

/* Global: verified by itself, for any argument. */
__noinline int clamp(int value, int low, int high)
{
	asm volatile("" : "+r"(value));
	return value < low ? low : value > high ? high : value;
}

struct pair {
	__u32 left;
	__u32 right;
};

__noinline int swap(struct pair *pair)
{
	__u32 left;

	if (!pair)
		return -1;
	left = pair->left;
	pair->left = pair->right;
	pair->right = left;
	return 0;
}

/* Each frame keeps something on its own stack, so that frames which overlap would be noticed. */
#define DEFINE_FRAME(name, callee)                              \
	static __noinline __u64 name(__u64 depth)               \
	{                                                       \
		volatile __u64 mine = depth;                    \
		__u64 below = callee(depth + 1);                \
		return below * 10 + mine;                       \
	}

static __noinline __u64 frame_8(__u64 depth)
{
	volatile __u64 mine = depth;
	return mine;
}
DEFINE_FRAME(frame_7, frame_8)
DEFINE_FRAME(frame_6, frame_7)
DEFINE_FRAME(frame_5, frame_6)
DEFINE_FRAME(frame_4, frame_5)
DEFINE_FRAME(frame_3, frame_4)
DEFINE_FRAME(frame_2, frame_3)

__u64 result;

SEC("xdp")
int arguments(struct xdp_md *ctx)
{
	struct pair pair = { .left = XDP_DROP, .right = XDP_PASS };

	result = sum(1, 2, 3, 4, ctx->rx_queue_index) + clamp(ctx->ingress_ifindex, 10, 20);
	if (swap(&pair))
		return XDP_ABORTED;
	return pair.left;
}

/* Seven frames under this one: result becomes 8765432. */
SEC("xdp")
int deep(struct xdp_md *ctx)
{
	result = frame_2(2);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
