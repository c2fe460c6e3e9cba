// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A load balancer for XDP.
 *
 * Clients talk to a virtual IP address (VIP) that no machine has. The load balancer sits on the way, chooses one of
 * the machines behind it (a backend), sends the packet on, and does so with every later packet of the same flow.
 *
 * Three ideas carry it:
 *
 *   1. A ring.         Each service has a table of 65,537 slots, made in user space by the Maglev method. A flow is
 *                      hashed to a slot, the slot names a backend. Two load balancers with the same table choose alike
 *                      without ever talking to each other, and when a backend leaves, the others keep their slots.
 *   2. A memory.       Flows are kept in a table of connections, so that they stay where they are even when the ring
 *                      changes. It forgets what has been silent for long, and, when full, what was used least recently.
 *   3. Two ways on.    NAT writes the backend's address and port over the VIP's; replies must come back through here
 *                      and have it undone. A tunnel puts a second IP header in front and leaves the packet as it was;
 *                      the backend has the VIP itself and answers the client directly.
 *
 * What makes it longer are the packets that are not simply part of a flow: an ICMP error quotes the packet that it is
 * about, and must find the way which that packet came; a fragment has no ports, and follows the first of its kind; an
 * echo request asks whether the VIP is alive, and is answered here.
 *
 * Frames leave where they came in (XDP_TX), back to the router that sent them.
 */
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "packet.h"

#define NSEC_PER_SEC 1000000000ULL

/* ---- What the load balancer talks about ------------------------------------------------------------------------- */

/* Ports stay in network byte order, as packets have them: they are compared and copied, never counted with. And no
 * structure that is a map's key has padding: a map compares every byte. */
struct endpoint {
	struct address address;
	__be16 port;
	__u16 zero;
};

struct service_key {
	struct address vip;
	__be16 port;   /* 0 for ICMP: the VIP as such */
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 */
	__u8 zero;
};

enum service_flags {
	SERVICE_TUNNEL = 1,   /* instead of NAT */
	SERVICE_AFFINITY = 2, /* all flows of one source address go to one backend */
};

struct service {
	__u32 number; /* index into `rings` and `service_counters` */
	__u32 flags;  /* enum service_flags */
};

#define SERVICES_MAX 64
#define BACKENDS_MAX 4096 /* over all services; number 0 means nobody */
#ifndef RING_SLOTS_MAX /* tests make do with less */
#define RING_SLOTS_MAX 65537
#endif

struct ring {
	__u32 backend[RING_SLOTS_MAX]; /* numbers; slots from `ring_slots` on are unused */
};

struct backend {
	struct endpoint endpoint;
	__u32 in_use; /* also true while it is drained: no slot in the ring, but its old flows stay */
};

/* One direction of a conversation, as its packets show it. */
struct flow {
	struct address source;
	struct address destination;
	struct ports ports;
	__u8 protocol;
	__u8 zero[3];
};

enum connection_state {
	STATE_OPENING, /* TCP: nothing but SYN so far */
	STATE_OPEN,
	STATE_CLOSING, /* TCP: FIN or RST was seen */
};

struct connection {
	__u64 last_ns;
	struct endpoint backend; /* a copy: `backend_number` may be given to another machine one day */
	__u32 backend_number;
	__u32 service;
	enum connection_state state;
};

/* How to undo the NAT of a reply. */
struct reply {
	struct endpoint vip;
	__u32 service;
};

enum action {
	ACTION_NAT_TO_BACKEND, /* write `to` over the destination */
	ACTION_NAT_TO_CLIENT,  /* write `to` over the source */
	ACTION_TUNNEL,         /* put a header to `to` in front */
};

/* What has been decided about a packet. */
struct route {
	struct endpoint to;
	enum action action;
	__u32 service;
};

struct fragment_key {
	struct address source;
	struct address destination;
	__be32 id;
	__u8 protocol; /* of IPv4; IPv6 tells fragments apart without it */
	__u8 zero[3];
};

struct fragment {
	__u64 first_ns;
	struct route route;
	__u32 zero;
};

/* What became of a packet; also the index into `reasons`. The order gives the verdict: passed, sent, dropped. */
enum reason {
	REASON_NOT_IP,   /* passed: ARP and the like */
	REASON_NOT_OURS, /* passed: no VIP, no reply, no error about either */

	REASON_TO_BACKEND,       /* sent */
	REASON_TO_CLIENT,        /* sent */
	REASON_ERROR_TO_BACKEND, /* sent: an ICMP error about a reply */
	REASON_ERROR_TO_CLIENT,  /* sent: an ICMP error about a request */
	REASON_ECHO,             /* sent: the answer to an echo request */

