// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A network policy for one endpoint (a container, a virtual machine), at the traffic control hook.
 *
 * A policy does not speak of addresses. Addresses come and go; what stays is who somebody is: "the web servers", "the
 * database", "the world". Each such group has a number, its identity. So a packet is judged in five steps:
 *
 *   1. Read it.            Protocol, addresses, ports; a later fragment borrows the ports of the first.
 *   2. Is it expected?     It belongs to a connection that was allowed when it was opened, answers one, or is an
 *                          ICMP error about one. Then it passes, and the rules are not asked.
 *   3. Who is the peer?    `ipcache` turns an address into an identity; the longest prefix wins.
 *   4. What do rules say?  `rules` is asked for this identity and for everybody. What no rule allows is dropped.
 *   5. Remember and tell.  An allowed packet opens a connection; every decision of step 4 and every drop becomes a
 *                          `struct event` in the ring buffer, and `counters` count reasons.
 *
 * In which order rules count
 *
 * This is the order that Cilium documents, and the layout of its policy map. Deny goes before allow: if any rule that
 * fits denies, nothing can allow. Among rules that allow, the most specific one is said to have decided:
 *
 *      peer      protocol   port
 *   1. this one  this one   this one   (or a range around it: the smaller range first)
 *   2. any       this one   this one
 *   3. this one  this one   any
 *   4. any       this one   any
 *   5. this one  any        any
 *   6. any       any        any
 *
 * Six questions to a hash table would do, and ranges of ports would need as many more. A longest-prefix-match trie
 * needs two. Its key is peer, direction, protocol, port, in this order, and a rule leaves away what it does not care
 * about at the end: "any port" is a prefix that stops before the port, and a range of ports is a few prefixes that
 * stop within it (8080-8087 are the ports that share the first 13 bits of 8080). Only the peer, at the front, cannot
 * be left away; so "any peer" is written as identity 0, and asked for by itself.
 *
 * Such a trie tells the longest match only. A broad deny would hide behind a narrow allow for the same peer; so whoever
 * writes the map leaves out each entry that allows what a broader one for the same peer denies (bpf/control/policy.ts
 * does). A narrow deny is the longer match anyway. An empty map allows nothing.
 *
 * Ingress is what goes to the endpoint, egress what comes from it: the hooks of the endpoint's own device. On the
 * host's end of a veth pair the two change places.
 */
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "packet.h"

#define NSEC_PER_SEC 1000000000ULL

/* ---- What the policy talks about -------------------------------------------------------------------------------- */

/* An enum takes four bytes, but `packed` only as many as its values need: one. Who reads a map or an event through BTF
 * then sees names. */
enum direction {
	INGRESS, /* to the endpoint */
	EGRESS,  /* from it */
} __attribute__((packed));

#define IDENTITY_ANY 0   /* in a rule: whoever it is */
#define IDENTITY_WORLD 2 /* whom the ipcache does not know */

enum verdict {
	VERDICT_PASS,
	VERDICT_DROP,
	VERDICT_AUDIT, /* would have been dropped, were this not only a rehearsal */
} __attribute__((packed));

/* Why a packet got its verdict. Also the index into `counters`. */
enum reason {
	REASON_NOT_IP,         /* passed: ARP and the like are not our business */
	REASON_NEIGHBOUR,      /* passed: without neighbour discovery there is no IPv6 to judge */
	REASON_ESTABLISHED,    /* passed: same way as the packet that opened the connection */
	REASON_REPLY,          /* passed: the other way */
	REASON_RELATED,        /* passed: an ICMP error about a packet of a connection */
	REASON_ALLOWED,        /* passed: a rule allows it */
	REASON_MALFORMED,      /* dropped: a header is cut short, impossible, or too far behind others */
	REASON_FRAGMENT,       /* dropped: nobody has seen the first fragment of this packet */
	REASON_DENIED,         /* dropped, or audited: a rule denies it */
	REASON_NO_RULE,        /* dropped, or audited: no rule allows it */
	REASON_COUNT,
} __attribute__((packed));

/* Which line of the table above decided. */
enum match {
	MATCH_NONE,
	MATCH_PEER_PORT,
	MATCH_ANY_PORT,
	MATCH_PEER_PROTOCOL,
	MATCH_ANY_PROTOCOL,
	MATCH_PEER,
	MATCH_ALL,
} __attribute__((packed));

