// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of the load balancer: every way that a packet can take through it. Each test has a client port, or an address, of
 * its own, so that none depends on another's connections.
 */
#define TEST_XDP
#define RING_SLOTS_MAX 7 /* every service here has one backend, so a short ring will do */
#include "test.h"

#include "../lb.bpf.c"

/* ---- The world -------------------------------------------------------------------------------------------------- */

#define CLIENT4 IPV4(198, 51, 100, 7)
#define STRANGER4 IPV4(192, 0, 2, 99)
#define ROUTER4 IPV4(192, 0, 2, 254)
#define VIP4 IPV4(203, 0, 113, 10)
#define VIP4_TUNNEL IPV4(203, 0, 113, 20)
#define VIP4_EMPTY IPV4(203, 0, 113, 40)
#define VIP4_TWIN IPV4(203, 0, 113, 52)
#define WEB4 IPV4(10, 0, 0, 1)
#define DNS4 IPV4(10, 0, 0, 11)
#define TUNNELED4 IPV4(10, 1, 0, 1)
#define OLD4 IPV4(10, 0, 0, 9)

#define CLIENT6 IPV6(0xc, 7)
#define STRANGER6 IPV6(0xc, 99)
#define ROUTER6 IPV6(0xc, 254)
#define VIP6 IPV6(0xff, 0x10)
#define VIP6_TUNNEL IPV6(0xff, 0x20)
#define WEB6 IPV6(1, 1)
#define DNS6 IPV6(1, 11)
#define TUNNELED6 IPV6(2, 1)

enum {
	SERVICE_WEB4,
	SERVICE_DNS4,
	SERVICE_WEB6,
	SERVICE_DNS6,
	SERVICE_TUNNEL4,
	SERVICE_TUNNEL6,
	SERVICE_EMPTY,
	SERVICE_TWIN,
	SERVICE_ECHO4,
	SERVICE_ECHO6,
	SERVICES,
};

/* Backend N of the ring is that of service N - 1; what stands behind them is in use and in no ring. */
#define NUMBER(service) ((service) + 1)
#define NUMBER_OLD NUMBER(SERVICES)

struct configuration {
	struct address vip;
	__u16 port;
	__u8 protocol;
	__u8 flags;
	struct address backend;
	__u16 backend_port; /* 0: nobody */
};

static const struct configuration world[SERVICES] = {
	[SERVICE_WEB4] = { VIP4, 80, IPPROTO_TCP, 0, WEB4, 8080 },
	[SERVICE_DNS4] = { VIP4, 53, IPPROTO_UDP, 0, DNS4, 5353 },
	[SERVICE_WEB6] = { VIP6, 80, IPPROTO_TCP, 0, WEB6, 8080 },
	[SERVICE_DNS6] = { VIP6, 53, IPPROTO_UDP, SERVICE_AFFINITY, DNS6, 5353 },
	[SERVICE_TUNNEL4] = { VIP4_TUNNEL, 443, IPPROTO_TCP, SERVICE_TUNNEL, TUNNELED4, 443 },
	[SERVICE_TUNNEL6] = { VIP6_TUNNEL, 443, IPPROTO_UDP, SERVICE_TUNNEL, TUNNELED6, 443 },
	[SERVICE_EMPTY] = { VIP4_EMPTY, 80, IPPROTO_TCP, 0, WEB4, 0 },
	[SERVICE_TWIN] = { VIP4_TWIN, 80, IPPROTO_TCP, 0, WEB4, 8080 },
	[SERVICE_ECHO4] = { .vip = VIP4, .protocol = IPPROTO_ICMP },
	[SERVICE_ECHO6] = { .vip = VIP6, .protocol = IPPROTO_ICMPV6 },
};

static const struct address vips4_without_echo[] = { VIP4_TUNNEL, VIP4_EMPTY, VIP4_TWIN };

static __always_inline void put_backend(__u32 number, const struct address *address, __u16 port)
{
	struct backend backend = { .endpoint = { .address = *address, .port = bpf_htons(port) }, .in_use = 1 };

	bpf_map_update_elem(&backends, &number, &backend, BPF_ANY);
}

