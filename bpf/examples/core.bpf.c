// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* CO-RE: each kind of relocation that .BTF.ext knows, against `struct task_struct` and its neighbours as this file
 * believes them to be. A loader corrects the numbers from the target's BTF; a name after ___ is a flavour and does
 * not count. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct list_head {
	struct list_head *next;
	struct list_head *prev;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct list_head tasks;
	unsigned in_execve : 1;
} __attribute__((preserve_access_index));

/* How it was before 5.14, when the field was named `state`. */
struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

enum pid_type {
	PIDTYPE_PID = 7, /* elsewhere 0: relocated */
	PIDTYPE_NO_SUCH = 99,
};

typedef unsigned long long no_such_typedef;

struct {
	__u64 pid_offset;
	__u64 pid_size;
	__u64 comm_size;
	__u64 nested_offset;
	__u64 array_offset;
	bool has_pid;
	bool has_old_state;
	bool has_task;
	bool has_nothing;
	bool has_typedef;
	bool matches;
	__u64 task_size;
	__u64 type_id_local;
	__u64 type_id_target;
	__u64 enum_value;
	bool has_enum;
	bool has_no_enum;
	__u64 bit_shift_left;
	__u64 bit_shift_right;
	__u64 bit_size;
	bool bit_signed;
} facts;

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	facts.pid_offset = bpf_core_field_offset(struct task_struct, pid);
	facts.pid_size = bpf_core_field_size(struct task_struct, pid);
	facts.comm_size = bpf_core_field_size(struct task_struct, comm);
	facts.nested_offset = bpf_core_field_offset(struct task_struct, tasks.prev);
	facts.array_offset = bpf_core_field_offset(struct task_struct, comm[3]);
	facts.has_pid = bpf_core_field_exists(struct task_struct, pid);
	facts.has_old_state = bpf_core_field_exists(struct task_struct___old, state);
	facts.has_task = bpf_core_type_exists(struct task_struct);
	facts.has_nothing = bpf_core_type_exists(struct no_such_struct);
	facts.has_typedef = bpf_core_type_exists(no_such_typedef);
	facts.matches = bpf_core_type_matches(struct list_head);
	facts.task_size = bpf_core_type_size(struct task_struct);
	facts.type_id_local = bpf_core_type_id_local(struct task_struct);
	facts.type_id_target = bpf_core_type_id_kernel(struct task_struct);
	facts.enum_value = bpf_core_enum_value(enum pid_type, PIDTYPE_PID);
	facts.has_enum = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_PID);
	facts.has_no_enum = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NO_SUCH);
	facts.bit_size = __CORE_RELO((struct task_struct *)0, in_execve, BYTE_SIZE);
	facts.bit_shift_left = __CORE_RELO((struct task_struct *)0, in_execve, LSHIFT_U64);
	facts.bit_shift_right = __CORE_RELO((struct task_struct *)0, in_execve, RSHIFT_U64);
	facts.bit_signed = __CORE_RELO((struct task_struct *)0, in_execve, SIGNED);
	return XDP_PASS;
}

/* The offset of a field that does not exist, guarded: the loader poisons an instruction that is never reached. */
SEC("xdp")
int guarded(struct xdp_md *ctx)
{
	if (bpf_core_field_exists(struct no_such_struct, field))
		return bpf_core_field_offset(struct no_such_struct, field);
	return XDP_PASS;
}

/* A relocation in a load rather than in an immediate: fields of the context itself. */
struct xdp_md___mine {
	__u32 rx_queue_index;
	__u32 data;
	__u32 data_end;
} __attribute__((preserve_access_index));

SEC("xdp")
int context(struct xdp_md___mine *ctx)
{
	return ctx->rx_queue_index == 0 && ctx->data < ctx->data_end ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