	REASON_MALFORMED,        /* dropped: a header is cut short or impossible */
	REASON_NO_SERVICE,       /* dropped: the VIP has nothing on this port */
	REASON_NO_BACKEND,       /* dropped: the service has nobody who works */
	REASON_FRAGMENT_UNKNOWN, /* dropped: the first fragment of this packet was not seen */
	REASON_ERROR_UNKNOWN,    /* dropped: an ICMP error to a VIP about a packet of no service */
	REASON_TUPLE_TAKEN,      /* dropped: the backend could not tell this flow from one to another VIP */
	REASON_TOO_BIG,          /* dropped: does not fit into the tunnel */
	REASON_NO_ROOM,          /* dropped: the driver has left no headroom for another header */
	REASON_COUNT,
};

#define REASON_FIRST_SENT REASON_TO_BACKEND
#define REASON_FIRST_DROPPED REASON_MALFORMED

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* ---- Settings --------------------------------------------------------------------------------------------------- */

const volatile __u32 ring_slots = RING_SLOTS_MAX; /* a prime, not above RING_SLOTS_MAX; as the rings were made */
const volatile __u32 hash_seed = 0;               /* the same on all load balancers, and a secret */

/* How long a connection may be silent. What is only opening or already closing is forgotten sooner (RFC 5382). */
const volatile __u32 idle_tcp_seconds = 7440;
const volatile __u32 idle_tcp_transitory_seconds = 240;
const volatile __u32 idle_udp_seconds = 300;
const volatile __u32 fragment_seconds = 30; /* longer than that, nobody waits for the rest of a packet */

/* Where tunnels begin, and how long a packet may be in them, all headers behind Ethernet's counted. */
const volatile struct address tunnel_source_v4 = { { 0, 0, bpf_htonl(0xffff), bpf_htonl(0xc0000201) } }; /* 192.0.2.1 */
const volatile struct address tunnel_source_v6 = { { bpf_htonl(0x20010db8), 0, 0, bpf_htonl(1) } }; /* 2001:db8::1 */
const volatile __u32 tunnel_mtu_bytes = 1500;

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SERVICES_MAX);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

/* A whole ring is one value: user space replaces it in one call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* Flows from clients to VIPs. Anybody can invent flows, so this table will be full one day: LRU then lets go of what
 * was used least recently, and a flood of new flows pushes itself out rather than those that are alive. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct connection);
} connections SEC(".maps");

/* Flows from backends to clients, where NAT must be undone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct reply);
} replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

/* One copy for each CPU: counting takes no lock. The reader adds them up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} reasons SEC(".maps");

/* What was sent, in either direction. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct counter);
} service_counters SEC(".maps");

/* ---- Reading a packet ------------------------------------------------------------------------------------------- */

/* Headers are remembered by where they begin in the frame, not by pointers: a pointer dies when the frame's head
 * moves, and the verifier would follow each combination of headers separately to the end of the program. */
struct packet {
	struct network network;
	struct ports ports; /* of TCP and UDP */
	__u32 ip_off;
	__u32 transport_off;
	__u32 end_off; /* of the packet in the frame, quoted or not; behind it is what Ethernet pads short frames with */
	bool syn;      /* of TCP */
	bool fin_or_rst;
};

/* Nothing of interest lies deeper. The verifier wants a limit for offsets that it does not know. */
#define HEADERS_MAX 1024

static __always_inline void *header(struct xdp_md *ctx, __u32 off, __u32 bytes)
{
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	if (off > HEADERS_MAX)
		return NULL;
	cursor.at += off;
	/* Hides the sum from clang, which else concludes from a header further behind that this one must be there, and
	 * leaves out the comparison. The verifier does not reason like that. */
	barrier_var(cursor.at);
	return take(&cursor, bytes);
}

static __always_inline __u32 offset_of(struct xdp_md *ctx, const struct cursor *cursor)
{
	return cursor->at - (void *)(long)ctx->data;
}

/* The same for both versions. (<linux/icmp.h> wants the headers of a C library, which BPF does not have.) */
struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 rest; /* depends on the type */
};

#define ICMP_DEST_UNREACH 3
#define ICMP_ECHO_REQUEST 8
#define ICMP_ECHO_REPLY 0
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12

