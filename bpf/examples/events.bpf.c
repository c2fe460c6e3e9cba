// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Telling user space: a ring buffer written in both ways, a perf event that carries the head of the packet, and
 * trace_printk. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perf SEC(".maps");

struct event {
	__u64 time_ns;
	__u32 size;
	__u32 random;
};

SEC("xdp")
int reserve(struct xdp_md *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (!event)
		return XDP_ABORTED;
	event->time_ns = bpf_ktime_get_ns();
	event->size = ctx->data_end - ctx->data;
	event->random = bpf_get_prandom_u32();
	if (event->size < 60)
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int output(struct xdp_md *ctx)
{
	struct event event = { .time_ns = bpf_ktime_get_ns(), .size = ctx->data_end - ctx->data };

	return bpf_ringbuf_output(&ring, &event, sizeof(event), 0) ? XDP_ABORTED : XDP_PASS;
}

/* The upper half of the flags says how many bytes of the packet follow the event. */
SEC("xdp")
int sample(struct xdp_md *ctx)
{
	struct event event = { .size = ctx->data_end - ctx->data, .random = bpf_get_smp_processor_id() };
	__u64 bytes = event.size < 32 ? event.size : 32;

	return bpf_perf_event_output(ctx, &perf, bytes << 32 | BPF_F_CURRENT_CPU, &event, sizeof(event)) ? XDP_ABORTED
													  : XDP_PASS;
}

SEC("xdp")
int trace(struct xdp_md *ctx)
{
	bpf_printk("packet of %d bytes on queue %u", ctx->data_end - ctx->data, ctx->rx_queue_index);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