/*
 * Who talks to whom, and the key of a connection: then all of it is from the view of whoever spoke first. A map
 * compares keys byte by byte, so there is no padding: every byte has a name.
 *
 * ICMP echo has no ports but an identifier. It stands where the asker's port would; the other port is 0.
 */
struct flow {
	struct address source;
	struct address destination;
	struct ports ports;
	__u8 protocol;
	enum direction direction;
	__u8 zero[2];
};

struct packet {
	struct network network;
	struct network cause; /* of the packet that an ICMP error is about */
	struct flow flow;
	enum direction direction;
	__be16 rule_port; /* what rules mean by port: that of the destination, or the type of an ICMP message */
	bool has_connection; /* of its kind one expects more: not so of ICMP, except for echo */
	bool is_error;       /* ICMP: `flow` is that of the packet that it is about */
	bool is_neighbour;
	bool syn, fin, rst;
};

struct decision {
	__u32 local; /* identities */
	__u32 peer;
	enum reason reason;
	enum match match;
	enum verdict verdict;
};

struct prefix {
	__u32 length;           /* in bits of a 128-bit address */
	struct address network; /* the bits past `length` are zero */
};

struct rule_key {
	__u32 length; /* in bits of what follows: RULE_BITS, less what the rule does not care about */
	__u32 peer;   /* identity, or IDENTITY_ANY */
	enum direction direction;
	__u8 protocol;
	__be16 port; /* the first byte must come first, or a prefix of it would be no range */
};

#define RULE_BITS (8 * (sizeof(struct rule_key) - offsetof(struct rule_key, peer)))
#define PROTOCOL_BITS 8
#define PORT_BITS 16

struct rule {
	__u8 deny;
	__u8 bits; /* of protocol and port in its key, 0 to 24; a lookup does not say which key it found */
	__u8 zero[6];
	__u64 packets; /* that this rule decided */
};

struct connection {
	__u64 expires_ns;
	__u8 syn;       /* opened by a SYN */
	__u8 answered;  /* a packet went the other way */
	__u8 closing;   /* CLOSED_BY_... */
	__u8 zero[5];
};

#define CLOSED_BY_OPENER 1
#define CLOSED_BY_OTHER 2
#define CLOSED (CLOSED_BY_OPENER | CLOSED_BY_OTHER)

/* How to know the fragments of one packet, and what the first of them says about all. */
struct fragment_key {
	struct address source;
	struct address destination;
	__be32 id;
	__u8 protocol;
	enum direction direction;
	__u8 zero[2];
};

struct fragment {
	struct ports ports;
	__be16 rule_port;
	__u8 has_connection;
	__u8 zero;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct event {
	__u64 time_ns;
	struct address source;
	struct address destination;
	__u16 source_port; /* of the packet, 0 where it has none */
	__u16 rule_port;   /* destination port, or ICMP type */
	__u32 local;       /* identity of the endpoint */
	__u32 peer;        /* identity of the other side */
	__u32 bytes;       /* length of the packet */
	__u8 protocol;
	enum direction direction;
	enum verdict verdict;
	enum reason reason;
	enum match match;
	__u8 zero[7];
};

/* ---- Settings --------------------------------------------------------------------------------------------------- */

/* `const volatile` variables lie in .rodata: a loader may change them before it loads the program, and the verifier
 * then removes what they switch off. */
const volatile __u32 endpoint_identity = 0; /* of this endpoint; 0 asks the ipcache for its address */
const volatile __u32 audit = 0;             /* 1: what the rules would drop passes, but is told as VERDICT_AUDIT */
const volatile __u32 report_allowed = 1;    /* 0: only drops and audits become events */

/* How long a connection is remembered after its last packet. */
const volatile __u32 opening_seconds = 60;  /* TCP: a SYN that nobody has answered */
const volatile __u32 open_seconds = 8000;   /* TCP: in use */
const volatile __u32 closing_seconds = 10;  /* TCP: both sides have said FIN, or one RST */
const volatile __u32 other_seconds = 60;    /* everything else, which has neither beginning nor end */

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* tries demand it */
	__type(key, struct prefix);
	__type(value, __u32); /* identity */
} ipcache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rule_key);
	__type(value, struct rule);
} rules SEC(".maps");

