// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A small stateless firewall for XDP.
 *
 * XDP runs a program on every frame as it leaves the driver, before the kernel has built anything around it. All
 * the program has is two addresses, where the frame begins and where it ends, and all it returns is a verdict:
 * XDP_PASS hands the frame to the network stack, XDP_DROP forgets it.
 *
 * This one asks four questions, cheapest first, and the first "no" drops the frame:
 *
 *   1. Can it be read?          Headers that lie about their length are dropped; what is not IP passes.
 *   2. Is the source denied?    A list of networks, built in or put into the map `denied`.
 *   3. Is the port closed?      A list of protocol and port, built in or put into the map `ports`.
 *   4. Is the source too fast?  A token bucket for each source address.
 *
 * What has happened is told in two ways: `counters` holds packets and bytes for each reason, and each drop sends one
 * `struct event` through the ring buffer `events`.
 *
 * The built-in rules use the documentation addresses of RFC 5737 and RFC 3849, which no real network has, so the
 * program does something worth looking at before anybody has filled a map.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NSEC_PER_SEC 1000000000ULL
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- What the firewall talks about ------------------------------------------------------------------------------ */

/* Every address takes 128 bits; 192.0.2.1 is written ::ffff:192.0.2.1. So one list, one bucket table and one event
 * serve both versions of IP. A prefix length grows by 96 in the same way: an IPv4 /24 is a /120. */
struct address {
	__be32 word[4];
};

#define IPV4(a, b, c, d) { .word = { 0, 0, bpf_htonl(0xffff), bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d)) } }
#define IPV4_LENGTH(bits) (96 + (bits))

struct prefix {
	__u32 length;           /* in bits of a 128-bit address */
	struct address network; /* the bits past `length` are zero */
};

/* A map compares keys byte by byte. Padding would be part of the key, so there is none: every byte has a name. */
struct port {
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP, ... */
	__u8 zero;
	__u16 number; /* of the destination, in host byte order; 0 where the protocol has no ports */
};

enum action {
	ACTION_PASS,
	ACTION_DROP,
};

/* Why a packet got its verdict. Also the index into `counters`. */
enum reason {
	REASON_DEFAULT,       /* no rule spoke: `default_action` decided */
	REASON_NOT_IP,        /* passed: ARP and the like are not our business */
	REASON_PORT_OPEN,     /* passed: a port rule said so */
	REASON_MALFORMED,     /* dropped: a header is cut short or impossible */
	REASON_SOURCE_DENIED, /* dropped */
	REASON_PORT_CLOSED,   /* dropped */
	REASON_TOO_FAST,      /* dropped: the source's bucket is empty */
	REASON_COUNT,
};

/* What the rules need to know about a packet. */
struct packet {
	struct address source;
	struct address destination;
	__u16 source_port;
	struct port port;
	bool later_fragment; /* has no transport header: that went with the first fragment */
	bool continues;      /* a TCP segment of a connection that is already open */
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* A token bucket whose tokens are nanoseconds: time itself fills it, and a packet costs as much time as may lie
 * between two packets. No division by the time that passed, and nothing to round. */
struct bucket {
	__u64 credit_ns;
	__u64 last_ns;
};

struct event {
	__u64 time_ns;
	struct address source;
	struct address destination;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 reason; /* enum reason */
	__u16 bytes; /* length of the frame */
};

/* ---- Settings and built-in rules -------------------------------------------------------------------------------- */

/*
 * `const volatile` puts a variable into .rodata. A loader may change it between opening the object and loading it;
 * after that it is frozen, and the verifier treats it as a constant and removes what it can never reach. `volatile`
 * stops clang from folding the initial value into the code before the loader has had its say.
 */
const volatile __u32 default_action = ACTION_PASS;
const volatile __u64 packets_per_second = 50; /* for each source; 0 turns the limit off */
const volatile __u64 burst_packets = 50;      /* how many may come at once after a silence; at least 1 */

const volatile struct prefix denied_always[] = {
	{ IPV4_LENGTH(26), IPV4(198, 51, 100, 64) },
	{ 48, { .word = { bpf_htonl(0x20010db8), bpf_htonl(0xbad00000), 0, 0 } } }, /* 2001:db8:bad0::/48 */
};

const volatile struct port closed_always[] = {
	{ IPPROTO_TCP, 0, 23 },   /* telnet */
	{ IPPROTO_TCP, 0, 445 },  /* SMB */
	{ IPPROTO_TCP, 0, 2323 }, /* telnet again, a favourite of worms */
	{ IPPROTO_UDP, 0, 19 },   /* chargen, which answers more than it is asked */
	{ IPPROTO_UDP, 0, 1900 }, /* SSDP, likewise */
};

/* ---- Maps: what the program shares with the world --------------------------------------------------------------- */

/* Networks to deny; the value counts the packets that each has cost. A hash knows only whole keys, so the program
 * asks once for each prefix length below, the longest first. (A longest-prefix-match trie would need one question.) */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct prefix);
	__type(value, __u64);
} denied SEC(".maps");

