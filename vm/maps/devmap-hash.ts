/** `devmap_hash`: devices to redirect to, by any number. */
import type { Ptr } from '../addr.js';
import { errno } from '../spec/errno.js';
import { UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import { asksForProgram, DEVMAP_FLAGS, putTarget, stride } from './device-entries.js';
import type { TargetMapKind, TargetMapOps } from './device-entries.js';
import { bindEntries, planEntries } from './entry-table.js';
import type { MapEnv } from './map-kind.js';
import type { MapSpec } from '../object/object-spec.js';

/** What `targetOf` is asked for lies behind the table. */
const KEY_BYTES = 8;

function bind(env: MapEnv, spec: MapSpec, base: Ptr): TargetMapOps {
  const { memory } = env;
  const plan = planEntries(spec.keyBytes, stride(spec), spec.maxEntries);
  const table = bindEntries(env, plan, base);
  const asked = base + plan.bytes;
  const find = (key: Ptr): number => table.find(key, table.hashOf(key));
  const lookup = (key: Ptr): Ptr => {
    const entry = find(key);
    return entry === 0 ? 0 : table.valueOf(entry);
  };
  return {
    lookup,
    lookupOn: lookup,
    targetOf(key) {
      memory.setWord(asked, key);
      return lookup(asked);
    },
    // Linux does not ask whether the key is there where BPF_EXIST says so.
    update(key, value, flags) {
      if (flags > UPDATE_FLAGS.BPF_EXIST || memory.view.getUint32(value, true) === 0) return -errno.EINVAL;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      if (present !== 0 && flags === UPDATE_FLAGS.BPF_NOEXIST) return -errno.EEXIST;
      if (asksForProgram(env, spec, value)) return -errno.EINVAL;
      const entry = present === 0 ? table.take() : present;
      if (entry === 0) return -errno.E2BIG;
      if (present === 0) table.link(entry, key, hash);
      putTarget(env, spec, table.valueOf(entry), value);
      return 0;
    },
    remove(key) {
      const entry = find(key);
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      table.give(entry);
      return 0;
    },
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => table.valueOf(table.at(position)),
  };
}

export const devmapHashKind: TargetMapKind = {
  type: 'devmap_hash',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, DEVMAP_FLAGS);
    return { bytes: planEntries(spec.keyBytes, stride(spec), spec.maxEntries).bytes + KEY_BYTES };
  },
  bind,
};
