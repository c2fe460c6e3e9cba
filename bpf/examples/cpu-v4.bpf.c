// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the v4 machine added: signed division, sign-extending moves and loads, byte swaps, a long jump; and may_goto.
 * Built with -mcpu=v4. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__s8 bytes[4] = { -1, 2, -3, 4 };
__s16 halves[2] = { -300, 300 };
__s32 words[2] = { -70000, 70000 };
__s64 modulus = -5;
__s64 results[12];

SEC("xdp")
int arithmetic(struct xdp_md *ctx)
{
	__s64 wide = (__s64)ctx->rx_queue_index - 17;
	__s32 narrow = (__s32)ctx->rx_queue_index - 17;

	results[0] = wide / 5;
	results[1] = wide % modulus;
	results[2] = narrow / 5;
	results[3] = narrow % (__s32)modulus;
	results[4] = (__s8)wide;
	results[5] = (__s16)wide;
	results[6] = (__s32)wide;
	results[7] = __builtin_bswap64(wide);
	results[8] = __builtin_bswap32(narrow);
	results[9] = __builtin_bswap16(narrow);
	return XDP_PASS;
}

SEC("xdp")
int sign_extending_loads(struct xdp_md *ctx)
{
	__u32 i = ctx->rx_queue_index & 1;

	results[10] = (__s64)bytes[i] + halves[i] + words[i];
	return results[10] == -1 - 300 - 70000 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int long_jump(struct xdp_md *ctx)
{
	__u64 verdict = ctx->rx_queue_index;

	asm volatile("if %[verdict] == 0 goto 1f\n"
		     "%[verdict] = 1\n"
		     "gotol 2f\n"
		     "1:\n"
		     "%[verdict] = 2\n"
		     "gotol 2f\n"
		     "2:\n"
		     : [verdict] "+r"(verdict));
	return verdict;
}

/* may_goto leaves the loop when the kernel thinks it has gone on for long enough, here after it has ended anyhow. */
SEC("xdp")
int may_goto(struct xdp_md *ctx)
{
	__u64 turns = 0;

	asm volatile("1:\n"
		     "may_goto 2f\n"
		     "%[turns] += 1\n"
		     "if %[turns] < 100 goto 1b\n"
		     "2:\n"
		     : [turns] "+r"(turns));
	results[11] = turns;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
