// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps declared in BTF (section .maps), in every way that libbpf reads: typed and by size, with flags, pinned, two of
 * one type, and one that the object only reads. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

typedef __u64 packets_t;

struct flow {
	__u32 source;
	__u32 destination;
	__u16 ports[2];
	__u32 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow);
	__type(value, packets_t);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 24);
} by_size SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, packets_t);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, __u32);
	__type(value, __u32);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u32);
} pinned SEC(".maps");

/* Two maps of one struct type. */
struct named_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
};
struct named_map left SEC(".maps");
struct named_map right SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	struct flow flow = { .source = ctx->ingress_ifindex, .protocol = ctx->rx_queue_index };
	packets_t *seen = bpf_map_lookup_elem(&flows, &flow), one = 1;
	__u32 zero = 0, *setting = bpf_map_lookup_elem(&settings, &zero);
	__u64 *value;

	if (seen)
		*seen += 1;
	else
		bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);

	value = bpf_map_lookup_elem(&by_size, &zero);
	if (value)
		value[2] = ctx->data_end - ctx->data;
	value = bpf_map_lookup_elem(&per_cpu, &zero);
	if (value)
		*value += 1;
	bpf_map_update_elem(&left, &zero, &one, BPF_ANY);
	bpf_map_delete_elem(&right, &zero);
	bpf_map_lookup_elem(&pinned, &zero);
	return setting && *setting ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
