// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every place that clang has for a variable: .rodata, .data, .bss, sections of one's own, and string literals, which
 * go to .rodata.str1.1 and have no BTF. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct limits {
	__u32 low;
	__u32 high;
	__u64 step;
};

const volatile __u32 verdict = XDP_PASS;                                       /* .rodata */
const volatile struct limits limits = { .low = 64, .high = 1500, .step = 16 }; /* .rodata */
const volatile __u16 verdict_by_size[4] SEC(".rodata.config") = { XDP_DROP, XDP_PASS, XDP_PASS, XDP_DROP };

__u64 threshold = 100;                   /* .data */
static volatile __s32 balance = -5;      /* .data, local symbol */
__u8 pattern[8] SEC(".data.pattern") = { 1, 2, 3, 4, 5, 6, 7, 8 };

__u64 packets;                           /* .bss */
static volatile __u32 last_size;         /* .bss, local symbol */
__u64 scratch[16] SEC(".bss.scratch");

/* Takes the address of a literal, which no constant folding may replace. */
static __noinline int first_letter(const char *text)
{
	return *(const volatile char *)text;
}

SEC("xdp")
int globals(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data;

	packets++;
	last_size = size;
	balance += first_letter("skep");
	scratch[packets & 15] = threshold + pattern[packets & 7];
	if (size < limits.low || size > limits.high)
		return verdict_by_size[(size / 512) & 3];
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