/* Fills the maps as a control plane does, and starts to count anew. */
static __noinline int configure(void)
{
	static const struct address old = OLD4;

	for (__u32 place = 0; place < SERVICES; place++) {
		/*
		 * Counted by a number in a register: of a pointer that walks, or a number that a helper may change, Linux's
		 * verifier cannot tell that it comes to an end.
		 */
		asm volatile("" : "+r"(place));
		const struct configuration *each = &world[place];
		__u32 number = place;
		struct service_key key = {
			.vip = each->vip,
			.port = bpf_htons(each->port),
			.protocol = each->protocol,
		};
		struct service service = { .number = number, .flags = each->flags };
		struct ring ring;

		bpf_map_update_elem(&services, &key, &service, BPF_ANY);
		for (int slot = 0; slot < RING_SLOTS_MAX; slot++)
			ring.backend[slot] = each->backend_port ? NUMBER(number) : 0;
		bpf_map_update_elem(&rings, &number, &ring, BPF_ANY);
		if (each->backend_port)
			put_backend(NUMBER(number), &each->backend, each->backend_port);
	}
	for (int i = 0; i < 3; i++) {
		struct service_key key = { .vip = vips4_without_echo[i], .protocol = IPPROTO_ICMP };
		struct service service = { .number = SERVICE_ECHO4 };

		bpf_map_update_elem(&services, &key, &service, BPF_ANY);
	}
	put_backend(NUMBER_OLD, &old, 8080);
	for (__u32 reason = 0; reason < REASON_COUNT; reason++) {
		struct counter *counter = bpf_map_lookup_elem(&reasons, &reason);

		if (counter)
			counter->packets = 0;
	}
	return 0;
}

/* A connection that a client has already, and the way back of its replies. */
static __noinline int connect(const struct test_packet *request, __u32 service, __u32 number, __u32 state,
			      __u32 idle_seconds)
{
	struct flow flow = {
		.source = request->source,
		.destination = request->destination,
		.ports = { bpf_htons(request->source_port), bpf_htons(request->destination_port) },
		.protocol = request->protocol,
	};
	struct connection connection = {
		.last_ns = bpf_ktime_get_ns() - idle_seconds * NSEC_PER_SEC,
		.backend_number = number,
		.service = service,
		.state = state,
	};
	struct backend *backend = bpf_map_lookup_elem(&backends, &number);
	struct reply reply = {
		.vip = { .address = request->destination, .port = bpf_htons(request->destination_port) },
		.service = service,
	};
	struct flow back = {};

	if (!backend)
		return 0;
	connection.backend = backend->endpoint;
	bpf_map_update_elem(&connections, &flow, &connection, BPF_ANY);

	back.source = connection.backend.address;
	back.destination = flow.source;
	back.ports.source = connection.backend.port;
	back.ports.destination = flow.ports.source;
	back.protocol = flow.protocol;
	bpf_map_update_elem(&replies, &back, &reply, BPF_ANY);
	return 0;
}

/* What the first fragment of a packet leaves behind. */
static __noinline int remember_fragment(const struct test_packet *packet, __u32 service, __u32 number, __u32 action,
					__u32 idle_seconds)
{
	struct fragment_key key = {
		.source = packet->source,
		.destination = packet->destination,
		.id = packet->version == 4 ? bpf_htons(packet->fragment_id) : bpf_htonl(packet->fragment_id),
		.protocol = packet->version == 4 ? packet->protocol : 0,
	};
	struct fragment fragment = {
		.first_ns = bpf_ktime_get_ns() - idle_seconds * NSEC_PER_SEC,
		.route = { .action = action, .service = service },
	};
	struct backend *backend = bpf_map_lookup_elem(&backends, &number);

	if (backend)
		fragment.route.to = backend->endpoint;
	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
	return 0;
}

static __always_inline __u64 counted(__u32 reason)
{
	struct counter *counter = bpf_map_lookup_elem(&reasons, &reason);

	return counter ? counter->packets : 0;
}

/* ---- How a test runs -------------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} programs SEC(".maps") = {
	.values = { [0] = (void *)&lb },
};

/*
 * `given` comes in when `prepare` has been done; the program says `verdict` and counts `reason`; `wanted` goes out.
 */