const volatile __u32 denied_lengths[] = {
	128, /* one host, of either version */
	IPV4_LENGTH(24), IPV4_LENGTH(16), 64, 48, 32,
};

/* enum action for a protocol and destination port. Asked before `closed_always`, so it can also open a port. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct port);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct address);
	__type(value, struct bucket);
} buckets SEC(".maps");

/* One copy for each CPU: counting takes no lock. The reader adds them up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

__u64 events_lost; /* drops that found the ring buffer full */

/* ---- 1. Can it be read? ----------------------------------------------------------------------------------------- */

/* Where we are in the frame. */
struct cursor {
	void *at;
	void *end;
};

/* Step over the next `bytes` bytes and return where they begin, or NULL if the frame ends before they do.
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

static __always_inline bool read_ipv4(struct cursor *cursor, struct packet *packet)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	cursor->at = ip; /* the whole header again, now that we know how long its options make it */
	if (!take(cursor, ip->ihl * 4))
		return false;

	packet->source = (struct address)IPV4(0, 0, 0, 0);
	packet->source.word[3] = ip->saddr;
	packet->destination = (struct address)IPV4(0, 0, 0, 0);
	packet->destination.word[3] = ip->daddr;
	packet->port.protocol = ip->protocol;
	packet->later_fragment = (ip->frag_off & bpf_htons(0x1fff)) != 0;
	return true;
}

struct ipv6_fragment {
	__u8 next_header;
	__u8 reserved;
	__be16 offset; /* in units of 8 bytes, above three flag bits */
	__be32 id;
};

/* IPv6 says what comes next in a chain: zero or more extension headers, then the transport. An attacker chooses how
 * long the chain is; we choose how much of it we follow, because every loop here must have an end. */
#define IPV6_EXTENSIONS_MAX 6

static __always_inline bool read_ipv6(struct cursor *cursor, struct packet *packet)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	__u8 next;

	if (!ip || ip->version != 6)
		return false;
	__builtin_memcpy(&packet->source, &ip->saddr, sizeof(packet->source));
	__builtin_memcpy(&packet->destination, &ip->daddr, sizeof(packet->destination));

	next = ip->nexthdr;
	for (int i = 0; i < IPV6_EXTENSIONS_MAX && !packet->later_fragment; i++) {
		if (next == IPPROTO_FRAGMENT) {
			struct ipv6_fragment *fragment = take(cursor, sizeof(*fragment));

			if (!fragment)
				return false;
			next = fragment->next_header;
			packet->later_fragment = (fragment->offset & bpf_htons(0xfff8)) != 0;
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
			struct ipv6_opt_hdr *option = take(cursor, sizeof(*option));

			if (!option || !take(cursor, option->hdrlen * 8 + 8 - sizeof(*option)))
				return false;
			next = option->nexthdr;
		} else {
			break;
		}
	}
	packet->port.protocol = next;
	return true;
}

#define ICMP_BYTES 8 /* type, code, checksum and four bytes that depend on the type */

/* A first fragment too small for its transport header is dropped here as malformed: nobody sends one in good faith. */
static __always_inline bool read_transport(struct cursor *cursor, struct packet *packet)
{
	if (packet->later_fragment)
		return true;

	switch (packet->port.protocol) {
	case IPPROTO_TCP: {
		struct tcphdr *tcp = take(cursor, sizeof(*tcp));

		if (!tcp || tcp->doff < 5)
			return false;
		packet->source_port = bpf_ntohs(tcp->source);
		packet->port.number = bpf_ntohs(tcp->dest);
		packet->continues = !tcp->syn;
		return true;
	}
	case IPPROTO_UDP: {
		struct udphdr *udp = take(cursor, sizeof(*udp));

		if (!udp)
			return false;
		packet->source_port = bpf_ntohs(udp->source);
		packet->port.number = bpf_ntohs(udp->dest);
		return true;
	}
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return take(cursor, ICMP_BYTES) != NULL;
	default:
		return true;
	}
}

/* ---- 2. Is the source denied? ----------------------------------------------------------------------------------- */

/* Word `index` of the mask that keeps the first `length` bits of an address. */
static __always_inline __be32 mask_word(__u32 length, int index)
{
	int bits = (int)length - 32 * index;

	if (bits <= 0)
		return 0;
	if (bits >= 32)
		return ~0U;
	return bpf_htonl(~0U << (32 - bits));
}

static __always_inline bool is_denied(const struct address *source)
{
	for (int i = 0; i < ARRAY_LENGTH(denied_always); i++) {
		__be32 differs = 0;

		for (int w = 0; w < 4; w++)
			differs |= (source->word[w] ^ denied_always[i].network.word[w]) &
				   mask_word(denied_always[i].length, w);
		if (!differs)
			return true;
	}

	for (int i = 0; i < ARRAY_LENGTH(denied_lengths); i++) {
		struct prefix key = { .length = denied_lengths[i] };
		__u64 *hits;

		for (int w = 0; w < 4; w++)
			key.network.word[w] = source->word[w] & mask_word(key.length, w);
		hits = bpf_map_lookup_elem(&denied, &key);
		if (hits) {
			__sync_fetch_and_add(hits, 1); /* other CPUs share this value */
			return true;
		}
	}
	return false;
}

