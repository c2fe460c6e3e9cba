/** Kfuncs that open and close critical sections. One program runs at a time here, and nothing interrupts it. */
import type { KfuncName } from '../spec/kfuncs.js';
import type { Kfunc } from './kfunc.js';

function nothing(name: KfuncName): Kfunc {
  return { name, bind: () => () => 0 };
}

export const rcuReadLock = nothing('bpf_rcu_read_lock');
export const rcuReadUnlock = nothing('bpf_rcu_read_unlock');
export const preemptDisable = nothing('bpf_preempt_disable');
export const preemptEnable = nothing('bpf_preempt_enable');
export const localIrqSave = nothing('bpf_local_irq_save');
export const localIrqRestore = nothing('bpf_local_irq_restore');
