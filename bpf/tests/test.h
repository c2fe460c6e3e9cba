/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests that travel in the object of the program they test: `skep test`, and whatever else knows these sections, runs
 * them. A test has up to three programs. `pktgen` makes a packet, `setup` fills maps and hands the packet to the program
 * under test by a tail call, and `check` looks at what became of it: first 4 bytes with the verdict, then the packet.
 *
 * The including file says `#define TEST_XDP` or `#define TEST_TC` before, and includes the program's own source, so that
 * its maps and types are at hand.
 *
 * A packet is described once, by a struct frame, and `render` writes all of its bytes, checksums too. So a test says
 * which packet comes, which must leave, and nothing about how they look.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../packet.h"

/* What a step returns: `pktgen` and `setup` to stop the test, `check` its judgement. */
#define TEST_ERROR 100
#define TEST_PASS 101
#define TEST_FAIL 102
#define TEST_SKIP 103

#ifdef TEST_XDP
#define TEST_HOOK "xdp"
typedef struct xdp_md test_ctx;
#else
#define TEST_HOOK "tc"
typedef struct __sk_buff test_ctx;
#endif

#define PKTGEN(name) SEC(TEST_HOOK "/test/" name "/pktgen")
#define SETUP(name) SEC(TEST_HOOK "/test/" name "/setup")
#define CHECK(name) SEC(TEST_HOOK "/test/" name "/check")

/* Ends a check. Which line it was, the runner finds out by itself. */
#define test_assert(condition)             \
	do {                               \
		if (!(condition))          \
			return TEST_FAIL;  \
	} while (0)

/* ---- Describing a packet ---------------------------------------------------------------------------------------- */

#define IPV4(a, b, c, d) \
	{ { 0, 0, bpf_htonl(0xffff), bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d)) } }
/* 2001:db8:`net`::`host` */
#define IPV6(net, host) \
	{ { bpf_htonl(0x20010db8), bpf_htonl((__u32)(net) << 16), 0, bpf_htonl(host) } }

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define FRAGMENT_MORE 0x2000

struct test_packet {
	struct address source;
	struct address destination;
	__u16 source_port; /* of an ICMP echo: its identifier */
	__u16 destination_port;
	__u8 version; /* 0: there is none */
	__u8 protocol;
	__u8 hop_limit; /* 0: 64 */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u16 fragment;    /* FRAGMENT_MORE, and how many bytes go before, divided by 8 */
	__u16 fragment_id; /* with 0 in both there is no IPv6 fragment header */
	__u16 payload;     /* zeros behind the headers */
	__u8 options;      /* IPv4: four bytes of them; IPv6: eight bytes for the destination */
	__u8 no_checksum;  /* of UDP */
};

struct test_frame {
	struct test_packet packet;
	struct test_packet quoted; /* in an ICMP error, with the first 8 bytes behind its IP header */
	struct address tunnel_source; /* of an IP header in front of the packet's, */
	struct address tunnel_destination;
	__u8 tunnel; /* if there is one */
	__u8 vlan;
	__u8 returns; /* MAC addresses changed places */
	__u16 cut;    /* so many bytes are missing at the end, whatever the headers say */
	__u16 ethertype; /* another one than the packet's */
};