/* ---- 3. Is the port closed? ------------------------------------------------------------------------------------- */

/* Returns REASON_PORT_OPEN, REASON_PORT_CLOSED, or REASON_DEFAULT if no rule names this port. */
static __always_inline enum reason judge_port(const struct port *port)
{
	__u32 *action = bpf_map_lookup_elem(&ports, port);

	/* Every lookup may find nothing; the verifier refuses the program that forgets to ask. */
	if (action)
		return *action == ACTION_DROP ? REASON_PORT_CLOSED : REASON_PORT_OPEN;

	for (int i = 0; i < ARRAY_LENGTH(closed_always); i++)
		if (closed_always[i].protocol == port->protocol && closed_always[i].number == port->number)
			return REASON_PORT_CLOSED;
	return REASON_DEFAULT;
}

/* ---- 4. Is the source too fast? --------------------------------------------------------------------------------- */

/*
 * Takes one packet's worth of time out of the source's bucket; false if there is not enough in it.
 *
 * Two CPUs that meet the same source at once may both spend the same credit, and a few packets too many get through.
 * A lock would cost more than they do. A source that finds the table full is let through: a flood of invented
 * addresses shall not shut out the real ones.
 */
static __always_inline bool spend(const struct address *source)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 cost_ns, full_ns;
	struct bucket *bucket;

	if (packets_per_second == 0)
		return true;
	cost_ns = NSEC_PER_SEC / packets_per_second;
	full_ns = cost_ns * burst_packets;

	bucket = bpf_map_lookup_elem(&buckets, source);
	if (!bucket) {
		struct bucket fresh = { .credit_ns = full_ns - cost_ns, .last_ns = now_ns };

		bpf_map_update_elem(&buckets, source, &fresh, BPF_NOEXIST);
		return true;
	}

	/* The value lies in the map's own memory: writing through the pointer is the update. */
	if (now_ns > bucket->last_ns) { /* the clocks of two CPUs may disagree a little */
		bucket->credit_ns += now_ns - bucket->last_ns;
		bucket->last_ns = now_ns;
	}
	if (bucket->credit_ns > full_ns)
		bucket->credit_ns = full_ns;
	if (bucket->credit_ns < cost_ns)
		return false;
	bucket->credit_ns -= cost_ns;
	return true;
}

/* ---- The four questions, and the answer ------------------------------------------------------------------------- */

static __always_inline enum reason judge(struct cursor *cursor, struct packet *packet)
{
	enum reason reason = REASON_DEFAULT;
	bool readable;

	switch (read_ethernet(cursor)) {
	case 0:
		return REASON_MALFORMED;
	case bpf_htons(ETH_P_IP):
		readable = read_ipv4(cursor, packet);
		break;
	case bpf_htons(ETH_P_IPV6):
		readable = read_ipv6(cursor, packet);
		break;
	default:
		return REASON_NOT_IP;
	}
	if (!readable || !read_transport(cursor, packet))
		return REASON_MALFORMED;

	if (is_denied(&packet->source))
		return REASON_SOURCE_DENIED;

	/* Later fragments are let through here without harm: without the first, they never become a packet again. */
	if (!packet->later_fragment)
		reason = judge_port(&packet->port);
	if (reason == REASON_PORT_CLOSED)
		return REASON_PORT_CLOSED;

	/* Only what asks for new work is limited: a download over an open connection may go as fast as it can. */
	if (!packet->continues && !spend(&packet->source))
		return REASON_TOO_FAST;
	return reason;
}

static __always_inline bool drops(enum reason reason)
{
	return reason >= REASON_MALFORMED || (reason == REASON_DEFAULT && default_action == ACTION_DROP);
}

static __always_inline void count(__u32 reason, __u64 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

static __always_inline void report(const struct packet *packet, enum reason reason, __u64 bytes)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&events_lost, 1);
		return;
	}
	/* Ring buffer memory holds whatever was there before: every field is written. */
	event->time_ns = bpf_ktime_get_ns();
	event->source = packet->source;
	event->destination = packet->destination;
	event->source_port = packet->source_port;
	event->destination_port = packet->port.number;
	event->protocol = packet->port.protocol;
	event->reason = reason;
	event->bytes = bytes;
	bpf_ringbuf_submit(event, 0);
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	/* The context says 32 bits; the kernel puts true pointers there when the program is loaded. */
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	__u64 bytes = cursor.end - cursor.at;
	struct packet packet = {};
	enum reason reason = judge(&cursor, &packet);

	count(reason, bytes);
	if (!drops(reason))
		return XDP_PASS;
	report(&packet, reason, bytes);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A ring buffer does not say what its records are. This pointer, which nothing uses, keeps the type in the BTF. */
const struct event *event_type __attribute__((unused));
