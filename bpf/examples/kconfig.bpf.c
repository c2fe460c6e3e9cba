// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of the kernel's configuration, which a loader reads from its .config and puts into .kconfig; `weak` ones may
 * be missing. LINUX_KERNEL_VERSION is no option but libbpf's own. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern bool CONFIG_BPF_JIT __kconfig __weak;
extern enum libbpf_tristate CONFIG_BPF __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern int CONFIG_SKEP_NO_SUCH_OPTION __kconfig __weak;

__u64 seen;

SEC("xdp")
int configured(struct xdp_md *ctx)
{
	seen = CONFIG_HZ + CONFIG_BPF + CONFIG_DEFAULT_HOSTNAME[0];
	if (CONFIG_SKEP_NO_SUCH_OPTION)
		return XDP_ABORTED;
	return LINUX_KERNEL_VERSION >= 0x50000 || CONFIG_BPF_JIT ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