static __always_inline bool is_icmp(__u8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* The packet says how long it is; it must not be longer than the frame. */
static __always_inline bool read_length(struct xdp_md *ctx, struct packet *packet)
{
	__u32 bytes;

	if (packet->network.version == 4) {
		struct iphdr *ip = header(ctx, packet->ip_off, sizeof(*ip));

		if (!ip)
			return false;
		bytes = bpf_ntohs(ip->tot_len);
	} else {
		struct ipv6hdr *ip = header(ctx, packet->ip_off, sizeof(*ip));

		if (!ip)
			return false;
		bytes = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	}
	packet->end_off = packet->ip_off + bytes;
	return packet->end_off <= ctx->data_end - ctx->data && packet->end_off >= packet->transport_off;
}

static __always_inline bool has_transport_bytes(const struct packet *packet, __u32 bytes)
{
	return packet->transport_off + bytes <= packet->end_off;
}

/* Ports and flags, as far as they are there: an ICMP error quotes no more than the first 8 bytes for certain. */
static __always_inline bool read_ports(struct cursor *cursor, struct packet *packet)
{
	struct ports *ports;

	if (packet->network.protocol != IPPROTO_TCP && packet->network.protocol != IPPROTO_UDP)
		return true;
	ports = take(cursor, 8);
	if (!ports)
		return false;
	packet->ports = *ports;
	return true;
}

/* Reads the packet at `ip_off`. Not inlined: it is called for packets and for what ICMP errors quote. */
static __noinline bool read_packet(struct xdp_md *ctx, __u32 ip_off, __be16 ethertype, struct packet *packet)
{
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	if (ip_off > HEADERS_MAX)
		return false;
	cursor.at += ip_off;
	packet->ip_off = ip_off;
	if (!read_network(&cursor, ethertype, &packet->network))
		return false;
	packet->transport_off = offset_of(ctx, &cursor);
	return packet->network.later_fragment || read_ports(&cursor, packet);
}

/* What a packet of TCP, UDP or ICMP must have when it is not merely quoted. */
static __always_inline bool read_transport(struct xdp_md *ctx, struct packet *packet)
{
	if (packet->network.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = header(ctx, packet->transport_off, sizeof(*tcp));

		if (!tcp || !has_transport_bytes(packet, sizeof(*tcp)) || tcp->doff < 5)
			return false;
		packet->syn = tcp->syn;
		packet->fin_or_rst = tcp->fin || tcp->rst;
	}
	if (packet->network.protocol == IPPROTO_UDP || is_icmp(packet->network.protocol))
		return has_transport_bytes(packet, 8);
	return true;
}

/* ---- Writing: checksums ----------------------------------------------------------------------------------------- */

/*
 * The checksum of the Internet is the one's complement of a one's complement sum, and a sum can be corrected without
 * adding everything up again: take off what leaves, put on what comes. To take off is to add the complement (RFC
 * 1624). Carries gather in the upper bits of a wide number until `fold` brings them down; and because a carry out of
 * the top comes in again at the bottom, the sum does not even care for the byte order.
 */
static __always_inline void exchange(__u64 *change, __u32 leaves, __u32 comes)
{
	*change += (__u32)~leaves;
	*change += comes;
}

static __always_inline __u16 fold(__u64 sum)
{
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Brings a checksum up to date after `change`, and adds to `outer` what that does to a checksum over both. */
static __always_inline void update_checksum(__sum16 *checksum, __u64 change, __u64 *outer)
{
	__u16 before = *checksum;
	__u16 after = ~fold(change + (__u16)~before);

	*checksum = after;
	exchange(outer, before, after);
}

/* ---- Writing: NAT ----------------------------------------------------------------------------------------------- */

enum side {
	SIDE_SOURCE,
	SIDE_DESTINATION,
};

/*
 * Writes `to` over one side of a packet, which may be one that an ICMP error quotes. Returns the change of all that
 * was written, as a checksum over the whole packet would see it. Headers that are not there are left alone: they have
 * been looked for before.
 */
static __noinline __u64 rewrite(struct xdp_md *ctx, const struct packet *packet, __u32 side, const struct endpoint *to)
{
	__u64 addresses = 0; /* change of what the transport's checksum covers by its pseudo header */
	__u64 change = 0;    /* and of everything */
	__u64 ports = 0;

	if (packet->network.version == 4) {
		struct iphdr *ip = header(ctx, packet->ip_off, sizeof(*ip));
		__be32 *address;

		if (!ip)
			return 0;
		address = side == SIDE_SOURCE ? &ip->saddr : &ip->daddr;
		exchange(&addresses, *address, to->address.word[3]);
		*address = to->address.word[3];
		update_checksum(&ip->check, addresses, &change);
	} else {
		struct ipv6hdr *ip = header(ctx, packet->ip_off, sizeof(*ip));
		struct address *address;

		if (!ip)
			return 0;
		address = (void *)(side == SIDE_SOURCE ? &ip->saddr : &ip->daddr);
		for (int w = 0; w < 4; w++)
			exchange(&addresses, address->word[w], to->address.word[w]);
		*address = to->address;
	}
	change += addresses;

	/* Checksum and ports of the transport went with the first fragment; one correction is enough for all. */
	if (packet->network.later_fragment)
		return change;

	if (packet->network.protocol == IPPROTO_TCP || packet->network.protocol == IPPROTO_UDP) {
		struct ports *at = header(ctx, packet->transport_off, sizeof(*at));
		__be16 *port;

		if (!at)
			return change;
		port = side == SIDE_SOURCE ? &at->source : &at->destination;
		exchange(&ports, *port, to->port);
		*port = to->port;
		change += ports;
	}

	switch (packet->network.protocol) {
	case IPPROTO_TCP: {
		/* A quoted segment may end early: rarely between 8 and 20 bytes, and then nobody looks at its checksum. */
		struct tcphdr *tcp = header(ctx, packet->transport_off, sizeof(*tcp));

		if (tcp && has_transport_bytes(packet, sizeof(*tcp)))
			update_checksum(&tcp->check, addresses + ports, &change);
		break;
	}
	case IPPROTO_UDP: {
		struct udphdr *udp = header(ctx, packet->transport_off, sizeof(*udp));

		/* For UDP, zero says that there is no checksum, and a sum of zero is written as its other form. */
		if (udp && udp->check) {
			update_checksum(&udp->check, addresses + ports, &change);
			if (!udp->check)
				udp->check = 0xffff;
		}
		break;
	}
	case IPPROTO_ICMPV6: { /* whose checksum, unlike that of ICMP, covers the addresses */
		struct icmp_header *icmp = header(ctx, packet->transport_off, sizeof(*icmp));

		if (icmp)
			update_checksum(&icmp->checksum, addresses, &change);
		break;
	}
	}
	return change;
}

/* ---- Writing: the tunnel ---------------------------------------------------------------------------------------- */

/* The Ethernet header with its tags, to be carried to the new front of the frame. */
struct link_header {
	struct ethhdr ethernet;
	struct vlan_tag tags[2];
};

static __always_inline bool copy_link(struct xdp_md *ctx, __u32 bytes, struct link_header *link, bool to_frame)
{
	struct ethhdr *ethernet = header(ctx, 0, sizeof(*ethernet));

	if (!ethernet)
		return false;
	if (to_frame)
		*ethernet = link->ethernet;
	else
		link->ethernet = *ethernet;

	for (int i = 0; i < 2; i++) {
		struct vlan_tag *tag;

		if (bytes < sizeof(*ethernet) + (i + 1) * sizeof(*tag))
			break;
		tag = header(ctx, sizeof(*ethernet) + i * sizeof(*tag), sizeof(*tag));
		if (!tag)
			return false;
		if (to_frame)
			*tag = link->tags[i];
		else
			link->tags[i] = *tag;
	}
	return true;
}

static __always_inline enum reason tunnel_ipv4(struct xdp_md *ctx, __u32 ip_off, const struct endpoint *to)
{
	struct iphdr *inner = header(ctx, ip_off, sizeof(*inner));
	struct link_header link = {};
	struct iphdr outer = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_IPIP };
	__u64 sum = 0;
	__u32 bytes;
	struct iphdr *ip;

	if (!inner)
		return REASON_MALFORMED;
	bytes = bpf_ntohs(inner->tot_len) + sizeof(outer);
	if (bytes > tunnel_mtu_bytes)
		return REASON_TOO_BIG;
	outer.tot_len = bpf_htons(bytes);
	outer.tos = inner->tos; /* priority, and the two bits by which routers report congestion (RFC 6040) */
	outer.frag_off = bpf_htons(0x4000); /* don't fragment */
	outer.saddr = tunnel_source_v4.word[3];
	outer.daddr = to->address.word[3];
	for (int w = 0; w < sizeof(outer) / 4; w++)
		sum += ((__u32 *)&outer)[w];
	outer.check = ~fold(sum);

	if (!copy_link(ctx, ip_off, &link, false))
		return REASON_MALFORMED;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(outer)))
		return REASON_NO_ROOM;
	ip = header(ctx, ip_off, sizeof(*ip));
	if (!ip || !copy_link(ctx, ip_off, &link, true))
		return REASON_MALFORMED;
	*ip = outer;
	return REASON_TO_BACKEND;
}

