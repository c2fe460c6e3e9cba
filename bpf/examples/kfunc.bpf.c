// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions and variables of the kernel itself, by name: a pair of kfuncs that every program type may call, the
 * address of a kernel function, and a weak kfunc and a weak variable that exist nowhere. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int skep_no_such_kfunc(int value) __ksym __weak;
extern const void tcp_v4_rcv __ksym;
extern const int skep_no_such_variable __ksym __weak;

__u64 address;

SEC("xdp")
int locked(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return XDP_PASS;
}

SEC("xdp")
int weak(struct xdp_md *ctx)
{
	if (skep_no_such_kfunc)
		return skep_no_such_kfunc(1);
	return XDP_PASS;
}

SEC("xdp")
int symbols(struct xdp_md *ctx)
{
	address = (__u64)&tcp_v4_rcv;
	return &skep_no_such_variable ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