#define LB_TEST(name, prepare, given, verdict, reason, wanted)           \
	static const struct test_frame name##_given = given;             \
	static const struct test_frame name##_wanted = wanted;           \
	PKTGEN(#name) int name##_pktgen(struct xdp_md *ctx)              \
	{                                                                \
		return put_frame(ctx, &name##_given);                    \
	}                                                                \
	SETUP(#name) int name##_setup(struct xdp_md *ctx)                \
	{                                                                \
		configure();                                             \
		prepare;                                                 \
		bpf_tail_call(ctx, &programs, 0);                        \
		return TEST_ERROR;                                       \
	}                                                                \
	CHECK(#name) int name##_check(struct xdp_md *ctx)                \
	{                                                                \
		expect_verdict(ctx, verdict);                            \
		test_assert(counted(reason) == 1);                       \
		expect_frame(ctx, &name##_wanted);                       \
		return TEST_PASS;                                        \
	}

#define NOTHING (void)0
#define TUNNEL_SOURCE4 IPV4(192, 0, 2, 1)
#define TUNNEL_SOURCE6 IPV6(0, 1)

#define CONNECTED(name, service, state) connect(&name##_given.packet, service, NUMBER(service), state, 0)

/* ---- To the backend --------------------------------------------------------------------------------------------- */

LB_TEST(nat4_tcp_syn, NOTHING, FRAME(TCP4(CLIENT4, 40001, VIP4, 80, .tcp_flags = TCP_SYN)),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40001, WEB4, 8080, .tcp_flags = TCP_SYN), .returns = 1))

LB_TEST(nat4_tcp_in_the_middle, NOTHING, FRAME(TCP4(CLIENT4, 40002, VIP4, 80, .payload = 100)),
	XDP_TX, REASON_TO_BACKEND, FRAME(TCP4(CLIENT4, 40002, WEB4, 8080, .payload = 100), .returns = 1))

LB_TEST(nat4_udp, NOTHING, FRAME(UDP4(CLIENT4, 40003, VIP4, 53, .payload = 30)), XDP_TX, REASON_TO_BACKEND,
	FRAME(UDP4(CLIENT4, 40003, DNS4, 5353, .payload = 30), .returns = 1))

LB_TEST(nat4_udp_without_checksum, NOTHING, FRAME(UDP4(CLIENT4, 40004, VIP4, 53, .no_checksum = 1)),
	XDP_TX, REASON_TO_BACKEND, FRAME(UDP4(CLIENT4, 40004, DNS4, 5353, .no_checksum = 1), .returns = 1))

LB_TEST(nat4_ip_options, NOTHING, FRAME(TCP4(CLIENT4, 40005, VIP4, 80, .options = 1)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40005, WEB4, 8080, .options = 1), .returns = 1))

LB_TEST(nat4_in_a_vlan, NOTHING, FRAME(TCP4(CLIENT4, 40006, VIP4, 80), .vlan = 12), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40006, WEB4, 8080), .vlan = 12, .returns = 1))

LB_TEST(nat6_tcp_syn, NOTHING, FRAME(TCP6(CLIENT6, 40007, VIP6, 80, .tcp_flags = TCP_SYN)),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP6(CLIENT6, 40007, WEB6, 8080, .tcp_flags = TCP_SYN), .returns = 1))

LB_TEST(nat6_udp_with_affinity, NOTHING, FRAME(UDP6(CLIENT6, 40008, VIP6, 53, .payload = 12)),
	XDP_TX, REASON_TO_BACKEND, FRAME(UDP6(CLIENT6, 40008, DNS6, 5353, .payload = 12), .returns = 1))

LB_TEST(nat6_destination_options, NOTHING, FRAME(TCP6(CLIENT6, 40009, VIP6, 80, .options = 1)),
	XDP_TX, REASON_TO_BACKEND, FRAME(TCP6(CLIENT6, 40009, WEB6, 8080, .options = 1), .returns = 1))

LB_TEST(tunnel4, NOTHING, FRAME(TCP4(CLIENT4, 40010, VIP4_TUNNEL, 443, .payload = 8)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40010, VIP4_TUNNEL, 443, .payload = 8), TUNNEL(TUNNEL_SOURCE4, TUNNELED4), .returns = 1))