static __always_inline enum reason tunnel_ipv6(struct xdp_md *ctx, __u32 ip_off, const struct endpoint *to)
{
	struct ipv6hdr *inner = header(ctx, ip_off, sizeof(*inner));
	struct link_header link = {};
	struct ipv6hdr outer = { .version = 6, .nexthdr = IPPROTO_IPV6, .hop_limit = 64 };
	__u32 bytes;
	struct ipv6hdr *ip;

	if (!inner)
		return REASON_MALFORMED;
	bytes = bpf_ntohs(inner->payload_len) + sizeof(*inner);
	if (bytes + sizeof(outer) > tunnel_mtu_bytes)
		return REASON_TOO_BIG;
	outer.payload_len = bpf_htons(bytes);
	outer.priority = inner->priority; /* the traffic class lies across two bytes */
	outer.flow_lbl[0] = inner->flow_lbl[0] & 0xf0;
	for (int w = 0; w < 4; w++)
		outer.saddr.in6_u.u6_addr32[w] = tunnel_source_v6.word[w];
	__builtin_memcpy(&outer.daddr, &to->address, sizeof(outer.daddr));

	if (!copy_link(ctx, ip_off, &link, false))
		return REASON_MALFORMED;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(outer)))
		return REASON_NO_ROOM;
	ip = header(ctx, ip_off, sizeof(*ip));
	if (!ip || !copy_link(ctx, ip_off, &link, true))
		return REASON_MALFORMED;
	*ip = outer;
	return REASON_TO_BACKEND;
}

