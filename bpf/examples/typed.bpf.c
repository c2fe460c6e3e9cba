// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Types worth reading by name: addresses and ports in network order, enums, unions, bit-fields, text, nested arrays.
 * BTF carries them from here to whoever fills the maps and reads the events. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum state {
	STATE_NEW,
	STATE_OPEN,
	STATE_CLOSED = 7,
};

enum mark {
	MARK_NONE = 0,
	MARK_HUGE = 1ULL << 40,
};

struct endpoint {
	__be32 ip;
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

struct conn {
	__u64 packets;
	__s64 balance;
	enum state state;
	enum mark mark;
	__u32 version : 3;
	__s32 delta : 5;
	bool fast : 1;
	enum state before : 4;
	__u64 wide : 40;
	bool seen;
	char name[16];
	__u8 mac[ETH_ALEN];
	struct in6_addr via;
	__u16 grid[2][3];
	union {
		__be32 next_v4;
		__be32 next_v6[4];
	};
	union {
		__u32 number;
		struct {
			__u16 low;
			__u16 high;
		};
		__u8 bytes[4];
	} tag;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct endpoint);
	__type(value, struct conn);
} conns SEC(".maps");

/* The sum of each CPU is its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

/* Sizes say nothing of types: this one can be read as bytes only. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct event {
	struct endpoint to;
	enum state state;
	__u32 bytes;
};

/* Nothing but this pointer would bring the event's type into the BTF: clang drops types that no map, variable or global
 * function names. */
const struct event *unused_event __attribute__((unused));

const volatile struct endpoint only = { .port = bpf_htons(80), .protocol = IPPROTO_TCP };
const volatile __u32 rate = 100;
__u64 drops[4];
static volatile bool verbose = true;

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct endpoint to = {};
	struct event *event;
	struct conn *conn;

	if ((void *)(tcp + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	to.ip = ip->daddr;
	to.port = tcp->dest;
	to.protocol = ip->protocol;
	if (to.protocol != only.protocol || to.port != only.port)
		return XDP_PASS;

	conn = bpf_map_lookup_elem(&conns, &to);
	if (!conn || conn->packets >= rate) {
		__sync_fetch_and_add(&drops[conn ? conn->state & 3 : 0], 1);
		return XDP_DROP;
	}
	conn->packets++;
	if (!verbose)
		return XDP_TX;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->to = to;
		event->state = conn->state;
		event->bytes = end - data;
		bpf_ringbuf_submit(event, 0);
	}
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
