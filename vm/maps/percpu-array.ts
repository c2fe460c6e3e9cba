/** `percpu_array`: one array for each CPU, one after another. */
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import { READ, READ_WRITE } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { checkArrayUpdate, emitAllow, emitIndex, valueStride } from './array.js';
import { checkMapSpec, checkSize } from './check-spec.js';
import type { MapKind } from './map-kind.js';

const FLAGS =
  MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY | MAP_FLAGS.BPF_F_RDONLY_PROG | MAP_FLAGS.BPF_F_WRONLY_PROG;

/** What one allocation of per-CPU memory holds (PCPU_MIN_UNIT_SIZE). */
const MAX_VALUE_BYTES = 32_768;

export const percpuArrayKind: MapKind = {
  type: 'percpu_array',
  perCpu: true,
  emitLookup: {
    inline: true,
    emit(site) {
      const { code, spec, base, cpus, shadowDelta } = site;
      emitIndex(site, () => {
        code.i32(base);
        if (cpus === 1) return;
        code
          .i32(0)
          .memory('i32.load', cells.cpu)
          .i32(valueStride(spec) * spec.maxEntries);
        code.op('i32.mul').op('i32.add');
      });
      if (shadowDelta !== 0) emitAllow(site, (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE);
    },
  },
  plan(spec, cpus) {
    checkMapSpec(spec, FLAGS);
    checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
    return { bytes: valueStride(spec) * spec.maxEntries * cpus };
  },
  bind({ memory, shadow }, spec, base) {
    const stride = valueStride(spec);
    const cpuStride = stride * spec.maxEntries;
    const rights = (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE;
    const at = (index: number, cpu: number): Ptr => {
      if (index >= spec.maxEntries) return 0;
      const value = base + cpu * cpuStride + index * stride;
      shadow.mark(value, spec.valueBytes, rights);
      return value;
    };
    const lookupOn = (key: Ptr, cpu: number): Ptr => at(memory.view.getUint32(key, true), cpu);
    return {
      lookup: (key) => lookupOn(key, memory.word(cells.cpu)),
      lookupOn,
      update(key, value, flags) {
        const index = memory.view.getUint32(key, true);
        const failed = checkArrayUpdate(spec, index, flags);
        if (failed !== 0) return failed;
        const target = base + memory.word(cells.cpu) * cpuStride + index * stride;
        memory.u8.copyWithin(target, value, value + spec.valueBytes);
        return 0;
      },
      remove: () => -errno.EINVAL,
      scan: (from) => (from < spec.maxEntries ? from : -1),
      keyAt(position, scratch) {
        memory.setWord(scratch, position);
        return scratch;
      },
      valueAt: (position) => at(position, memory.word(cells.cpu)),
    };
  },
};