/* ---- Finding the way: services ---------------------------------------------------------------------------------- */

static __always_inline struct service *find_service(const struct address *vip, __be16 port, __u8 protocol)
{
	struct service_key key = { .vip = *vip, .port = port, .protocol = protocol };

	return bpf_map_lookup_elem(&services, &key);
}

/* Each VIP also has an entry for ICMP. */
static __always_inline bool is_vip(const struct network *network)
{
	__u8 icmp = network->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	return find_service(&network->destination, 0, icmp) != NULL;
}

/* A multiplication carries each bit upwards, the shift brings the upper ones down again. */
static __always_inline __u32 mix(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ hash >> 15;
}

static __always_inline __u32 hash_flow(const struct flow *flow, bool source_only)
{
	__u32 hash = hash_seed;

	for (int w = 0; w < 4; w++)
		hash = mix(hash, flow->source.word[w]);
	if (!source_only) {
		for (int w = 0; w < 4; w++)
			hash = mix(hash, flow->destination.word[w]);
		hash = mix(hash, (__u32)flow->ports.source << 16 | flow->ports.destination);
		hash = mix(hash, flow->protocol);
	}
	return mix(hash, 0x85ebca77);
}

/* The number of the backend that the ring gives a flow; 0 if nobody is there. */
static __always_inline __u32 choose(const struct service *service, const struct flow *flow)
{
	__u64 slot = hash_flow(flow, service->flags & SERVICE_AFFINITY) % ring_slots;
	__u32 number = service->number;
	struct ring *ring = bpf_map_lookup_elem(&rings, &number);

	/* So that clang compares all 64 bits: after a modulo the verifier knows nothing of the upper ones. */
	barrier_var(slot);
	return ring && slot < RING_SLOTS_MAX ? ring->backend[slot] : 0;
}

static __always_inline bool same_address(const struct address *a, const struct address *b)
{
	__be32 differs = 0;

	for (int w = 0; w < 4; w++)
		differs |= a->word[w] ^ b->word[w];
	return !differs;
}

static __always_inline bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && same_address(&a->address, &b->address);
}

/* ---- Finding the way: connections ------------------------------------------------------------------------------- */

static __always_inline bool is_alive(const struct connection *connection, __u8 protocol, __u64 now_ns)
{
	__u32 seconds = protocol == IPPROTO_UDP                ? idle_udp_seconds :
			connection->state == STATE_OPEN ? idle_tcp_seconds :
							  idle_tcp_transitory_seconds;

	/* The clocks of two CPUs may disagree a little, and a difference below zero is a very large number. */
	return now_ns < connection->last_ns || now_ns - connection->last_ns < seconds * NSEC_PER_SEC;
}

static __always_inline void touch(struct connection *connection, const struct packet *packet, __u64 now_ns)
{
	connection->last_ns = now_ns;
	if (packet->fin_or_rst)
		connection->state = STATE_CLOSING;
	else if (connection->state == STATE_OPENING && !packet->syn)
		connection->state = STATE_OPEN;
}

/* The connection's backend, if it is still one. */
static __always_inline bool is_served(const struct connection *connection)
{
	__u32 number = connection->backend_number;
	struct backend *backend = bpf_map_lookup_elem(&backends, &number);

	return backend && backend->in_use && same_endpoint(&backend->endpoint, &connection->backend);
}

/*
 * Makes sure that the NAT of replies can be undone. This is asked for each request: the table is full one day, and a
 * flow without replies for a while would be the first to lose its entry. A client may use one port towards two VIPs;
 * if both lead to the same backend, that would see one flow where there are two. The later one then has to try from
 * another port.
 */
