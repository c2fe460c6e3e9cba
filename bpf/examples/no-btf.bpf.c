// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compiled without -g: no BTF at all, a legacy map, globals that only section headers describe, and a constant of 16
 * bytes that clang puts into .rodata.cst16. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct legacy_map {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

struct legacy_map tables SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = 32,
	.max_entries = 2,
};

__u32 mask = 0x0f;
const volatile __u32 verdict = XDP_PASS;
__u32 lookups;

static __noinline __u32 pick(const __u8 *table, __u32 index)
{
	return table[index & mask & 15];
}

SEC("xdp")
int primes(struct xdp_md *ctx)
{
	__u8 table[16] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53 };
	__u32 slot = 1, *values = bpf_map_lookup_elem(&tables, &slot);

	lookups++;
	if (!values)
		return XDP_ABORTED;
	values[7] = pick(table, ctx->rx_queue_index);
	return values[7] == 2 ? verdict : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
