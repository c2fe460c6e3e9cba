// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Helpers that call back: bpf_loop, one loop in another, and bpf_for_each_map_elem over a hash and an array. The
 * callback is a static function whose address is loaded with ldimm64. */
#include <linux/bpf.h>

#include <stddef.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} cells SEC(".maps");

__u64 total;
__u32 calls;

struct bpf_map; /* the kernel's own, never looked into */

static long put_square(__u64 index, void *context)
{
	__u32 key = index;
	__u64 square = index * index;

	bpf_map_update_elem(&squares, &key, &square, BPF_ANY);
	*(__u64 *)context += square;
	return index == 9; /* 1 stops the loop: ten calls of the twenty asked for */
}

static long inner_step(__u64 index, void *context)
{
	calls++;
	return 0;
}

static long outer_step(__u64 index, void *context)
{
	bpf_loop(index, inner_step, context, 0);
	return 0;
}

static long add_up(struct bpf_map *map, __u32 *key, __u64 *value, __u64 *sum)
{
	*sum += *value;
	return 0;
}

static long forget_small(struct bpf_map *map, __u32 *key, __u64 *value, void *context)
{
	if (*value < 10)
		bpf_map_delete_elem(map, key);
	return 0;
}

static long fill(struct bpf_map *map, __u32 *key, __u64 *value, void *context)
{
	*value = *key + 100;
	return *key == 5; /* 1 stops here: cells 6 and 7 stay 0 */
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	__u64 sum = 0;

	if (bpf_loop(20, put_square, &sum, 0) != 10)
		return XDP_ABORTED;
	bpf_loop(5, outer_step, NULL, 0);
	total = sum;
	return XDP_PASS;
}

SEC("xdp")
int each_element(struct xdp_md *ctx)
{
	__u64 sum = 0;

	bpf_for_each_map_elem(&squares, forget_small, NULL, 0);
	bpf_for_each_map_elem(&squares, add_up, &sum, 0);
	if (bpf_for_each_map_elem(&cells, fill, NULL, 0) != 6)
		return XDP_ABORTED;
	total = sum;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