static __noinline bool claim_replies(const struct flow *flow, const struct connection *connection, __u64 now_ns)
{
	struct reply reply = {
		.vip = { .address = flow->destination, .port = flow->ports.destination },
		.service = connection->service,
	};
	struct flow back = {
		.source = connection->backend.address,
		.destination = flow->source,
		.ports = { .source = connection->backend.port, .destination = flow->ports.source },
		.protocol = flow->protocol,
	};
	struct reply *taken = bpf_map_lookup_elem(&replies, &back);

	if (taken) {
		struct flow other = *flow;
		struct connection *holder;

		if (same_endpoint(&taken->vip, &reply.vip))
			return true;
		other.destination = taken->vip.address;
		other.ports.destination = taken->vip.port;
		holder = bpf_map_lookup_elem(&connections, &other);
		if (holder && same_endpoint(&holder->backend, &connection->backend) &&
		    is_alive(holder, flow->protocol, now_ns))
			return false;
	}
	bpf_map_update_elem(&replies, &back, &reply, BPF_ANY);
	return true;
}

/* The way of a flow to a VIP. `quoted`: an ICMP error is on its way with it, which neither opens nor prolongs. */
static __noinline enum reason route_to_backend(const struct service *service, const struct flow *flow,
					       const struct packet *packet, bool quoted, struct route *route)
{
	struct connection *known = bpf_map_lookup_elem(&connections, flow);
	struct connection fresh = { .last_ns = bpf_ktime_get_ns(), .service = service->number };
	struct backend *backend;

	route->service = service->number;
	route->action = service->flags & SERVICE_TUNNEL ? ACTION_TUNNEL : ACTION_NAT_TO_BACKEND;

	/* A SYN after the end begins another connection between the same ports. */
	if (known && is_alive(known, flow->protocol, fresh.last_ns) &&
	    !(packet->syn && known->state == STATE_CLOSING) && is_served(known)) {
		route->to = known->backend;
		if (quoted)
			return REASON_TO_BACKEND;
		touch(known, packet, fresh.last_ns);
		if (route->action == ACTION_NAT_TO_BACKEND && !claim_replies(flow, known, fresh.last_ns))
			return REASON_TUPLE_TAKEN;
		return REASON_TO_BACKEND;
	}

	fresh.backend_number = choose(service, flow);
	backend = bpf_map_lookup_elem(&backends, &fresh.backend_number);
	if (!backend || !backend->in_use)
		return REASON_NO_BACKEND;
	fresh.backend = backend->endpoint;
	route->to = fresh.backend;
	if (quoted)
		return REASON_TO_BACKEND;

	if (route->action == ACTION_NAT_TO_BACKEND && !claim_replies(flow, &fresh, fresh.last_ns))
		return REASON_TUPLE_TAKEN;
	fresh.state = packet->fin_or_rst ? STATE_CLOSING : packet->syn ? STATE_OPENING : STATE_OPEN;
	bpf_map_update_elem(&connections, flow, &fresh, BPF_ANY);
	return REASON_TO_BACKEND;
}

/* The way of a reply to its client. It keeps the connection alive, which the request's flow is the key of. */
static __noinline enum reason route_to_client(const struct reply *reply, const struct flow *flow,
					      const struct packet *packet, bool quoted, struct route *route)
{
	struct flow request = {
		.source = flow->destination,
		.destination = reply->vip.address,
		.ports = { .source = flow->ports.destination, .destination = reply->vip.port },
		.protocol = flow->protocol,
	};
	struct connection *connection;

	route->to = reply->vip;
	route->service = reply->service;
	route->action = ACTION_NAT_TO_CLIENT;
	if (quoted)
		return REASON_TO_CLIENT;

	connection = bpf_map_lookup_elem(&connections, &request);
	if (connection)
		touch(connection, packet, bpf_ktime_get_ns());
	return REASON_TO_CLIENT;
}

static __always_inline enum reason find_route(const struct flow *flow, const struct packet *packet, bool quoted,
					      struct route *route)
{
	struct service *service;
	struct reply *reply;

	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return REASON_NOT_OURS;
	service = find_service(&flow->destination, flow->ports.destination, flow->protocol);
	if (service)
		return route_to_backend(service, flow, packet, quoted, route);
	reply = bpf_map_lookup_elem(&replies, flow);
	if (reply)
		return route_to_client(reply, flow, packet, quoted, route);
	return REASON_NOT_OURS;
}

/* ---- Packets of a flow ------------------------------------------------------------------------------------------ */

