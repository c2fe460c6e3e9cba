/** `devmap`: devices to redirect to, by index. */
import { errno } from '../spec/errno.js';
import { asksForProgram, bindTargets, DEVMAP_FLAGS, planTargets } from './device-entries.js';
import type { TargetMapKind } from './device-entries.js';

export const devmapKind: TargetMapKind = {
  type: 'devmap',
  perCpu: false,
  plan: (spec) => planTargets(spec, DEVMAP_FLAGS),
  bind: (env, spec, base) =>
    bindTargets(env, spec, base, (_, value) => (asksForProgram(env, spec, value) ? -errno.EINVAL : 0)),
};