LB_TEST(tunnel4_in_a_vlan, NOTHING, FRAME(TCP4(CLIENT4, 40011, VIP4_TUNNEL, 443), .vlan = 3),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40011, VIP4_TUNNEL, 443), TUNNEL(TUNNEL_SOURCE4, TUNNELED4), .vlan = 3, .returns = 1))

LB_TEST(tunnel6, NOTHING, FRAME(UDP6(CLIENT6, 40012, VIP6_TUNNEL, 443, .payload = 20)), XDP_TX, REASON_TO_BACKEND,
	FRAME(UDP6(CLIENT6, 40012, VIP6_TUNNEL, 443, .payload = 20), TUNNEL(TUNNEL_SOURCE6, TUNNELED6), .returns = 1))

/* ---- Connections that are there already ------------------------------------------------------------------------- */

LB_TEST(known_flow_stays_with_its_backend,
	connect(&known_flow_stays_with_its_backend_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_OPEN, 0),
	FRAME(TCP4(CLIENT4, 40020, VIP4, 80)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40020, OLD4, 8080), .returns = 1))

LB_TEST(silent_flow_is_forgotten,
	connect(&silent_flow_is_forgotten_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_OPENING, 241),
	FRAME(TCP4(CLIENT4, 40021, VIP4, 80)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40021, WEB4, 8080), .returns = 1))

LB_TEST(open_flow_may_be_silent_longer,
	connect(&open_flow_may_be_silent_longer_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_OPEN, 241),
	FRAME(TCP4(CLIENT4, 40022, VIP4, 80)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40022, OLD4, 8080), .returns = 1))

LB_TEST(syn_after_the_end_is_a_new_flow,
	connect(&syn_after_the_end_is_a_new_flow_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_CLOSING, 0),
	FRAME(TCP4(CLIENT4, 40023, VIP4, 80, .tcp_flags = TCP_SYN)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40023, WEB4, 8080, .tcp_flags = TCP_SYN), .returns = 1))

LB_TEST(last_words_go_to_the_old_backend,
	connect(&last_words_go_to_the_old_backend_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_CLOSING, 0),
	FRAME(TCP4(CLIENT4, 40024, VIP4, 80, .tcp_flags = TCP_FIN | TCP_ACK)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40024, OLD4, 8080, .tcp_flags = TCP_FIN | TCP_ACK), .returns = 1))

LB_TEST(flow_of_a_backend_that_left,
	connect(&flow_of_a_backend_that_left_given.packet, SERVICE_WEB4, NUMBER_OLD, STATE_OPEN, 0);
	bpf_map_delete_elem(&backends, &(__u32){ NUMBER_OLD });
	bpf_map_update_elem(&backends, &(__u32){ NUMBER_OLD }, &(struct backend){}, BPF_ANY),
	FRAME(TCP4(CLIENT4, 40025, VIP4, 80)), XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40025, WEB4, 8080), .returns = 1))

static const struct test_packet other_twin = {
	.version = 4,
	.protocol = IPPROTO_TCP,
	.source = CLIENT4,
	.source_port = 40026,
	.destination = VIP4,
	.destination_port = 80,
};

LB_TEST(flow_that_the_backend_could_not_tell_apart,
	connect(&other_twin, SERVICE_WEB4, NUMBER(SERVICE_WEB4), STATE_OPEN, 0),
	FRAME(TCP4(CLIENT4, 40026, VIP4_TWIN, 80, .tcp_flags = TCP_SYN)), XDP_DROP, REASON_TUPLE_TAKEN,
	FRAME(TCP4(CLIENT4, 40026, VIP4_TWIN, 80, .tcp_flags = TCP_SYN)))

/* ---- To the client ---------------------------------------------------------------------------------------------- */

