// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of the network policy: what each kind of rule allows and denies and in which order, what a connection lets pass,
 * and what becomes of fragments and of packets that nobody can read. Each test has a peer port, or a peer, of its own.
 */
#define TEST_TC
#include "test.h"

#include "../policy.bpf.c"

/* ---- The world -------------------------------------------------------------------------------------------------- */

#define ENDPOINT4 IPV4(10, 0, 0, 5)
#define WEB4 IPV4(10, 1, 0, 7)
#define DATABASE4 IPV4(10, 2, 0, 7)
#define INTRUDER4 IPV4(10, 1, 66, 6) /* among the web servers' addresses, by a longer prefix */
#define WORLD4 IPV4(198, 51, 100, 9)
#define ROUTER4 IPV4(192, 0, 2, 254)

#define ENDPOINT6 IPV6(0, 5)
#define WEB6 IPV6(1, 7)
#define WORLD6 IPV6(9, 9)
#define ROUTER6 IPV6(0xf, 254)

#define IDENTITY_ENDPOINT 100
#define IDENTITY_WEB 200
#define IDENTITY_DATABASE 300
#define IDENTITY_INTRUDER 400

static const struct {
	struct address network;
	__u32 length;
	__u32 identity;
} identities[] = {
	{ ENDPOINT4, 128, IDENTITY_ENDPOINT },
	{ ENDPOINT6, 128, IDENTITY_ENDPOINT },
	{ IPV4(10, 1, 0, 0), 96 + 16, IDENTITY_WEB },
	{ IPV6(1, 0), 64, IDENTITY_WEB },
	{ IPV4(10, 2, 0, 0), 96 + 16, IDENTITY_DATABASE },
	{ INTRUDER4, 128, IDENTITY_INTRUDER },
};

#define ANY_PROTOCOL 0
#define EXACTLY 24 /* bits of protocol and port */
#define ANY_PORT 8
#define ALL 0

/* The rules of `bits` 24 say a port, of 21 eight ports, of 8 none, of 0 not even a protocol. */
static const struct {
	__u32 peer;
	enum direction direction;
	__u8 protocol;
	__u8 bits;
	__u8 deny;
	__u16 port;
} policy[] = {
	{ IDENTITY_WEB, INGRESS, IPPROTO_TCP, EXACTLY, 0, 80 },
	{ IDENTITY_WEB, INGRESS, IPPROTO_TCP, 21, 0, 8080 }, /* to 8087 */
	{ IDENTITY_WEB, INGRESS, IPPROTO_TCP, EXACTLY, 1, 8085 },
	{ IDENTITY_WEB, INGRESS, IPPROTO_UDP, ANY_PORT, 0, 0 },
	{ IDENTITY_WEB, INGRESS, IPPROTO_UDP, EXACTLY, 1, 53 },
	{ IDENTITY_ANY, INGRESS, IPPROTO_TCP, EXACTLY, 0, 443 },
	{ IDENTITY_ANY, INGRESS, IPPROTO_TCP, EXACTLY, 1, 22 },
	{ IDENTITY_ANY, INGRESS, IPPROTO_ICMP, EXACTLY, 0, ICMP_ECHO_REQUEST },
	{ IDENTITY_ANY, INGRESS, IPPROTO_ICMPV6, EXACTLY, 0, ICMPV6_ECHO_REQUEST },
	{ IDENTITY_ANY, INGRESS, IPPROTO_SCTP, ANY_PORT, 0, 0 },
	{ IDENTITY_DATABASE, INGRESS, ANY_PROTOCOL, ALL, 0, 0 },
	{ IDENTITY_INTRUDER, INGRESS, ANY_PROTOCOL, ALL, 1, 0 },
	{ IDENTITY_WEB, EGRESS, IPPROTO_TCP, EXACTLY, 0, 8443 },
	{ IDENTITY_WORLD, EGRESS, IPPROTO_UDP, EXACTLY, 0, 53 },
};

