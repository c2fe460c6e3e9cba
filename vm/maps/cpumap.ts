/** `cpumap`: CPUs to redirect to. A value is the size of the CPU's queue. */
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { refuseMap } from './check-spec.js';
import { asksForProgram, bindTargets, planTargets } from './device-entries.js';
import type { TargetMapKind } from './device-entries.js';

/** As many CPUs as Linux can be built for on x86_64 (NR_CPUS). */
const MAX_ENTRIES = 8192;
const MAX_QUEUE = 16_384;

export const cpumapKind: TargetMapKind = {
  type: 'cpumap',
  perCpu: false,
  plan(spec) {
    const planned = planTargets(spec, MAP_FLAGS.BPF_F_NUMA_NODE);
    if (spec.maxEntries > MAX_ENTRIES) {
      refuseMap(spec, `max_entries is ${String(spec.maxEntries)}, must not be more than ${String(MAX_ENTRIES)}`);
    }
    return planned;
  },
  bind: (env, spec, base) =>
    bindTargets(env, spec, base, (index, value) => {
      if (env.memory.view.getUint32(value, true) > MAX_QUEUE) return -errno.EOVERFLOW;
      if (index >= env.cpus) return -errno.ENODEV;
      return asksForProgram(env, spec, value) ? -errno.ENOMEM : 0;
    }),
};
