// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* BTF declaration and type tags: on functions, arguments, variables and struct members. Loaders read instructions
 * from them, for instance which slot of a program array a program belongs in. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __tag(text) __attribute__((btf_decl_tag(text)))
#define __type_tag(text) __attribute__((btf_type_tag(text)))

struct record {
	__u32 plain;
	__u32 marked __tag("member");
	struct record __type_tag("next") *next;
} __tag("struct");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} calls SEC(".maps") __tag("map");

__u32 counter __tag("variable");
struct record record;

__noinline int weigh(__u32 size __tag("argument")) __tag("function")
{
	return size > 100 ? 1 : 2;
}

SEC("xdp")
__tag("tail:calls/3") __tag("entry") int tagged(struct xdp_md *ctx)
{
	counter++;
	record.marked = weigh(ctx->data_end - ctx->data);
	bpf_tail_call(ctx, &calls, 3);
	return record.marked;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