#define REPLY_TEST(name, request, service, given, wanted)                                                  \
	static const struct test_frame name##_request = request;                                           \
	LB_TEST(name, connect(&name##_request.packet, service, NUMBER(service), STATE_OPEN, 0), given,     \
		XDP_TX, REASON_TO_CLIENT, wanted)

REPLY_TEST(reply4_tcp, FRAME(TCP4(CLIENT4, 40030, VIP4, 80)), SERVICE_WEB4,
	   FRAME(TCP4(WEB4, 8080, CLIENT4, 40030, .payload = 1000)),
	   FRAME(TCP4(VIP4, 80, CLIENT4, 40030, .payload = 1000), .returns = 1))

REPLY_TEST(reply4_udp, FRAME(UDP4(CLIENT4, 40031, VIP4, 53)), SERVICE_DNS4,
	   FRAME(UDP4(DNS4, 5353, CLIENT4, 40031, .payload = 7)),
	   FRAME(UDP4(VIP4, 53, CLIENT4, 40031, .payload = 7), .returns = 1))

REPLY_TEST(reply6_tcp, FRAME(TCP6(CLIENT6, 40032, VIP6, 80)), SERVICE_WEB6,
	   FRAME(TCP6(WEB6, 8080, CLIENT6, 40032, .tcp_flags = TCP_SYN | TCP_ACK)),
	   FRAME(TCP6(VIP6, 80, CLIENT6, 40032, .tcp_flags = TCP_SYN | TCP_ACK), .returns = 1))

REPLY_TEST(reply6_udp, FRAME(UDP6(CLIENT6, 40033, VIP6, 53)), SERVICE_DNS6,
	   FRAME(UDP6(DNS6, 5353, CLIENT6, 40033)), FRAME(UDP6(VIP6, 53, CLIENT6, 40033), .returns = 1))

/* ---- ICMP ------------------------------------------------------------------------------------------------------- */

LB_TEST(echo4, NOTHING, FRAME(ICMP4(CLIENT4, VIP4, ICMP_ECHO_REQUEST, .source_port = 77, .hop_limit = 9)),
	XDP_TX, REASON_ECHO, FRAME(ICMP4(VIP4, CLIENT4, ICMP_ECHO_REPLY, .source_port = 77), .returns = 1))

LB_TEST(echo6, NOTHING, FRAME(ICMP6(CLIENT6, VIP6, ICMPV6_ECHO_REQUEST, .source_port = 78, .hop_limit = 9)),
	XDP_TX, REASON_ECHO, FRAME(ICMP6(VIP6, CLIENT6, ICMPV6_ECHO_REPLY, .source_port = 78), .returns = 1))

LB_TEST(echo_of_somebody_else, NOTHING, FRAME(ICMP4(CLIENT4, STRANGER4, ICMP_ECHO_REQUEST)),
	XDP_PASS, REASON_NOT_OURS, FRAME(ICMP4(CLIENT4, STRANGER4, ICMP_ECHO_REQUEST)))

LB_TEST(echo_in_fragments, NOTHING,
	FRAME(ICMP4(CLIENT4, VIP4, ICMP_ECHO_REQUEST, .fragment = FRAGMENT_MORE, .fragment_id = 5)),
	XDP_DROP, REASON_FRAGMENT_UNKNOWN,
	FRAME(ICMP4(CLIENT4, VIP4, ICMP_ECHO_REQUEST, .fragment = FRAGMENT_MORE, .fragment_id = 5)))

#define ERROR_TEST(name, request, service, given, reason, wanted)                                          \
	static const struct test_frame name##_request = request;                                           \
	LB_TEST(name, connect(&name##_request.packet, service, NUMBER(service), STATE_OPEN, 0), given,     \
		XDP_TX, reason, wanted)

/* A router could not deliver a reply, which it knows as coming from the VIP. */
ERROR_TEST(error4_about_a_reply, FRAME(TCP4(CLIENT4, 40040, VIP4, 80)), SERVICE_WEB4,
	   FRAME(ICMP4(ROUTER4, VIP4, ICMP_DEST_UNREACH, .icmp_code = 4),
		 QUOTED(4, IPPROTO_TCP, VIP4, 80, CLIENT4, 40040, .payload = 900)),
	   REASON_ERROR_TO_BACKEND,
	   FRAME(ICMP4(ROUTER4, WEB4, ICMP_DEST_UNREACH, .icmp_code = 4),
		 QUOTED(4, IPPROTO_TCP, WEB4, 8080, CLIENT4, 40040, .payload = 900), .returns = 1))

ERROR_TEST(error6_about_a_reply, FRAME(UDP6(CLIENT6, 40041, VIP6, 53)), SERVICE_DNS6,
	   FRAME(ICMP6(ROUTER6, VIP6, ICMPV6_PKT_TOOBIG), QUOTED(6, IPPROTO_UDP, VIP6, 53, CLIENT6, 40041)),
	   REASON_ERROR_TO_BACKEND,
	   FRAME(ICMP6(ROUTER6, DNS6, ICMPV6_PKT_TOOBIG), QUOTED(6, IPPROTO_UDP, DNS6, 5353, CLIENT6, 40041),
		 .returns = 1))

ERROR_TEST(error4_about_a_reply_of_a_tunnel, FRAME(TCP4(CLIENT4, 40042, VIP4_TUNNEL, 443)), SERVICE_TUNNEL4,
	   FRAME(ICMP4(ROUTER4, VIP4_TUNNEL, ICMP_TIME_EXCEEDED),
		 QUOTED(4, IPPROTO_TCP, VIP4_TUNNEL, 443, CLIENT4, 40042)),
	   REASON_ERROR_TO_BACKEND,
	   FRAME(ICMP4(ROUTER4, VIP4_TUNNEL, ICMP_TIME_EXCEEDED),
		 QUOTED(4, IPPROTO_TCP, VIP4_TUNNEL, 443, CLIENT4, 40042), TUNNEL(TUNNEL_SOURCE4, TUNNELED4),
		 .returns = 1))

/* The backend refuses a request: the client has never heard of the backend. */
ERROR_TEST(error4_of_the_backend, FRAME(UDP4(CLIENT4, 40043, VIP4, 53)), SERVICE_DNS4,
	   FRAME(ICMP4(DNS4, CLIENT4, ICMP_DEST_UNREACH, .icmp_code = 3),
		 QUOTED(4, IPPROTO_UDP, CLIENT4, 40043, DNS4, 5353)),
	   REASON_ERROR_TO_CLIENT,
	   FRAME(ICMP4(VIP4, CLIENT4, ICMP_DEST_UNREACH, .icmp_code = 3),
		 QUOTED(4, IPPROTO_UDP, CLIENT4, 40043, VIP4, 53), .returns = 1))

/* A router between here and the backend speaks for itself. */
ERROR_TEST(error4_of_a_router_about_a_request, FRAME(TCP4(CLIENT4, 40044, VIP4, 80)), SERVICE_WEB4,
	   FRAME(ICMP4(ROUTER4, CLIENT4, ICMP_TIME_EXCEEDED), QUOTED(4, IPPROTO_TCP, CLIENT4, 40044, WEB4, 8080)),
	   REASON_ERROR_TO_CLIENT,
	   FRAME(ICMP4(ROUTER4, CLIENT4, ICMP_TIME_EXCEEDED), QUOTED(4, IPPROTO_TCP, CLIENT4, 40044, VIP4, 80),
		 .returns = 1))

ERROR_TEST(error6_of_the_backend, FRAME(TCP6(CLIENT6, 40045, VIP6, 80)), SERVICE_WEB6,
	   FRAME(ICMP6(WEB6, CLIENT6, ICMPV6_DEST_UNREACH, .icmp_code = 4),
		 QUOTED(6, IPPROTO_TCP, CLIENT6, 40045, WEB6, 8080)),
	   REASON_ERROR_TO_CLIENT,
	   FRAME(ICMP6(VIP6, CLIENT6, ICMPV6_DEST_UNREACH, .icmp_code = 4),
		 QUOTED(6, IPPROTO_TCP, CLIENT6, 40045, VIP6, 80), .returns = 1))

LB_TEST(error_about_nothing, NOTHING,
	FRAME(ICMP4(ROUTER4, VIP4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, VIP4, 9, CLIENT4, 40046)),
	XDP_DROP, REASON_ERROR_UNKNOWN,
	FRAME(ICMP4(ROUTER4, VIP4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, VIP4, 9, CLIENT4, 40046)))

LB_TEST(error_sent_to_another_than_it_quotes, NOTHING,
	FRAME(ICMP4(ROUTER4, VIP4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, VIP4_TUNNEL, 443, CLIENT4, 40047)),
	XDP_DROP, REASON_ERROR_UNKNOWN,
	FRAME(ICMP4(ROUTER4, VIP4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, VIP4_TUNNEL, 443, CLIENT4, 40047)))

LB_TEST(error_of_others, NOTHING,
	FRAME(ICMP4(ROUTER4, STRANGER4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, STRANGER4, 9, CLIENT4, 40048)),
	XDP_PASS, REASON_NOT_OURS,
	FRAME(ICMP4(ROUTER4, STRANGER4, ICMP_DEST_UNREACH), QUOTED(4, IPPROTO_TCP, STRANGER4, 9, CLIENT4, 40048)))

/* ---- Fragments -------------------------------------------------------------------------------------------------- */

LB_TEST(fragment4_first, NOTHING,
	FRAME(UDP4(CLIENT4, 40050, VIP4, 53, .fragment = FRAGMENT_MORE, .fragment_id = 50, .payload = 32)),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(UDP4(CLIENT4, 40050, DNS4, 5353, .fragment = FRAGMENT_MORE, .fragment_id = 50, .payload = 32),
	      .returns = 1))

LB_TEST(fragment4_later,
	remember_fragment(&fragment4_later_given.packet, SERVICE_DNS4, NUMBER(SERVICE_DNS4), ACTION_NAT_TO_BACKEND, 0),
	FRAME(UDP4(CLIENT4, 0, VIP4, 0, .fragment = 5, .fragment_id = 51, .payload = 24)), XDP_TX, REASON_TO_BACKEND,
	FRAME(UDP4(CLIENT4, 0, DNS4, 0, .fragment = 5, .fragment_id = 51, .payload = 24), .returns = 1))

LB_TEST(fragment6_later,
	remember_fragment(&fragment6_later_given.packet, SERVICE_DNS6, NUMBER(SERVICE_DNS6), ACTION_NAT_TO_BACKEND, 0),
	FRAME(UDP6(CLIENT6, 0, VIP6, 0, .fragment = 5, .fragment_id = 52, .payload = 24)), XDP_TX, REASON_TO_BACKEND,
	FRAME(UDP6(CLIENT6, 0, DNS6, 0, .fragment = 5, .fragment_id = 52, .payload = 24), .returns = 1))

LB_TEST(fragment_later_of_a_tunnel,
	remember_fragment(&fragment_later_of_a_tunnel_given.packet, SERVICE_TUNNEL4, NUMBER(SERVICE_TUNNEL4),
			  ACTION_TUNNEL, 0),
	FRAME(TCP4(CLIENT4, 0, VIP4_TUNNEL, 0, .fragment = 9, .fragment_id = 53, .payload = 24)),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 0, VIP4_TUNNEL, 0, .fragment = 9, .fragment_id = 53, .payload = 24),
	      TUNNEL(TUNNEL_SOURCE4, TUNNELED4), .returns = 1))