/* Tables that strangers can fill forget what was used least lately. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

/*
 * Where the packet at hand is described, one place for each CPU. The stack would have room for it, but the verifier
 * remembers all that it knows about the stack, and would walk the second half of the program once for each way
 * through the first: each protocol, each number of extension headers, each flag set or clear. That is more than the
 * million instructions that it is willing to walk. What a map holds it forgets at once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");

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

__u64 events_lost; /* decisions that found the ring buffer full */

/* A ring buffer does not say what its records are. This pointer, which nothing uses, keeps the type in the BTF. */
const struct event *event_type __attribute__((unused));

/* ---- 1. Read it ------------------------------------------------------------------------------------------------- */

#define SCTP_BYTES 12

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
};

enum icmpv6_type {
	ICMPV6_ERROR_FIRST = 1, /* unreachable, packet too big, time exceeded, */
	ICMPV6_ERROR_LAST = 4,  /* parameter problem */
	ICMPV6_ECHO_REQUEST = 128,
	ICMPV6_ECHO_REPLY = 129,
	ICMPV6_NEIGHBOUR_FIRST = 133, /* router solicitation, router advertisement, */
	ICMPV6_NEIGHBOUR_LAST = 136,  /* neighbour solicitation, neighbour advertisement */
};

struct icmp {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 identifier; /* this and the next depend on the type; so they are for echo */
	__be16 sequence;
};

