/** `array`: values in a row, all there from the start. Data sections are arrays of one entry. */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { READ, READ_WRITE } from '../memory/shadow.js';
import type { Rights } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize } from './check-spec.js';
import type { LookupSite, MapEnv, MapKind, MapOps } from './map-kind.js';
import { hasSpinLock, specialValues } from './special-values.js';
import { knowsUpdateFlags, wantsLock } from './update-flags.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_MMAPABLE |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG |
  MAP_FLAGS.BPF_F_INNER_MAP;

/** An int in the kernel; data sections may be large. */
const MAX_VALUE_BYTES = 0x7fff_ffff;

/** Above this, shadow is marked entry by entry as programs look them up, so that a huge array stays unbacked. */
const EAGER_SHADOW_BYTES = 1 << 20;

/** Whether an update of a map whose entries always exist may be done: 0 or the errno, asked for in the kernel's order. */
export function checkArrayUpdate(spec: MapSpec, index: number, flags: number): number {
  if (!knowsUpdateFlags(flags)) return -errno.EINVAL;
  if (index >= spec.maxEntries) return -errno.E2BIG;
  if ((flags & UPDATE_FLAGS.BPF_NOEXIST) !== 0) return -errno.EEXIST;
  return wantsLock(flags) && !hasSpinLock(spec) ? -errno.EINVAL : 0;
}

/** Distance between values: the kernel rounds up to 8. */
export function valueStride(spec: MapSpec): number {
  return alignUp(spec.valueBytes, 8);
}

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { memory, shadow } = env;
  const stride = valueStride(spec);
  const rights = rightsOf(spec);
  const special = specialValues(env, spec);
  const eager = isEager(spec);
  if (eager) {
    for (let i = 0; i < spec.maxEntries; i++) shadow.mark(base + i * stride, spec.valueBytes, rights);
  }
  const at = (index: number): Ptr => {
    if (index >= spec.maxEntries) return 0;
    const value = base + index * stride;
    if (!eager) shadow.mark(value, spec.valueBytes, rights);
    return value;
  };
  const lookup = (key: Ptr): Ptr => at(memory.view.getUint32(key, true));
  return {
    lookup,
    lookupOn: lookup,
    update(key, value, flags) {
      const index = memory.view.getUint32(key, true);
      const failed = checkArrayUpdate(spec, index, flags);
      if (failed !== 0) return failed;
      special.copy(base + index * stride, value);
      special.release(base + index * stride);
      return 0;
    },
    remove: () => -errno.EINVAL,
    scan: (from) => (from < spec.maxEntries ? from : -1),
    keyAt(position, scratch) {
      memory.setWord(scratch, position);
      return scratch;
    },
    valueAt: at,
  };
}

/** Pushes the address of value `index` of a row at `base`, or 0 where the row is shorter. */
export function emitIndex({ code, spec, key, scratch: [index, value] }: LookupSite, base: () => void): void {
  const stride = valueStride(spec);
  code.i32(0).localSet(value).localGet(key).memory('i32.load', 0).localTee(index);
  code.i32(spec.maxEntries).op('i32.lt_u').if();
  base();
  if (spec.maxEntries > 1) code.localGet(index).i32(stride).op('i32.mul').op('i32.add');
  code.localSet(value).end().localGet(value);
}

/** Gives the rights to a value whose first byte has none yet; its address is in a local, 0 for none. */
export function emitAllow({ code, spec, shadowDelta, scratch: [, value] }: LookupSite, rights: Rights): void {
  code
    .localGet(value)
    .memory('i32.load8_u', shadowDelta)
    .op('i32.eqz')
    .localGet(value)
    .i32(0)
    .op('i32.ne')
    .op('i32.and');
  code.if();
  code.localGet(value).i32(shadowDelta).op('i32.add').i32(rights).i32(spec.valueBytes).memoryFill().end();
}

function rightsOf(spec: MapSpec): Rights {
  return spec.readOnly || (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE;
}

/** Of a single entry, as data sections are, programs hold addresses without a lookup. */
function isEager(spec: MapSpec): boolean {
  return valueStride(spec) * spec.maxEntries <= EAGER_SHADOW_BYTES || spec.maxEntries === 1;
}

export const arrayKind: MapKind = {
  type: 'array',
  perCpu: false,
  emitLookup: {
    inline: true,
    emit(site) {
      emitIndex(site, () => site.code.i32(site.base));
      if (site.shadowDelta !== 0 && !isEager(site.spec)) emitAllow(site, rightsOf(site.spec));
    },
  },
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
    return { bytes: valueStride(spec) * spec.maxEntries };
  },
  bind,
};
