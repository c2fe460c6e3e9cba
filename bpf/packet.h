/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading packets: Ethernet, IPv4, IPv6 and its extension headers, and the ports behind them. Shared by the programs
 * that do more than one file should hold; firewall.bpf.c has its own, simpler copy, so that it can be read alone.
 *
 * Everything here works on a cursor: where we are, and where the data ends. XDP and TC give both in their context.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Every address takes 128 bits; 192.0.2.1 is written ::ffff:192.0.2.1. So one map serves both versions of IP. A
 * prefix length grows by 96 in the same way: an IPv4 /24 is a /120. */
struct address {
	__be32 word[4];
};

/* What both versions of IP say about a packet. */
struct network {
	struct address source;
	struct address destination;
	__be32 fragment_id; /* of a fragment: the same in all fragments of one packet */
	__u8 version;
	__u8 protocol;  /* of the transport header, behind all extension headers */
	__u8 hop_limit; /* IPv4 says TTL */
	bool fragment;       /* one of several */
	bool later_fragment; /* has no transport header: that went with the first fragment */
};

struct ports {
	__be16 source;
	__be16 destination;
};

struct cursor {
	void *at;
	void *end;
};

/* Step over the next `bytes` bytes and return where they begin, or NULL if the data ends before they do.
 *
 * This comparison is what the verifier looks for. It remembers, for each pointer into the packet, how many bytes
 * behind it have been proved to exist, and refuses the program if a load reaches further. */
static __always_inline void *take(struct cursor *cursor, __u32 bytes)
{
	void *start = cursor->at;

	if (start + bytes > cursor->end)
		return NULL;
	cursor->at = start + bytes;
	return start;
}

struct vlan_tag {
	__be16 id_and_priority;
	__be16 ethertype; /* of what follows */
};

/* Returns the EtherType of the payload in network byte order, or 0 if the frame is cut short. */
static __always_inline __be16 read_ethernet(struct cursor *cursor)
{
	struct ethhdr *ethernet = take(cursor, sizeof(*ethernet));
	__be16 ethertype;

	if (!ethernet)
		return 0;
	ethertype = ethernet->h_proto;

	/* Up to two VLAN tags: the provider's and the customer's. */
	for (int depth = 0; depth < 2; depth++) {
		struct vlan_tag *tag;

		if (ethertype != bpf_htons(ETH_P_8021Q) && ethertype != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(cursor, sizeof(*tag));
		if (!tag)
			return 0;
		ethertype = tag->ethertype;
	}
	return ethertype;
}

static __always_inline struct address map_ipv4(__be32 address)
{
	return (struct address){ .word = { 0, 0, bpf_htonl(0xffff), address } };
}

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* Both readers leave the cursor at the transport header; false if a header is cut short or impossible. */
static __always_inline bool read_ipv4(struct cursor *cursor, struct network *network)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	cursor->at = ip; /* the whole header again, now that we know how long its options make it */
	if (!take(cursor, ip->ihl * 4))
		return false;

	network->version = 4;
	network->source = map_ipv4(ip->saddr);
	network->destination = map_ipv4(ip->daddr);
	network->protocol = ip->protocol;
	network->hop_limit = ip->ttl;
	network->fragment = (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
	network->later_fragment = (ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET)) != 0;
	network->fragment_id = ip->id;
	return true;
}

struct ipv6_fragment {
	__u8 next_header;
	__u8 reserved;
	__be16 offset; /* in units of 8 bytes, above two reserved bits and "more fragments follow" */
	__be32 id;
};

#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8

/* IPv6 says what comes next in a chain: zero or more extension headers, then the transport. An attacker chooses how
 * long the chain is; we choose how much of it we follow, because every loop here must have an end. What is longer
 * keeps the number of the next extension header as its protocol, which no rule for a transport protocol matches. */
#define IPV6_EXTENSIONS_MAX 6

static __always_inline bool read_ipv6(struct cursor *cursor, struct network *network)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	__u8 next;

	if (!ip || ip->version != 6)
		return false;
	network->version = 6;
	__builtin_memcpy(&network->source, &ip->saddr, sizeof(network->source));
	__builtin_memcpy(&network->destination, &ip->daddr, sizeof(network->destination));
	network->hop_limit = ip->hop_limit;

	next = ip->nexthdr;
	for (int i = 0; i < IPV6_EXTENSIONS_MAX && !network->later_fragment; i++) {
		if (next == IPPROTO_FRAGMENT) {
			struct ipv6_fragment *fragment = take(cursor, sizeof(*fragment));

			if (!fragment)
				return false;
			next = fragment->next_header;
			network->fragment =
				(fragment->offset & bpf_htons(IPV6_MORE_FRAGMENTS | IPV6_FRAGMENT_OFFSET)) != 0;
			network->later_fragment = (fragment->offset & bpf_htons(IPV6_FRAGMENT_OFFSET)) != 0;
			network->fragment_id = fragment->id;
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
			struct ipv6_opt_hdr *option = take(cursor, sizeof(*option));

			if (!option || !take(cursor, option->hdrlen * 8 + 8 - sizeof(*option)))
				return false;
			next = option->nexthdr;
		} else {
			break;
		}
	}
	network->protocol = next;
	return true;
}

/* Reads the header that an EtherType announces; `network` starts out as zeros. */
static __always_inline bool read_network(struct cursor *cursor, __be16 ethertype, struct network *network)
{
	return ethertype == bpf_htons(ETH_P_IP) ? read_ipv4(cursor, network) : read_ipv6(cursor, network);
}