static __always_inline bool is_icmp(const struct network *network)
{
	return network->protocol == (network->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static __always_inline bool is_same(const struct address *left, const struct address *right)
{
	return !((left->word[0] ^ right->word[0]) | (left->word[1] ^ right->word[1]) |
		 (left->word[2] ^ right->word[2]) | (left->word[3] ^ right->word[3]));
}

/* Does the transport header begin with a source and a destination port? */
static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_DSTOPTS;
}

static __always_inline void begin_flow(struct flow *flow, const struct network *network,
				       enum direction direction)
{
	flow->direction = direction;
	flow->source = network->source;
	flow->destination = network->destination;
	flow->protocol = network->protocol;
}

/* Echo as a pair of ports; false for other messages. */
static __always_inline bool read_echo(const struct icmp *icmp, __u8 version, struct ports *ports)
{
	if (icmp->type == (version == 4 ? (int)ICMP_ECHO_REQUEST : (int)ICMPV6_ECHO_REQUEST))
		*ports = (struct ports){ .source = icmp->identifier };
	else if (icmp->type == (version == 4 ? (int)ICMP_ECHO_REPLY : (int)ICMPV6_ECHO_REPLY))
		*ports = (struct ports){ .destination = icmp->identifier };
	else
		return false;
	return true;
}

static __always_inline bool is_icmp_error(__u8 type, __u8 version)
{
	if (version == 6)
		return type >= ICMPV6_ERROR_FIRST && type <= ICMPV6_ERROR_LAST;
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* A hop limit of 255 proves that no router has passed it on: whoever sent it sits on the same link. */
static __always_inline bool is_neighbour_discovery(const struct icmp *icmp, const struct network *network)
{
	return network->version == 6 && network->hop_limit == 255 && icmp->type >= ICMPV6_NEIGHBOUR_FIRST &&
	       icmp->type <= ICMPV6_NEIGHBOUR_LAST;
}

/*
 * An ICMP error carries the beginning of the packet that it is about: its network header and at least 8 bytes more.
 * That packet went the other way, and an honest error is sent to whoever sent it. Returns false if there is no telling.
 */
static __always_inline bool read_cause(struct cursor *cursor, struct packet *packet)
{
	const struct network *outer = &packet->network;
	struct network *cause = &packet->cause;
	struct flow *flow = &packet->flow;
	struct ports *ports;

	if (!(outer->version == 4 ? read_ipv4(cursor, cause) : read_ipv6(cursor, cause)))
		return false;
	if (cause->later_fragment || !is_same(&cause->source, &outer->destination))
		return false;

	begin_flow(flow, cause, !packet->direction);
	if (is_icmp(cause)) {
		struct icmp *icmp = take(cursor, sizeof(*icmp));

		return icmp && read_echo(icmp, cause->version, &flow->ports);
	}
	if (!has_ports(cause->protocol))
		return true;
	ports = take(cursor, sizeof(*ports));
	if (!ports)
		return false;
	flow->ports = *ports;
	return true;
}

static __always_inline bool read_icmp(struct cursor *cursor, struct packet *packet)
{
	struct icmp *icmp = take(cursor, sizeof(*icmp));

	if (!icmp)
		return false;
	packet->rule_port = bpf_htons(icmp->type);
	if (is_icmp_error(icmp->type, packet->network.version)) {
		packet->is_error = read_cause(cursor, packet);
		return true;
	}
	packet->is_neighbour = is_neighbour_discovery(icmp, &packet->network);
	packet->has_connection = read_echo(icmp, packet->network.version, &packet->flow.ports);
	return true;
}

static __always_inline bool read_ports(struct cursor *cursor, struct packet *packet)
{
	struct ports *ports;

	switch (packet->network.protocol) {
	case IPPROTO_TCP: {
		struct tcphdr *tcp = take(cursor, sizeof(*tcp));

		if (!tcp || tcp->doff < 5)
			return false;
		packet->syn = tcp->syn && !tcp->ack;
		packet->fin = tcp->fin;
		packet->rst = tcp->rst;
		ports = (struct ports *)tcp;
		break;
	}
	case IPPROTO_UDP:
		ports = take(cursor, sizeof(struct udphdr));
		break;
	case IPPROTO_SCTP:
		ports = take(cursor, SCTP_BYTES);
		break;
	default:
		return true;
	}
	if (!ports)
		return false;
	packet->flow.ports = *ports;
	packet->rule_port = ports->destination;
	return true;
}

/* The first fragment leaves a note for the later ones, which have no transport header. Returns false for a later
 * fragment that comes before the first, or long after it. */
static __always_inline bool share_ports(struct packet *packet)
{
	const struct network *network = &packet->network;
	struct fragment_key key = {
		.source = network->source,
		.destination = network->destination,
		.id = network->fragment_id,
		.protocol = network->protocol,
		.direction = packet->direction,
	};
	struct fragment *first;

	if (!network->later_fragment) {
		struct fragment note = {
			.ports = packet->flow.ports,
			.rule_port = packet->rule_port,
			.has_connection = packet->has_connection,
		};

		bpf_map_update_elem(&fragments, &key, &note, BPF_ANY);
		return true;
	}
	first = bpf_map_lookup_elem(&fragments, &key);
	if (!first)
		return false;
	packet->flow.ports = first->ports;
	packet->rule_port = first->rule_port;
	packet->has_connection = first->has_connection;
	return true;
}

/* Enough for VLAN tags, IPv6 with some extension headers, ICMP, and the same again within. */
#define HEADERS_BYTES 256

/*
 * A socket buffer may keep its data in several pieces, and a program sees the first only. Usually that holds the
 * headers; where it does not, the kernel is asked to move them there.
 */
static __always_inline struct cursor open_packet(struct __sk_buff *skb)
{
	__u32 wanted = skb->len < HEADERS_BYTES ? skb->len : HEADERS_BYTES;

	if (skb->data_end - skb->data < wanted)
		bpf_skb_pull_data(skb, wanted); /* if it cannot, reading will find the packet too short */
	return (struct cursor){ .at = (void *)(long)skb->data, .end = (void *)(long)skb->data_end };
}

/*
 * The same place in the packet, by a shorter story. The verifier holds two places apart if they were reached by
 * different steps, and walks what follows for each of them: behind no VLAN tag, one or two, behind each mix of extension
 * headers. The distance between two pointers is just a number to it, and adding that number to the beginning of the
 * packet is one step. The mask is for the verifier as well: it says how large the number can be.
 */
static __always_inline void forget_steps(struct cursor *cursor, struct __sk_buff *skb)
{
	void *start = (void *)(long)skb->data;

	cursor->at = start + ((cursor->at - start) & 0x3fff);
}

/* Returns REASON_COUNT if the packet can go on to be judged. */
static __always_inline enum reason read(struct __sk_buff *skb, struct packet *packet)
{
	struct cursor opened = open_packet(skb), *cursor = &opened;
	struct network *network = &packet->network;
	__be16 ethertype = read_ethernet(cursor);

	if (!ethertype)
		return REASON_MALFORMED;
	if (ethertype != bpf_htons(ETH_P_IP) && ethertype != bpf_htons(ETH_P_IPV6))
		return REASON_NOT_IP;
	forget_steps(cursor, skb);
	if (!read_network(cursor, ethertype, network) || is_extension(network->protocol))
		return REASON_MALFORMED;
	forget_steps(cursor, skb);

	begin_flow(&packet->flow, network, packet->direction);
	packet->has_connection = true;
	if (!network->later_fragment &&
	    !(is_icmp(network) ? read_icmp(cursor, packet) : read_ports(cursor, packet)))
		return REASON_MALFORMED;
	if (network->fragment && !share_ports(packet))
		return REASON_FRAGMENT;
	return packet->is_neighbour ? REASON_NEIGHBOUR : REASON_COUNT;
}

/* ---- 2. Is it expected? ----------------------------------------------------------------------------------------- */

static __always_inline struct flow reverse(const struct flow *flow)
{
	return (struct flow){
		.source = flow->destination,
		.destination = flow->source,
		.ports = { .source = flow->ports.destination, .destination = flow->ports.source },
		.protocol = flow->protocol,
		.direction = !flow->direction,
	};
}

/* The time left is written anew by each packet, by the state that this packet brings the connection into. */
static __always_inline void refresh(struct connection *connection, const struct packet *packet, bool reply)
{
	__u32 seconds = other_seconds;

	if (reply)
		connection->answered = 1;
	if (packet->rst)
		connection->closing = CLOSED;
	if (packet->fin)
		connection->closing |= reply ? CLOSED_BY_OTHER : CLOSED_BY_OPENER;

	if (packet->flow.protocol == IPPROTO_TCP) {
		if (connection->closing == CLOSED)
			seconds = closing_seconds;
		else if (connection->syn && !connection->answered)
			seconds = opening_seconds;
		else
			seconds = open_seconds;
	}
	connection->expires_ns = bpf_ktime_get_ns() + seconds * NSEC_PER_SEC;
}

static __always_inline struct connection *find(const struct flow *flow, const struct packet *packet)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, flow);

	if (!connection || connection->expires_ns <= bpf_ktime_get_ns())
		return NULL;
	/* The same ports again, after the end: a new connection, and a new question to the rules. */
	if (packet->syn && connection->closing)
		return NULL;
	return connection;
}

