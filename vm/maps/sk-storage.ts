/**
 * `sk_storage`: a value of the program's own on each socket. Programs reach it by the socket (bpf_sk_storage_get), the host by
 * the socket's number in the world, from 1.
 */
import type { Ptr } from '../addr.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { BARE_WORLD_SIZE } from '../world/world-size.js';
import { checkMapSpec, checkSize, refuseMap } from './check-spec.js';
import type { MapKind, MapOps } from './map-kind.js';
import { bindOwnerStorage, ownerStorageBytes } from './owner-storage.js';
import type { OwnerStorage } from './owner-storage.js';
import { hasSpinLock } from './special-values.js';
import { knowsUpdateFlags, wantsLock, withoutLock } from './update-flags.js';

const FLAGS = MAP_FLAGS.BPF_F_NO_PREALLOC | MAP_FLAGS.BPF_F_CLONE;
/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE on x86_64. */
const MAX_VALUE_BYTES = 65_408;

export interface SkStorageOps extends MapOps {
  /** By the socket's number in the world, from 1; 0 is the socket of test runs. */
  readonly storage: OwnerStorage;
}

export const skStorageKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): SkStorageOps } = {
  type: 'sk_storage',
  perCpu: false,
  plan(spec, _cpus, { sockets } = BARE_WORLD_SIZE) {
    checkMapSpec(spec, FLAGS);
    if ((spec.flags & MAP_FLAGS.BPF_F_NO_PREALLOC) === 0) {
      refuseMap(spec, 'flags must have BPF_F_NO_PREALLOC', 'its values come with the sockets');
    }
    if (spec.maxEntries !== 0) refuseMap(spec, `max_entries is ${String(spec.maxEntries)}, must be 0`);
    checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
    return { bytes: ownerStorageBytes(spec, sockets + 1) };
  },
  bind(env, spec, base) {
    const { memory } = env;
    const owners = (env.sockets?.all.length ?? 0) + 1;
    const storage = bindOwnerStorage(env, spec, base, owners);
    const ownerOf = (key: Ptr): number => memory.view.getUint32(key, true);
    const lookup = (key: Ptr): Ptr => storage.find(ownerOf(key));
    return {
      storage,
      lookup,
      lookupOn: lookup,
      update(key, value, flags) {
        if (!knowsUpdateFlags(flags) || (wantsLock(flags) && !hasSpinLock(spec))) return -errno.EINVAL;
        const owner = ownerOf(key);
        if (owner < 1 || owner >= owners) return -errno.EBADF;
        const present = storage.find(owner) !== 0;
        const asked = withoutLock(flags);
        if (present && asked === UPDATE_FLAGS.BPF_NOEXIST) return -errno.EEXIST;
        if (!present && asked === UPDATE_FLAGS.BPF_EXIST) return -errno.ENOENT;
        storage.make(owner, value);
        return 0;
      },
      remove: (key) => (storage.drop(ownerOf(key)) ? 0 : -errno.ENOENT),
      scan: (from) => storage.scan(from),
      keyAt(position, scratch) {
        memory.setWord(scratch, position);
        return scratch;
      },
      valueAt: (position) => storage.find(position),
    };
  },
};