LB_TEST(fragment_that_comes_too_late,
	remember_fragment(&fragment_that_comes_too_late_given.packet, SERVICE_DNS4, NUMBER(SERVICE_DNS4),
			  ACTION_NAT_TO_BACKEND, 31),
	FRAME(UDP4(CLIENT4, 0, VIP4, 0, .fragment = 5, .fragment_id = 54, .payload = 24)),
	XDP_DROP, REASON_FRAGMENT_UNKNOWN,
	FRAME(UDP4(CLIENT4, 0, VIP4, 0, .fragment = 5, .fragment_id = 54, .payload = 24)))

LB_TEST(fragment_that_overtakes_the_first, NOTHING,
	FRAME(UDP6(CLIENT6, 0, VIP6, 0, .fragment = 5, .fragment_id = 55, .payload = 24)),
	XDP_DROP, REASON_FRAGMENT_UNKNOWN,
	FRAME(UDP6(CLIENT6, 0, VIP6, 0, .fragment = 5, .fragment_id = 55, .payload = 24)))

LB_TEST(fragment_of_others, NOTHING,
	FRAME(UDP4(CLIENT4, 0, STRANGER4, 0, .fragment = 5, .fragment_id = 56, .payload = 24)),
	XDP_PASS, REASON_NOT_OURS,
	FRAME(UDP4(CLIENT4, 0, STRANGER4, 0, .fragment = 5, .fragment_id = 56, .payload = 24)))

