// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lb.bpf.c for packets that are given to it again and again, as benchmarks do: before each run the headers are written
 * anew, so that the load balancer always sees what came in.
 */
/* One license is enough, and it stands at the end of each file. */
#define LICENSE LB_LICENSE
#include "../lb.bpf.c"
#undef LICENSE

#define RESTORED_BYTES 96

struct headers {
	__u8 data[RESTORED_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct headers);
} headers SEC(".maps");

SEC("xdp")
__attribute__((flatten)) int again(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct headers *in = bpf_map_lookup_elem(&headers, &first);
	__u8 *data = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;

	if (!in)
		return XDP_ABORTED;
	for (int i = 0; i < RESTORED_BYTES / 8; i++) {
		if (data + 8 * i + 8 > end)
			break;
		*(__u64 *)(data + 8 * i) = *(__u64 *)(in->data + 8 * i);
	}
	return lb(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