/* Returns REASON_COUNT for what nobody has been waiting for. */
static __always_inline enum reason recall(const struct packet *packet)
{
	struct flow reversed = reverse(&packet->flow);
	struct connection *connection;

	if (packet->is_error) /* does not keep its connection alive: anybody on the way could send it */
		return find(&packet->flow, packet) || find(&reversed, packet) ? REASON_RELATED : REASON_COUNT;
	if (!packet->has_connection)
		return REASON_COUNT;

	connection = find(&reversed, packet);
	if (connection) {
		refresh(connection, packet, true);
		return REASON_REPLY;
	}
	connection = find(&packet->flow, packet);
	if (connection) {
		refresh(connection, packet, false);
		return REASON_ESTABLISHED;
	}
	return REASON_COUNT;
}

static __always_inline void remember(const struct packet *packet)
{
	struct connection connection = { .syn = packet->syn };

	refresh(&connection, packet, false);
	bpf_map_update_elem(&connections, &packet->flow, &connection, BPF_ANY);
}

/* ---- 3. Who is the peer? ---------------------------------------------------------------------------------------- */

static __always_inline __u32 identify(const struct address *address)
{
	struct prefix key = { .length = 128, .network = *address };
	__u32 *identity = bpf_map_lookup_elem(&ipcache, &key);

	return identity && *identity != IDENTITY_ANY ? *identity : IDENTITY_WORLD;
}

/* ---- 4. What do rules say? -------------------------------------------------------------------------------------- */

static __always_inline enum match match_of(const struct rule *rule, bool any_peer)
{
	if (rule->bits > PROTOCOL_BITS)
		return any_peer ? MATCH_ANY_PORT : MATCH_PEER_PORT;
	if (rule->bits > 0)
		return any_peer ? MATCH_ANY_PROTOCOL : MATCH_PEER_PROTOCOL;
	return any_peer ? MATCH_ALL : MATCH_PEER;
}

