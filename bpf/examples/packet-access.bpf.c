// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The two oldest ways to read a packet: LD_ABS and LD_IND, which leave the program with 0 when they reach too far,
 * and bpf_skb_load_bytes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

/* Keeps UDP to port 53: as many bytes as there are, or 0 for none. */
SEC("socket")
int only_dns(struct __sk_buff *skb)
{
	__u32 header_bytes;

	if (load_half(skb, 12) != ETH_P_IP || load_byte(skb, 23) != 17)
		return 0;
	header_bytes = (load_byte(skb, 14) & 15) * 4;
	if (load_half(skb, 14 + header_bytes + 2) != 53)
		return 0;
	return skb->len;
}

SEC("socket")
int from_documentation_net(struct __sk_buff *skb)
{
	return (load_word(skb, 26) & 0xffffff00) == 0xc0000200 ? -1 : 0;
}

SEC("tc")
int copy_out(struct __sk_buff *skb)
{
	__u8 head[20];

	if (bpf_skb_load_bytes(skb, 14, head, sizeof(head)))
		return 2;
	return head[0] >> 4 == 4 ? 0 : -1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