/* Fills the maps as a control plane does, and starts to count anew. */
static __noinline int configure(void)
{
	for (__u32 i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		struct prefix prefix = { .length = identities[i].length, .network = identities[i].network };
		__u32 identity = identities[i].identity;

		bpf_map_update_elem(&ipcache, &prefix, &identity, BPF_ANY);
	}
	for (__u32 i = 0; i < sizeof(policy) / sizeof(policy[0]); i++) {
		struct rule_key key = {
			.length = RULE_BITS - EXACTLY + policy[i].bits,
			.peer = policy[i].peer,
			.direction = policy[i].direction,
			.protocol = policy[i].protocol,
			.port = bpf_htons(policy[i].port),
		};
		struct rule rule = { .deny = policy[i].deny, .bits = policy[i].bits };

		bpf_map_update_elem(&rules, &key, &rule, BPF_ANY);
	}
	for (__u32 reason = 0; reason < REASON_COUNT; reason++) {
		struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

		if (counter)
			counter->packets = 0;
	}
	return 0;
}

/* How often a rule has decided. */
static __always_inline __u64 decided(__u32 number)
{
	struct rule_key key = {
		.length = RULE_BITS - EXACTLY + policy[number].bits,
		.peer = policy[number].peer,
		.direction = policy[number].direction,
		.protocol = policy[number].protocol,
		.port = bpf_htons(policy[number].port),
	};
	struct rule *rule = bpf_map_lookup_elem(&rules, &key);

	return rule ? rule->packets : 0;
}

/* A connection that this packet opened, with so much time left; below zero it is over. */
static __noinline int connect(const struct test_packet *opener, enum direction direction, int seconds_left,
			      __u8 closing)
{
	struct flow flow = {
		.source = opener->source,
		.destination = opener->destination,
		.ports = { bpf_htons(opener->source_port), bpf_htons(opener->destination_port) },
		.protocol = opener->protocol,
		.direction = direction,
	};
	struct connection connection = {
		.expires_ns = bpf_ktime_get_ns() + seconds_left * (__s64)NSEC_PER_SEC,
		.answered = 1,
		.closing = closing,
	};

	bpf_map_update_elem(&connections, &flow, &connection, BPF_ANY);
	return 0;
}

/* What the first fragment of a packet leaves behind. */
static __noinline int remember_fragment(const struct test_packet *packet, enum direction direction, __u16 source_port,
					__u16 port)
{
	struct fragment_key key = {
		.source = packet->source,
		.destination = packet->destination,
		.id = packet->version == 4 ? bpf_htons(packet->fragment_id) : bpf_htonl(packet->fragment_id),
		.protocol = packet->protocol,
		.direction = direction,
	};
	struct fragment fragment = {
		.ports = { bpf_htons(source_port), bpf_htons(port) },
		.rule_port = bpf_htons(port),
		.has_connection = 1,
	};

	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
	return 0;
}

static __always_inline __u64 counted(__u32 reason)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

	return counter ? counter->packets : 0;
}

/* ---- How a test runs -------------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} programs SEC(".maps") = {
	.values = { [INGRESS] = (void *)&policy_ingress, [EGRESS] = (void *)&policy_egress },
};

/*
 * `given` goes in a direction when `prepare` has been done; the program says `verdict` and counts `reason`, and leaves
 * the packet alone; `also` is what else must be true then.
 */