/* ---- Passed ----------------------------------------------------------------------------------------------------- */

LB_TEST(not_ip, NOTHING, FRAME(TCP4(CLIENT4, 1, VIP4, 80), .ethertype = ETH_P_ARP), XDP_PASS, REASON_NOT_IP,
	FRAME(TCP4(CLIENT4, 1, VIP4, 80), .ethertype = ETH_P_ARP))

LB_TEST(tcp_of_others, NOTHING, FRAME(TCP4(CLIENT4, 40060, STRANGER4, 80)), XDP_PASS, REASON_NOT_OURS,
	FRAME(TCP4(CLIENT4, 40060, STRANGER4, 80)))

LB_TEST(backend_speaks_first, NOTHING, FRAME(TCP4(WEB4, 8080, CLIENT4, 40061, .tcp_flags = TCP_SYN)),
	XDP_PASS, REASON_NOT_OURS, FRAME(TCP4(WEB4, 8080, CLIENT4, 40061, .tcp_flags = TCP_SYN)))

/* ---- Dropped ---------------------------------------------------------------------------------------------------- */

LB_TEST(port_without_service, NOTHING, FRAME(TCP4(CLIENT4, 40070, VIP4, 81)), XDP_DROP, REASON_NO_SERVICE,
	FRAME(TCP4(CLIENT4, 40070, VIP4, 81)))

