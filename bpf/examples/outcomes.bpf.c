// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests with every outcome that one can have, for who writes a runner or a report: two that pass, and others that fail, are
 * skipped, have subtests and log lines, trap or cannot go on.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ERROR 100
#define PASS 101
#define FAIL 102
#define SKIP 103

/* Where checks leave what they have to say, as protobuf messages. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8192);
} suite_result_map SEC(".maps");

/* Filled by annotation: see `mark`. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

#define MARKED 3

SEC("tc")
__attribute__((btf_decl_tag("tail:calls/3"))) int mark(struct __sk_buff *ctx)
{
	ctx->mark = 42;
	return TC_ACT_REDIRECT;
}

static __always_inline int start(struct __sk_buff *ctx, __u32 bytes)
{
	return bpf_skb_change_tail(ctx, bytes, 0) ? ERROR : 0;
}

/* ---- Passes ----------------------------------------------------------------------------------------------------- */

SEC("tc/test/handed_on/pktgen")
int handed_on_pktgen(struct __sk_buff *ctx)
{
	ctx->cb[2] = 7;
	return start(ctx, 60);
}

SEC("tc/test/handed_on/setup")
int handed_on_setup(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &calls, MARKED);
	return ERROR;
}

SEC("tc/test/handed_on/check")
int handed_on_check(struct __sk_buff *ctx)
{
	__u32 *code = (void *)(long)ctx->data;

	if ((void *)(code + 1) > (void *)(long)ctx->data_end)
		return ERROR;
	if (ctx->len != 64 || *code != TC_ACT_REDIRECT || ctx->mark != 42 || ctx->cb[2] != 7)
		return FAIL;
	return PASS;
}

SEC("xdp/test/metadata/setup")
int metadata_setup(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_tail(ctx, -3000) ? ERROR : XDP_PASS;
}

SEC("xdp/test/metadata/check")
int metadata_check(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data == 524 ? PASS : FAIL;
}

/* ---- Fails ------------------------------------------------------------------------------------------------------ */

SEC("tc/test/fails_on_a_field/pktgen")
int fails_on_a_field_pktgen(struct __sk_buff *ctx)
{
	struct iphdr *ip;

	if (start(ctx, 74))
		return ERROR;
	ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return ERROR;
	*(__be16 *)((void *)ip - 2) = bpf_htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(60);
	ip->ttl = 63;
	ip->daddr = bpf_htonl(0x0a000001);
	return 0;
}

SEC("tc/test/fails_on_a_field/check")
int fails_on_a_field_check(struct __sk_buff *ctx)
{
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return ERROR;
	if (ip->ttl != 63)
		return FAIL;
	if (ip->daddr != bpf_htonl(0x0a000002))
		return FAIL;
	return PASS;
}

SEC("tc/test/fails_on_the_verdict/pktgen")
int fails_on_the_verdict_pktgen(struct __sk_buff *ctx)
{
	return start(ctx, 60);
}

SEC("tc/test/fails_on_the_verdict/setup")
int fails_on_the_verdict_setup(struct __sk_buff *ctx)
{
	return TC_ACT_SHOT;
}

SEC("tc/test/fails_on_the_verdict/check")
int fails_on_the_verdict_check(struct __sk_buff *ctx)
{
	__u32 *code = (void *)(long)ctx->data;

	if ((void *)(code + 1) > (void *)(long)ctx->data_end)
		return ERROR;
	return *code == TC_ACT_OK ? PASS : FAIL;
}

SEC("tc/test/fails_on_a_map/check")
int fails_on_a_map_check(struct __sk_buff *ctx)
{
	__u64 *run = bpf_map_lookup_elem(&runs, &(__u32){ 0 });

	if (!run)
		return ERROR;
	*run += 1;
	return *run == 2 ? PASS : FAIL;
}

/* ---- The rest --------------------------------------------------------------------------------------------------- */

#define MESSAGE_BYTES 64

static const char message[MESSAGE_BYTES] = {
	0x0a, 0x8f, 0x00,                                                      /* result of 15 bytes */
	0x0a, 0x05, 'g', 'o', 'o', 'd', 0, 0x10, PASS,                         /* name, status */
	0x1a, 0x04, 0x0a, 0x02, 'o', 0,                                        /* log */
	0x0a, 0x88, 0x00, 0x0a, 0x04, 'b', 'a', 'd', 0, 0x10, FAIL,            /* another result */
	0x12, 0x12, 0x0a, 0x07, '%', 'd', ' ', 'l', 'e', 'f', 't', 0x11, 5, 0, /* line of the suite */
};

SEC("tc/test/has_subtests/check")
int has_subtests_check(struct __sk_buff *ctx)
{
	char *results = bpf_map_lookup_elem(&suite_result_map, &(__u32){ 0 });

	if (!results)
		return ERROR;
	for (int i = 0; i < MESSAGE_BYTES; i++)
		results[i] = message[i];
	bpf_printk("this is printed");
	return PASS;
}

SEC("tc/test/is_skipped/check")
int is_skipped_check(struct __sk_buff *ctx)
{
	return SKIP;
}

SEC("tc/test/says_nothing/check")
int says_nothing_check(struct __sk_buff *ctx)
{
	return 9;
}

SEC("tc/test/stops_early/setup")
int stops_early_setup(struct __sk_buff *ctx)
{
	return FAIL;
}

SEC("tc/test/stops_early/check")
int stops_early_check(struct __sk_buff *ctx)
{
	return PASS;
}

/* Longer than the context says that the packet is on the wire: the kernel takes no such pair. */
SEC("tc/test/stops_before_check/setup")
int stops_before_check_setup(struct __sk_buff *ctx)
{
	return TC_ACT_OK;
}

SEC("tc/test/stops_before_check/check")
int stops_before_check_check(struct __sk_buff *ctx)
{
	return PASS;
}

SEC("tc/test/traps/check")
int traps_check(struct __sk_buff *ctx)
{
	return *(__u32 *)((long)ctx->data_end + 4);
}

/* The numbers of an older generation. */
SEC("tc/test/with_old_numbers/check")
int with_old_numbers_check(struct __sk_buff *ctx)
{
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