#define POLICY_TEST(name, prepare, direction, given, verdict, reason, also) \
	static const struct test_frame name##_frame = given;                \
	PKTGEN(#name) int name##_pktgen(struct __sk_buff *ctx)              \
	{                                                                   \
		return put_frame(ctx, &name##_frame);                       \
	}                                                                   \
	SETUP(#name) int name##_setup(struct __sk_buff *ctx)                \
	{                                                                   \
		configure();                                                \
		prepare;                                                    \
		bpf_tail_call(ctx, &programs, direction);                   \
		return TEST_ERROR;                                          \
	}                                                                   \
	CHECK(#name) int name##_check(struct __sk_buff *ctx)                \
	{                                                                   \
		expect_verdict(ctx, verdict);                               \
		test_assert(counted(reason) == 1);                          \
		test_assert(also);                                          \
		expect_frame(ctx, &name##_frame);                           \
		return TEST_PASS;                                           \
	}

#define NOTHING (void)0
/* Of the table above, from 0; counted anew for each test. */
#define BY_RULE(number) (decided(number) == 1)

/* ---- Allow ------------------------------------------------------------------------------------------------------ */

POLICY_TEST(allow_peer_and_port, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50001, ENDPOINT4, 80, .tcp_flags = TCP_SYN)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(allow_peer_and_port_v6, NOTHING, INGRESS,
	    FRAME(TCP6(WEB6, 50002, ENDPOINT6, 80, .tcp_flags = TCP_SYN)), TC_ACT_OK, REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(allow_first_port_of_a_range, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50003, ENDPOINT4, 8080)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(1))

POLICY_TEST(allow_last_port_of_a_range, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50004, ENDPOINT4, 8087)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(1))

POLICY_TEST(allow_any_port_of_a_protocol, NOTHING, INGRESS, FRAME(UDP4(WEB4, 50005, ENDPOINT4, 9999)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(3))

POLICY_TEST(allow_everything_of_a_peer, NOTHING, INGRESS, FRAME(UDP4(DATABASE4, 50006, ENDPOINT4, 1234)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(10))

POLICY_TEST(allow_any_peer_on_a_port, NOTHING, INGRESS, FRAME(TCP4(WORLD4, 50007, ENDPOINT4, 443)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(5))

POLICY_TEST(allow_egress, NOTHING, EGRESS, FRAME(TCP4(ENDPOINT4, 50008, WEB4, 8443, .tcp_flags = TCP_SYN)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(12))

POLICY_TEST(allow_egress_to_the_world, NOTHING, EGRESS, FRAME(UDP4(ENDPOINT4, 50009, WORLD4, 53)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(13))

POLICY_TEST(allow_echo, NOTHING, INGRESS, FRAME(ICMP4(WORLD4, ENDPOINT4, ICMP_ECHO_REQUEST, .source_port = 1)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(7))

POLICY_TEST(allow_echo_v6, NOTHING, INGRESS,
	    FRAME(ICMP6(WORLD6, ENDPOINT6, ICMPV6_ECHO_REQUEST, .source_port = 2)), TC_ACT_OK, REASON_ALLOWED,
	    BY_RULE(8))

POLICY_TEST(allow_in_a_vlan, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50010, ENDPOINT4, 80), .vlan = 7), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(allow_behind_ip_options, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50011, ENDPOINT4, 80, .options = 1)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(allow_behind_destination_options, NOTHING, INGRESS,
	    FRAME(TCP6(WEB6, 50012, ENDPOINT6, 80, .options = 1)), TC_ACT_OK, REASON_ALLOWED, BY_RULE(0))

/* ---- Deny, and the order of rules ------------------------------------------------------------------------------- */

POLICY_TEST(no_rule_for_the_port, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50020, ENDPOINT4, 81)), TC_ACT_SHOT,
	    REASON_NO_RULE, true)

POLICY_TEST(no_rule_for_the_peer, NOTHING, INGRESS, FRAME(TCP4(WORLD4, 50021, ENDPOINT4, 80)), TC_ACT_SHOT,
	    REASON_NO_RULE, true)

POLICY_TEST(no_rule_for_the_direction, NOTHING, EGRESS, FRAME(TCP4(ENDPOINT4, 50022, WEB4, 80)), TC_ACT_SHOT,
	    REASON_NO_RULE, true)

POLICY_TEST(no_rule_for_the_type_of_icmp, NOTHING, INGRESS,
	    FRAME(ICMP4(WORLD4, ENDPOINT4, 13, .source_port = 3)), TC_ACT_SHOT, REASON_NO_RULE, true)

POLICY_TEST(deny_a_port_within_a_range, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50023, ENDPOINT4, 8085)), TC_ACT_SHOT,
	    REASON_DENIED, BY_RULE(2))

POLICY_TEST(deny_a_port_of_an_allowed_protocol, NOTHING, INGRESS, FRAME(UDP4(WEB4, 50024, ENDPOINT4, 53)),
	    TC_ACT_SHOT, REASON_DENIED, BY_RULE(4))

POLICY_TEST(deny_any_peer_before_allow_of_this_one, NOTHING, INGRESS,
	    FRAME(TCP4(DATABASE4, 50025, ENDPOINT4, 22)), TC_ACT_SHOT, REASON_DENIED, BY_RULE(6))

POLICY_TEST(deny_this_peer_before_allow_of_any, NOTHING, INGRESS, FRAME(TCP4(INTRUDER4, 50026, ENDPOINT4, 443)),
	    TC_ACT_SHOT, REASON_DENIED, BY_RULE(11))

POLICY_TEST(longest_prefix_says_who_it_is, NOTHING, INGRESS, FRAME(TCP4(INTRUDER4, 50027, ENDPOINT4, 80)),
	    TC_ACT_SHOT, REASON_DENIED, BY_RULE(11))

/* Any peer on this port is more specific than everything of this peer, and is said to have decided. */
POLICY_TEST(port_of_any_peer_before_all_of_this_one, NOTHING, INGRESS,
	    FRAME(TCP4(DATABASE4, 50028, ENDPOINT4, 443)), TC_ACT_OK, REASON_ALLOWED,
	    BY_RULE(5) && decided(10) == 0)

/* ---- Replies and what follows ----------------------------------------------------------------------------------- */

#define CONNECTED_TEST(name, opener, opened, seconds, closing, direction, given, verdict, reason)            \
	static const struct test_frame name##_opener = opener;                                               \
	POLICY_TEST(name, connect(&name##_opener.packet, opened, seconds, closing), direction, given, verdict, \
		    reason, true)

CONNECTED_TEST(reply, FRAME(TCP4(ENDPOINT4, 50030, WORLD4, 25)), EGRESS, 10, 0, INGRESS,
	       FRAME(TCP4(WORLD4, 25, ENDPOINT4, 50030, .tcp_flags = TCP_SYN | TCP_ACK)), TC_ACT_OK, REASON_REPLY)

CONNECTED_TEST(reply_v6, FRAME(UDP6(ENDPOINT6, 50031, WORLD6, 123)), EGRESS, 10, 0, INGRESS,
	       FRAME(UDP6(WORLD6, 123, ENDPOINT6, 50031)), TC_ACT_OK, REASON_REPLY)

CONNECTED_TEST(reply_to_a_peer, FRAME(TCP4(WEB4, 50032, ENDPOINT4, 80)), INGRESS, 10, 0, EGRESS,
	       FRAME(TCP4(ENDPOINT4, 80, WEB4, 50032)), TC_ACT_OK, REASON_REPLY)

CONNECTED_TEST(reply_to_an_echo, FRAME(ICMP4(ENDPOINT4, WORLD4, ICMP_ECHO_REQUEST, .source_port = 33)), EGRESS, 10,
	       0, INGRESS, FRAME(ICMP4(WORLD4, ENDPOINT4, ICMP_ECHO_REPLY, .source_port = 33)), TC_ACT_OK,
	       REASON_REPLY)

CONNECTED_TEST(reply_from_another_port, FRAME(TCP4(ENDPOINT4, 50034, WORLD4, 25)), EGRESS, 10, 0, INGRESS,
	       FRAME(TCP4(WORLD4, 26, ENDPOINT4, 50034)), TC_ACT_SHOT, REASON_NO_RULE)

CONNECTED_TEST(reply_after_the_time, FRAME(UDP4(ENDPOINT4, 50035, WORLD4, 123)), EGRESS, -1, 0, INGRESS,
	       FRAME(UDP4(WORLD4, 123, ENDPOINT4, 50035)), TC_ACT_SHOT, REASON_NO_RULE)

CONNECTED_TEST(established, FRAME(TCP4(WORLD4, 50036, ENDPOINT4, 80)), INGRESS, 10, 0, INGRESS,
	       FRAME(TCP4(WORLD4, 50036, ENDPOINT4, 80, .payload = 10)), TC_ACT_OK, REASON_ESTABLISHED)

CONNECTED_TEST(last_words_of_a_closed_connection, FRAME(TCP4(WORLD4, 50037, ENDPOINT4, 80)), INGRESS, 10, CLOSED,
	       INGRESS, FRAME(TCP4(WORLD4, 50037, ENDPOINT4, 80)), TC_ACT_OK, REASON_ESTABLISHED)

CONNECTED_TEST(syn_after_the_end_asks_the_rules, FRAME(TCP4(WORLD4, 50038, ENDPOINT4, 80)), INGRESS, 10, CLOSED,
	       INGRESS, FRAME(TCP4(WORLD4, 50038, ENDPOINT4, 80, .tcp_flags = TCP_SYN)), TC_ACT_SHOT,
	       REASON_NO_RULE)

/* ---- ICMP errors ------------------------------------------------------------------------------------------------ */

CONNECTED_TEST(error_about_a_connection, FRAME(TCP4(ENDPOINT4, 50040, WORLD4, 25)), EGRESS, 10, 0, INGRESS,
	       FRAME(ICMP4(ROUTER4, ENDPOINT4, ICMP_UNREACHABLE, .icmp_code = 1),
		     QUOTED(4, IPPROTO_TCP, ENDPOINT4, 50040, WORLD4, 25)),
	       TC_ACT_OK, REASON_RELATED)

CONNECTED_TEST(error_about_a_reply_v6, FRAME(UDP6(WORLD6, 50041, ENDPOINT6, 80)), INGRESS, 10, 0, INGRESS,
	       FRAME(ICMP6(ROUTER6, ENDPOINT6, ICMPV6_ERROR_FIRST),
		     QUOTED(6, IPPROTO_UDP, ENDPOINT6, 80, WORLD6, 50041)),
	       TC_ACT_OK, REASON_RELATED)

POLICY_TEST(error_about_nothing, NOTHING, INGRESS,
	    FRAME(ICMP4(ROUTER4, ENDPOINT4, ICMP_UNREACHABLE), QUOTED(4, IPPROTO_TCP, ENDPOINT4, 50042, WORLD4, 25)),
	    TC_ACT_SHOT, REASON_NO_RULE, true)

CONNECTED_TEST(error_to_another_than_it_quotes, FRAME(TCP4(ENDPOINT4, 50043, WORLD4, 25)), EGRESS, 10, 0, INGRESS,
	       FRAME(ICMP4(ROUTER4, WEB4, ICMP_UNREACHABLE), QUOTED(4, IPPROTO_TCP, ENDPOINT4, 50043, WORLD4, 25)),
	       TC_ACT_SHOT, REASON_NO_RULE)

/* ---- Fragments -------------------------------------------------------------------------------------------------- */

POLICY_TEST(fragment_first, NOTHING, INGRESS,
	    FRAME(UDP4(WEB4, 50050, ENDPOINT4, 9999, .fragment = FRAGMENT_MORE, .fragment_id = 50, .payload = 32)),
	    TC_ACT_OK, REASON_ALLOWED, BY_RULE(3))

POLICY_TEST(fragment_later_is_judged_by_the_first,
	    remember_fragment(&fragment_later_is_judged_by_the_first_frame.packet, INGRESS, 50051, 80), INGRESS,
	    FRAME(TCP4(WEB4, 0, ENDPOINT4, 0, .fragment = 4, .fragment_id = 51, .payload = 32)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(fragment_later_is_denied_as_the_first,
	    remember_fragment(&fragment_later_is_denied_as_the_first_frame.packet, INGRESS, 50052, 8085), INGRESS,
	    FRAME(TCP4(WEB4, 0, ENDPOINT4, 0, .fragment = 4, .fragment_id = 52, .payload = 32)), TC_ACT_SHOT,
	    REASON_DENIED, BY_RULE(2))

POLICY_TEST(fragment_later_v6, remember_fragment(&fragment_later_v6_frame.packet, INGRESS, 50053, 80), INGRESS,
	    FRAME(TCP6(WEB6, 0, ENDPOINT6, 0, .fragment = 4, .fragment_id = 53, .payload = 32)), TC_ACT_OK,
	    REASON_ALLOWED, BY_RULE(0))

POLICY_TEST(fragment_that_overtakes_the_first, NOTHING, INGRESS,
	    FRAME(UDP4(WEB4, 0, ENDPOINT4, 0, .fragment = 4, .fragment_id = 54, .payload = 32)), TC_ACT_SHOT,
	    REASON_FRAGMENT, true)

POLICY_TEST(fragment_of_another_direction,
	    remember_fragment(&fragment_of_another_direction_frame.packet, EGRESS, 50055, 80), INGRESS,
	    FRAME(TCP4(WEB4, 0, ENDPOINT4, 0, .fragment = 4, .fragment_id = 55, .payload = 32)), TC_ACT_SHOT,
	    REASON_FRAGMENT, true)

/* ---- Neither judged nor readable -------------------------------------------------------------------------------- */

POLICY_TEST(not_ip, NOTHING, INGRESS, FRAME(TCP4(WORLD4, 50060, ENDPOINT4, 80), .ethertype = ETH_P_ARP), TC_ACT_OK,
	    REASON_NOT_IP, true)

POLICY_TEST(neighbour_solicitation, NOTHING, INGRESS, FRAME(ICMP6(WORLD6, ENDPOINT6, 135, .hop_limit = 255)),
	    TC_ACT_OK, REASON_NEIGHBOUR, true)

POLICY_TEST(neighbour_solicitation_from_afar, NOTHING, INGRESS,
	    FRAME(ICMP6(WORLD6, ENDPOINT6, 135, .hop_limit = 254)), TC_ACT_SHOT, REASON_NO_RULE, true)

POLICY_TEST(cut_short, NOTHING, INGRESS, FRAME(TCP4(WEB4, 50061, ENDPOINT4, 80), .cut = 1), TC_ACT_SHOT,
	    REASON_MALFORMED, true)
