// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The core of a load balancer: a service by hash, a backend by a ring, counters, the checksum made anew. It writes the
 * packet so that the next run finds the same work: two hash and three array lookups.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define RING 256

struct service_key {
	__be32 vip;
	__be16 port;
	__u16 protocol;
};

struct service {
	__u32 number;
	__u32 flags;
};

struct flow {
	__be32 source;
	__be32 destination;
	__u32 ports;
	__u32 protocol;
};

struct backend {
	__be32 address;
	__u8 mac[8];
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, __u32);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RING);
	__type(key, __u32);
	__type(value, __u32);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

static __u32 mix(__u32 hash, __u32 word)
{
	hash ^= word * 0x9e3779b1;
	return (hash << 13 | hash >> 19) * 5 + 0xe6546b64;
}

SEC("xdp")
int balance(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	struct service_key key = {};
	struct flow flow = {};
	struct service *service;
	struct backend *backend;
	struct counter *counter;
	__u32 index, sum = 0, *known, *slot;
	__u16 *word = (void *)ip;

	if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	key.vip = ip->daddr;
	key.port = udp->dest;
	key.protocol = ip->protocol;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		return XDP_PASS;
	flow.source = ip->saddr;
	flow.destination = ip->daddr;
	flow.ports = (__u32)udp->source << 16 | udp->dest;
	flow.protocol = ip->protocol;
	known = bpf_map_lookup_elem(&flows, &flow);
	if (known) {
		index = *known;
	} else {
		index = mix(mix(mix(0, flow.source), flow.destination), flow.ports) % RING;
		slot = bpf_map_lookup_elem(&ring, &index);
		if (!slot)
			return XDP_ABORTED;
		index = *slot;
	}
	backend = bpf_map_lookup_elem(&backends, &index);
	if (!backend)
		return XDP_ABORTED;
	index = service->number;
	counter = bpf_map_lookup_elem(&counters, &index);
	if (!counter)
		return XDP_ABORTED;
	counter->packets++;
	counter->bytes += (__u8 *)end - (__u8 *)eth;
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, backend->mac, ETH_ALEN);
	ip->id = backend->address;
	ip->check = 0;
#pragma clang loop unroll(full)
	for (int i = 0; i < 10; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