static __always_inline enum reason consult(const struct packet *packet, __u32 peer, enum match *match)
{
	struct rule_key key = {
		.length = RULE_BITS,
		.peer = peer,
		.direction = packet->direction,
		.protocol = packet->network.protocol,
		.port = packet->rule_port,
	};
	struct rule *rule = bpf_map_lookup_elem(&rules, &key);
	bool any_peer = false;

	if (!rule || !rule->deny) {
		struct rule *general;

		key.peer = IDENTITY_ANY;
		general = bpf_map_lookup_elem(&rules, &key);
		if (general && (!rule || general->deny || general->bits > rule->bits)) {
			rule = general;
			any_peer = true;
		}
	}
	if (!rule)
		return REASON_NO_RULE;

	__sync_fetch_and_add(&rule->packets, 1); /* other CPUs share this value */
	*match = match_of(rule, any_peer);
	return rule->deny ? REASON_DENIED : REASON_ALLOWED;
}

/* ---- 5. Remember and tell --------------------------------------------------------------------------------------- */

static __always_inline enum verdict verdict_of(enum reason reason)
{
	if (reason < REASON_MALFORMED)
		return VERDICT_PASS;
	/* A packet that cannot be read is dropped even in rehearsal: no rule will ever let it pass. */
	return audit && reason >= REASON_DENIED ? VERDICT_AUDIT : VERDICT_DROP;
}

static __always_inline void count(__u32 reason, __u32 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

/* ---- The five steps --------------------------------------------------------------------------------------------- */

/* A decision of the rules or a drop, for whoever listens. */
static __always_inline void report(const struct packet *packet, const struct decision *decision, __u32 bytes)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&events_lost, 1);
		return;
	}
	/* Ring buffer memory holds whatever was there before: every field is written. */
	*event = (struct event){
		.time_ns = bpf_ktime_get_ns(),
		.source = packet->network.source,
		.destination = packet->network.destination,
		.source_port = packet->is_error ? 0 : bpf_ntohs(packet->flow.ports.source),
		.rule_port = bpf_ntohs(packet->rule_port),
		.local = decision->local,
		.peer = decision->peer,
		.bytes = bytes,
		.protocol = packet->network.protocol,
		.direction = packet->direction,
		.verdict = decision->verdict,
		.reason = decision->reason,
		.match = decision->match,
	};
	bpf_ringbuf_submit(event, 0);
}

static __always_inline int judge(struct __sk_buff *skb, enum direction direction)
{
	struct decision decision = {};
	struct packet *packet;
	__u32 first = 0;

	packet = bpf_map_lookup_elem(&scratch, &first);
	if (!packet) /* every lookup may find nothing, thinks the verifier, even this one */
		return TC_ACT_SHOT;
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->direction = direction;

	/* A VLAN tag that the network card took off waits in skb->vlan_tci. Rules do not ask for it. */
	decision.reason = read(skb, packet);
	if (decision.reason == REASON_COUNT)
		decision.reason = recall(packet);
	if (decision.reason == REASON_COUNT) {
		const struct address *source = &packet->network.source, *destination = &packet->network.destination;

		decision.peer = identify(direction == INGRESS ? source : destination);
		decision.local = endpoint_identity;
		if (!decision.local)
			decision.local = identify(direction == INGRESS ? destination : source);
		decision.reason = consult(packet, decision.peer, &decision.match);
	}

	decision.verdict = verdict_of(decision.reason);
	count(decision.reason, skb->len);
	if (decision.reason >= REASON_DENIED || decision.reason == REASON_ALLOWED) {
		if (packet->has_connection && decision.verdict != VERDICT_DROP)
			remember(packet);
	}
	if (decision.verdict != VERDICT_PASS || (decision.reason == REASON_ALLOWED && report_allowed))
		report(packet, &decision, skb->len);
	return decision.verdict == VERDICT_DROP ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int policy_ingress(struct __sk_buff *skb)
{
	return judge(skb, INGRESS);
}

SEC("tc")
int policy_egress(struct __sk_buff *skb)
{
	return judge(skb, EGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