/* Frames in words: FRAME(TCP4(CLIENT, 40000, SERVER, 80, .payload = 10), .vlan = 3). */
#define FRAME(...) ((struct test_frame){ __VA_ARGS__ })
#define TCP4(from, from_port, to, to_port, ...)                                                            \
	.packet = { .version = 4, .protocol = IPPROTO_TCP, .source = from, .source_port = from_port,       \
		    .destination = to, .destination_port = to_port, ##__VA_ARGS__ }
#define UDP4(from, from_port, to, to_port, ...)                                                            \
	.packet = { .version = 4, .protocol = IPPROTO_UDP, .source = from, .source_port = from_port,       \
		    .destination = to, .destination_port = to_port, ##__VA_ARGS__ }
#define TCP6(from, from_port, to, to_port, ...)                                                            \
	.packet = { .version = 6, .protocol = IPPROTO_TCP, .source = from, .source_port = from_port,       \
		    .destination = to, .destination_port = to_port, ##__VA_ARGS__ }
#define UDP6(from, from_port, to, to_port, ...)                                                            \
	.packet = { .version = 6, .protocol = IPPROTO_UDP, .source = from, .source_port = from_port,       \
		    .destination = to, .destination_port = to_port, ##__VA_ARGS__ }
#define ICMP4(from, to, type, ...)                                                                         \
	.packet = { .version = 4, .protocol = IPPROTO_ICMP, .source = from, .destination = to,             \
		    .icmp_type = type, ##__VA_ARGS__ }
#define ICMP6(from, to, type, ...)                                                                         \
	.packet = { .version = 6, .protocol = IPPROTO_ICMPV6, .source = from, .destination = to,           \
		    .icmp_type = type, ##__VA_ARGS__ }
#define QUOTED(ip, transport, from, from_port, to, to_port, ...)                                           \
	.quoted = { .version = ip, .protocol = transport, .source = from, .source_port = from_port,        \
		    .destination = to, .destination_port = to_port, ##__VA_ARGS__ }
#define TUNNEL(from, to) .tunnel = 1, .tunnel_source = from, .tunnel_destination = to

/* ---- Writing a frame -------------------------------------------------------------------------------------------- */

#define FRAME_MAX 256

__u8 test_bytes[FRAME_MAX]; /* the frame that was rendered last */
static __u32 test_length;   /* of its headers; the payload behind them is zeros and not written */

static __always_inline void *room(__u32 *at, __u32 bytes)
{
	__u32 off = *at;

	barrier_var(off);
	if (off > FRAME_MAX - bytes)
		return NULL;
	*at = off + bytes;
	return test_bytes + off;
}

static __always_inline __sum16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 add_bytes(__u32 sum, void *from, __u32 bytes)
{
	return bpf_csum_diff(NULL, 0, from, bytes, sum);
}

/* The part of a checksum that covers addresses, protocol and length. */
static __always_inline __u32 pseudo_sum(const struct test_packet *packet, __u32 bytes)
{
	struct {
		struct address source, destination;
		__be32 length;
		__be32 protocol;
	} header = {
		.source = packet->source,
		.destination = packet->destination,
		.length = bpf_htonl(bytes),
		.protocol = bpf_htonl(packet->protocol),
	};

	/* IPv4's sum is over 32 bits of each address; what stands in front of them in ours is taken away. */
	if (packet->version == 4) {
		header.source.word[2] = 0;
		header.destination.word[2] = 0;
	}
	return add_bytes(0, &header, sizeof(header));
}

struct test_icmp {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 identifier;
	__be16 sequence;
};

static __always_inline bool is_icmp_protocol(__u8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static __always_inline __u32 transport_bytes(const struct test_packet *packet)
{
	if (packet->fragment & ~FRAGMENT_MORE)
		return 0;
	if (packet->protocol == IPPROTO_TCP)
		return sizeof(struct tcphdr);
	return packet->protocol == IPPROTO_UDP || is_icmp_protocol(packet->protocol) ? 8 : 0;
}

static __always_inline __u32 network_bytes(const struct test_packet *packet)
{
	if (packet->version == 4)
		return sizeof(struct iphdr) + (packet->options ? 4 : 0);
	return sizeof(struct ipv6hdr) + (packet->options ? 8 : 0) +
	       (packet->fragment || packet->fragment_id ? sizeof(struct ipv6_fragment) : 0);
}

static __always_inline bool render_ipv4(__u32 *at, const struct address *source, const struct address *destination,
					const struct test_packet *packet, __u8 protocol, __u32 bytes, bool options,
					__be16 fragment)
{
	struct iphdr *ip = room(at, sizeof(*ip));
	__u32 sum;

	if (!ip)
		return false;
	*ip = (struct iphdr){
		.version = 4,
		.ihl = options ? 6 : 5,
		.tot_len = bpf_htons(sizeof(*ip) + (options ? 4 : 0) + bytes),
		.id = bpf_htons(packet->fragment_id),
		.frag_off = fragment,
		.ttl = packet->hop_limit ?: 64,
		.protocol = protocol,
		.saddr = source->word[3],
		.daddr = destination->word[3],
	};
	sum = add_bytes(0, ip, sizeof(*ip));
	if (options) {
		__be32 *option = room(at, sizeof(*option));

		if (!option)
			return false;
		*option = bpf_htonl(0x01010100); /* three times nothing, and the end */
		sum = add_bytes(sum, option, sizeof(*option));
	}
	ip->check = fold_sum(sum);
	return true;
}

static __always_inline bool render_ipv6(__u32 *at, const struct address *source, const struct address *destination,
					__u8 hop_limit, __u8 next, __u32 bytes)
{
	struct ipv6hdr *ip = room(at, sizeof(*ip));

	if (!ip)
		return false;
	*ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(bytes),
		.nexthdr = next,
		.hop_limit = hop_limit ?: 64,
	};
	__builtin_memcpy(&ip->saddr, source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, destination, sizeof(ip->daddr));
	return true;
}

/* IP header and what belongs to it, `bytes` of payload behind. */
static __always_inline bool render_network(__u32 *at, const struct test_packet *packet, __u32 bytes)
{
	bool fragment = packet->fragment || packet->fragment_id;
	__u8 next = packet->protocol;

	if (packet->version == 4)
		return render_ipv4(at, &packet->source, &packet->destination, packet, packet->protocol, bytes,
				   packet->options, bpf_htons(packet->fragment));

	if (fragment)
		next = IPPROTO_FRAGMENT;
	if (packet->options)
		next = IPPROTO_DSTOPTS;
	if (!render_ipv6(at, &packet->source, &packet->destination, packet->hop_limit, next,
			 bytes + (fragment ? 8 : 0) + (packet->options ? 8 : 0)))
		return false;
	if (packet->options) {
		__u8 *option = room(at, 8);

		if (!option)
			return false;
		__builtin_memset(option, 0, 8);
		option[0] = fragment ? IPPROTO_FRAGMENT : packet->protocol;
		option[2] = 1; /* padding */
		option[3] = 4;
	}
	if (fragment) {
		struct ipv6_fragment *header = room(at, sizeof(*header));

		if (!header)
			return false;
		*header = (struct ipv6_fragment){
			.next_header = packet->protocol,
			.offset = bpf_htons((packet->fragment & ~FRAGMENT_MORE) << 3 |
					    (packet->fragment & FRAGMENT_MORE ? IPV6_MORE_FRAGMENTS : 0)),
			.id = bpf_htonl(packet->fragment_id),
		};
	}
	return true;
}

static __always_inline bool render_tcp(__u32 *at, const struct test_packet *packet, bool quoted)
{
	struct tcphdr *tcp = room(at, sizeof(*tcp));

	if (!tcp)
		return false;
	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->source = bpf_htons(packet->source_port);
	tcp->dest = bpf_htons(packet->destination_port);
	tcp->seq = bpf_htonl(1000);
	if (quoted) {
		*at -= sizeof(*tcp) - 8; /* only so much is quoted */
		return true;
	}
	tcp->doff = sizeof(*tcp) / 4;
	((__u8 *)tcp)[13] = packet->tcp_flags ?: TCP_ACK;
	tcp->window = bpf_htons(512);
	tcp->check = fold_sum(add_bytes(pseudo_sum(packet, sizeof(*tcp) + packet->payload), tcp, sizeof(*tcp)));
	return true;
}

static __always_inline bool render_udp(__u32 *at, const struct test_packet *packet)
{
	struct udphdr *udp = room(at, sizeof(*udp));

	if (!udp)
		return false;
	*udp = (struct udphdr){
		.source = bpf_htons(packet->source_port),
		.dest = bpf_htons(packet->destination_port),
		.len = bpf_htons(sizeof(*udp) + packet->payload),
	};
	if (!packet->no_checksum)
		udp->check =
			fold_sum(add_bytes(pseudo_sum(packet, sizeof(*udp) + packet->payload), udp, sizeof(*udp)));
	return true;
}

/* The header alone; its checksum is given by who knows what follows. */
static __always_inline struct test_icmp *render_icmp(__u32 *at, const struct test_packet *packet)
{
	struct test_icmp *icmp = room(at, sizeof(*icmp));

	if (icmp)
		*icmp = (struct test_icmp){
			.type = packet->icmp_type,
			.code = packet->icmp_code,
			.identifier = bpf_htons(packet->source_port),
		};
	return icmp;
}

static __always_inline bool render_transport(__u32 *at, const struct test_packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return render_tcp(at, packet, false);
	return packet->protocol != IPPROTO_UDP || render_udp(at, packet);
}

/* What an ICMP error quotes: an IP header and 8 bytes. Its own checksums are those of the packet as it was sent. */
static __always_inline bool render_quoted(__u32 *at, const struct test_packet *packet)
{
	if (!render_network(at, packet, transport_bytes(packet) + packet->payload))
		return false;
	if (packet->protocol == IPPROTO_TCP)
		return render_tcp(at, packet, true);
	if (packet->protocol == IPPROTO_UDP)
		return render_udp(at, packet);
	if (is_icmp_protocol(packet->protocol)) {
		struct test_icmp *icmp = render_icmp(at, packet);

		if (!icmp)
			return false;
		icmp->checksum = fold_sum(add_bytes(packet->version == 6 ? pseudo_sum(packet, 8) : 0, icmp, 8));
	}
	return true;
}

#define QUOTED_MAX 64

static __always_inline bool render_icmp_message(__u32 *at, const struct test_frame *frame, __u32 bytes)
{
	const struct test_packet *packet = &frame->packet;
	struct test_icmp *icmp = render_icmp(at, packet);
	__u32 from = *at;
	__u32 sum;

	if (!icmp)
		return false;
	sum = packet->version == 6 ? pseudo_sum(packet, bytes) : 0;
	sum = add_bytes(sum, icmp, sizeof(*icmp));
	if (frame->quoted.version) {
		if (!render_quoted(at, &frame->quoted))
			return false;
		/* Bytes behind the quotation are still 0. */
		if (from > FRAME_MAX - QUOTED_MAX)
			return false;
		sum = add_bytes(sum, test_bytes + from, QUOTED_MAX);
	}
	icmp->checksum = fold_sum(sum);
	return true;
}

/* Writes the headers of a frame to `test_bytes`. Returns the length of the frame, 0 where it is too long. */
static __noinline __u32 render(const struct test_frame *frame)
{
	const struct test_packet *packet = &frame->packet;
	bool message = is_icmp_protocol(packet->protocol) && !(packet->fragment & ~FRAGMENT_MORE);
	__u32 quoted = frame->quoted.version ? network_bytes(&frame->quoted) + 8 : 0;
	__u32 bytes = transport_bytes(packet) + quoted + packet->payload;
	__u16 type = packet->version == 4 ? ETH_P_IP : ETH_P_IPV6;
	struct ethhdr *ethernet;
	__u32 at = 0;

	__builtin_memset(test_bytes, 0, sizeof(test_bytes));
	ethernet = room(&at, sizeof(*ethernet));
	if (!ethernet)
		return 0;
	ethernet->h_source[0] = ethernet->h_dest[0] = 2;
	ethernet->h_source[5] = frame->returns ? 2 : 1;
	ethernet->h_dest[5] = frame->returns ? 1 : 2;
	if (frame->ethertype)
		type = frame->ethertype;
	ethernet->h_proto = bpf_htons(frame->vlan ? ETH_P_8021Q : type);
	if (frame->vlan) {
		struct vlan_tag *tag = room(&at, sizeof(*tag));

		if (!tag)
			return 0;
		tag->id_and_priority = bpf_htons(frame->vlan);
		tag->ethertype = bpf_htons(type);
	}
	if (frame->tunnel) {
		struct test_packet outer = {};
		__u32 inner = network_bytes(packet) + bytes;

		if (packet->version == 4 ?
			    !render_ipv4(&at, &frame->tunnel_source, &frame->tunnel_destination, &outer, IPPROTO_IPIP,
					 inner, false, bpf_htons(0x4000)) :
			    !render_ipv6(&at, &frame->tunnel_source, &frame->tunnel_destination, 0, IPPROTO_IPV6,
					 inner))
			return 0;
	}
	if (!render_network(&at, packet, bytes))
		return 0;
	if (message ? !render_icmp_message(&at, frame, bytes) :
		      !(packet->fragment & ~FRAGMENT_MORE) && !render_transport(&at, packet))
		return 0;
	test_length = at;
	return at + packet->payload - frame->cut;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static __always_inline long resize(test_ctx *ctx, __u32 bytes)
{
#ifdef TEST_XDP
	int length = ctx->data_end - ctx->data;

	/* A number now: else the compiler may add a pointer to `bytes` first, which Linux's verifier refuses. */
	asm volatile("" : "+r"(length));
	return bpf_xdp_adjust_tail(ctx, (int)bytes - length);
#else
	return bpf_skb_change_tail(ctx, bytes, 0);
#endif
}

/* Makes the packet this frame. For `pktgen`, which starts with zeros. */
static __noinline int put_frame(test_ctx *ctx, const struct test_frame *frame)
{
	__u32 bytes = render(frame);
	__u8 *data, *end;

	if (!bytes || resize(ctx, bytes))
		return TEST_ERROR;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	for (__u32 i = 0; i < FRAME_MAX; i++) {
		if (i >= test_length || data + i + 1 > end)
			break;
		data[i] = test_bytes[i];
	}
	return 0;
}

/* The verdict that `setup` came to. */
#define expect_verdict(ctx, want)                                                         \
	do {                                                                              \
		__u32 *code = (void *)(long)(ctx)->data;                                  \
									                  \
		if ((void *)(code + 1) > (void *)(long)(ctx)->data_end)                   \
			return TEST_ERROR;                                                \
		test_assert(*code == (want));                                             \
	} while (0)

/* The packet behind it, byte by byte. */
#define expect_frame(ctx, frame)                                                          \
	do {                                                                              \
		__u32 bytes = render(frame);                                              \
		__u8 *got = (void *)(long)(ctx)->data + sizeof(__u32);                    \
		__u8 *end = (void *)(long)(ctx)->data_end;                                \
									                  \
		if (!bytes)                                                               \
			return TEST_ERROR;                                                \
		test_assert(end - got == bytes);                                          \
		for (__u32 i = 0; i < FRAME_MAX; i++) {                                   \
			if (i >= test_length || got + i + 1 > end)                        \
				break;                                                    \
			test_assert(got[i] == test_bytes[i]);                             \
		}                                                                         \
	} while (0)