LB_TEST(protocol_without_service, NOTHING, FRAME(UDP6(CLIENT6, 40071, VIP6, 80)), XDP_DROP, REASON_NO_SERVICE,
	FRAME(UDP6(CLIENT6, 40071, VIP6, 80)))

LB_TEST(service_without_backend, NOTHING, FRAME(TCP4(CLIENT4, 40072, VIP4_EMPTY, 80)), XDP_DROP, REASON_NO_BACKEND,
	FRAME(TCP4(CLIENT4, 40072, VIP4_EMPTY, 80)))

LB_TEST(longer_than_its_frame, NOTHING, FRAME(UDP4(CLIENT4, 40073, VIP4, 53, .payload = 40), .cut = 1),
	XDP_DROP, REASON_MALFORMED, FRAME(UDP4(CLIENT4, 40073, VIP4, 53, .payload = 40), .cut = 1))

LB_TEST(too_big_for_the_tunnel, NOTHING, FRAME(TCP4(CLIENT4, 40074, VIP4_TUNNEL, 443, .payload = 1441)),
	XDP_DROP, REASON_TOO_BIG, FRAME(TCP4(CLIENT4, 40074, VIP4_TUNNEL, 443, .payload = 1441)))

LB_TEST(just_fits_into_the_tunnel, NOTHING, FRAME(TCP4(CLIENT4, 40075, VIP4_TUNNEL, 443, .payload = 1440)),
	XDP_TX, REASON_TO_BACKEND,
	FRAME(TCP4(CLIENT4, 40075, VIP4_TUNNEL, 443, .payload = 1440), TUNNEL(TUNNEL_SOURCE4, TUNNELED4), .returns = 1))

/* Takes what there is in front of the packet, and gives the packet back at the new place. */
static __always_inline int use_up_headroom(struct xdp_md *ctx, const struct test_frame *frame)
{
	if (bpf_xdp_adjust_head(ctx, -200))
		return TEST_ERROR;
	return put_frame(ctx, frame);
}

LB_TEST(no_headroom_for_a_tunnel, use_up_headroom(ctx, &no_headroom_for_a_tunnel_given),
	FRAME(TCP4(CLIENT4, 40076, VIP4_TUNNEL, 443)), XDP_DROP, REASON_NO_ROOM,
	FRAME(TCP4(CLIENT4, 40076, VIP4_TUNNEL, 443)))