static __noinline enum reason follow(struct xdp_md *ctx, const struct packet *packet, const struct route *route)
{
	switch (route->action) {
	case ACTION_NAT_TO_BACKEND:
		rewrite(ctx, packet, SIDE_DESTINATION, &route->to);
		return REASON_TO_BACKEND;
	case ACTION_NAT_TO_CLIENT:
		rewrite(ctx, packet, SIDE_SOURCE, &route->to);
		return REASON_TO_CLIENT;
	default:
		return packet->network.version == 4 ? tunnel_ipv4(ctx, packet->ip_off, &route->to) :
						      tunnel_ipv6(ctx, packet->ip_off, &route->to);
	}
}

static __always_inline void fragment_key_of(const struct network *network, struct fragment_key *key)
{
	*key = (struct fragment_key){
		.source = network->source,
		.destination = network->destination,
		.id = network->fragment_id,
		.protocol = network->version == 4 ? network->protocol : 0,
	};
}

/* A later fragment goes where the first one went. One that overtakes the first is lost, and sent again. */
static __always_inline enum reason handle_later_fragment(struct xdp_md *ctx, const struct packet *packet,
							 struct route *route)
{
	struct fragment_key key;
	struct fragment *fragment;

	fragment_key_of(&packet->network, &key);
	fragment = bpf_map_lookup_elem(&fragments, &key);
	if (fragment && bpf_ktime_get_ns() - fragment->first_ns < fragment_seconds * NSEC_PER_SEC) {
		*route = fragment->route;
		return follow(ctx, packet, route);
	}
	return is_vip(&packet->network) ? REASON_FRAGMENT_UNKNOWN : REASON_NOT_OURS;
}

static __always_inline enum reason handle_flow(struct xdp_md *ctx, const struct packet *packet, struct route *route)
{
	struct flow flow = {
		.source = packet->network.source,
		.destination = packet->network.destination,
		.ports = packet->ports,
		.protocol = packet->network.protocol,
	};
	enum reason reason = find_route(&flow, packet, false, route);

	if (reason == REASON_NOT_OURS)
		return is_vip(&packet->network) ? REASON_NO_SERVICE : REASON_NOT_OURS;
	if (reason >= REASON_FIRST_DROPPED)
		return reason;

	if (packet->network.fragment) {
		struct fragment fragment = { .first_ns = bpf_ktime_get_ns(), .route = *route };
		struct fragment_key key;

		fragment_key_of(&packet->network, &key);
		bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
	}
	return follow(ctx, packet, route);
}

/* ---- ICMP ------------------------------------------------------------------------------------------------------- */

/* Types of ICMP and ICMPv6 differ, what they mean does not. */
static __always_inline bool is_echo_request(const struct network *network, __u8 type)
{
	return type == (network->version == 4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST);
}

static __always_inline bool is_error(const struct network *network, __u8 type)
{
	if (network->version == 6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* Turns an echo request into its reply. Sums do not care for order, so the exchange of addresses changes none. */
static __always_inline enum reason answer_echo(struct xdp_md *ctx, const struct packet *packet)
{
	struct icmp_header *icmp = header(ctx, packet->transport_off, sizeof(*icmp));
	__u64 change = 0, unused = 0;
	__u16 before, after;

	if (!icmp)
		return REASON_MALFORMED;
	before = *(__u16 *)icmp; /* type and code make one word of the sum */
	icmp->type = packet->network.version == 4 ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
	after = *(__u16 *)icmp;
	exchange(&change, before, after);
	update_checksum(&icmp->checksum, change, &unused);

	if (packet->network.version == 4) {
		struct iphdr *ip = header(ctx, packet->ip_off, sizeof(*ip));
		__be32 client;

		if (!ip)
			return REASON_MALFORMED;
		client = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = client;
		change = 0;
		before = *(__u16 *)&ip->ttl; /* with the protocol */
		ip->ttl = 64;
		after = *(__u16 *)&ip->ttl;
		exchange(&change, before, after);
		update_checksum(&ip->check, change, &unused);
	} else {
		struct ipv6hdr *ip = header(ctx, packet->ip_off, sizeof(*ip));
		struct in6_addr client;

		if (!ip)
			return REASON_MALFORMED;
		client = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = client;
		ip->hop_limit = 64;
	}
	return REASON_ECHO;
}

/*
 * An ICMP error travels against the packet that it quotes, and thus with the replies to that packet. So the quoted
 * packet is read backwards: what was its source is where the error goes. The way of that flow is the error's way. With
 * NAT, what the other end has sent or would know is put into the quotation as well, or it would not recognise it.
 */
static __always_inline enum reason handle_error(struct xdp_md *ctx, const struct packet *packet, struct route *route)
{
	__be16 ethertype = packet->network.version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	struct packet quoted = { .end_off = packet->end_off };
	struct flow flow = {};
	struct icmp_header *icmp;
	enum reason reason;
	__u64 change, unused = 0;

	if (!read_packet(ctx, packet->transport_off + sizeof(*icmp), ethertype, &quoted) ||
	    !has_transport_bytes(&quoted, quoted.network.later_fragment ? 0 : 8))
		return REASON_MALFORMED;
	flow.source = quoted.network.destination;
	flow.destination = quoted.network.source;
	flow.ports.source = quoted.ports.destination;
	flow.ports.destination = quoted.ports.source;
	flow.protocol = quoted.network.protocol;

	reason = REASON_NOT_OURS;
	if (!quoted.network.later_fragment && same_address(&flow.destination, &packet->network.destination))
		reason = find_route(&flow, &quoted, true, route);
	if (reason == REASON_NOT_OURS)
		return is_vip(&packet->network) ? REASON_ERROR_UNKNOWN : REASON_NOT_OURS;
	if (reason >= REASON_FIRST_DROPPED)
		return reason;

	if (route->action == ACTION_TUNNEL) {
		reason = follow(ctx, packet, route);
		return reason == REASON_TO_BACKEND ? REASON_ERROR_TO_BACKEND : reason;
	}
	if (route->action == ACTION_NAT_TO_BACKEND) {
		change = rewrite(ctx, &quoted, SIDE_SOURCE, &route->to);
		rewrite(ctx, packet, SIDE_DESTINATION, &route->to);
	} else {
		change = rewrite(ctx, &quoted, SIDE_DESTINATION, &route->to);
		/* A router on the way may speak for itself, the backend may not: the client does not know it. */
		if (same_address(&packet->network.source, &flow.source))
			rewrite(ctx, packet, SIDE_SOURCE, &route->to);
	}
	icmp = header(ctx, packet->transport_off, sizeof(*icmp));
	if (!icmp)
		return REASON_MALFORMED;
	update_checksum(&icmp->checksum, change, &unused);
	return reason == REASON_TO_BACKEND ? REASON_ERROR_TO_BACKEND : REASON_ERROR_TO_CLIENT;
}

static __always_inline enum reason handle_icmp(struct xdp_md *ctx, const struct packet *packet, struct route *route)
{
	struct icmp_header *icmp = header(ctx, packet->transport_off, sizeof(*icmp));

	if (!icmp)
		return REASON_MALFORMED;
	if (is_error(&packet->network, icmp->type))
		return handle_error(ctx, packet, route);
	if (is_echo_request(&packet->network, icmp->type)) {
		struct service *vip = find_service(&packet->network.destination, 0, packet->network.protocol);

		if (vip) {
			route->service = vip->number;
			/* An answer to a part would be no answer; putting it together is not our work. */
			return packet->network.fragment ? REASON_FRAGMENT_UNKNOWN : answer_echo(ctx, packet);
		}
	}
	/* The rest, neighbour discovery for instance, is for the host. */
	return REASON_NOT_OURS;
}

/* ---- All together ----------------------------------------------------------------------------------------------- */

static __always_inline enum reason handle(struct xdp_md *ctx, struct route *route)
{
	struct cursor cursor = { .at = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	__be16 ethertype = read_ethernet(&cursor);
	struct packet packet = {};

	if (!ethertype)
		return REASON_MALFORMED;
	if (ethertype != bpf_htons(ETH_P_IP) && ethertype != bpf_htons(ETH_P_IPV6))
		return REASON_NOT_IP;
	if (!read_packet(ctx, offset_of(ctx, &cursor), ethertype, &packet) || !read_length(ctx, &packet))
		return REASON_MALFORMED;

	if (packet.network.later_fragment)
		return handle_later_fragment(ctx, &packet, route);
	if (!read_transport(ctx, &packet))
		return REASON_MALFORMED;
	if (is_icmp(packet.network.protocol))
		return handle_icmp(ctx, &packet, route);
	return handle_flow(ctx, &packet, route);
}

static __always_inline void count(void *map, __u32 index, __u64 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(map, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

/* Back to where the frame came from: the router, which knows the way to everybody. */
static __always_inline int send_back(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = header(ctx, 0, sizeof(*ethernet));
	__u8 mac[ETH_ALEN];

	if (!ethernet)
		return XDP_ABORTED;
	__builtin_memcpy(mac, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int lb(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data; /* as it came, before a tunnel makes it longer */
	struct route route = {};
	enum reason reason = handle(ctx, &route);

	count(&reasons, reason, bytes);
	if (reason >= REASON_FIRST_DROPPED)
		return XDP_DROP;
	if (reason < REASON_FIRST_SENT)
		return XDP_PASS;
	count(&service_counters, route.service, bytes);
	return send_back(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
