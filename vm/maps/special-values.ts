/**
 * Values with parts that only helpers may touch (a spin lock, a timer): an update leaves them as they are, reading from
 * outside shows zeros, and what a value held ends with it. Knows no map.
 */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import type { MapEnv } from './map-kind.js';

export interface SpecialValues {
  /** Whether BPF_F_LOCK may be asked for. */
  readonly hasLock: boolean;
  /** Copies a value but for its special parts. */
  copy(to: Ptr, from: Ptr): void;
  /** Ends what the value holds: its timer. */
  release(at: Ptr): void;
}

/** Whether a value has a spin lock, as updates with BPF_F_LOCK need. */
export function hasSpinLock({ special = [] }: MapSpec): boolean {
  return special.some(({ kind }) => kind === 'bpf_spin_lock');
}

/** Zeros where only helpers look, in bytes for user space. */
export function hideSpecial({ special = [] }: MapSpec, value: Uint8Array): Uint8Array {
  for (const { off, bytes } of special) value.fill(0, off, off + bytes);
  return value;
}

export function specialValues({ memory, freeTimer }: MapEnv, spec: MapSpec): SpecialValues {
  const { u8 } = memory;
  const { valueBytes, special = [] } = spec;
  if (special.length === 0) {
    return {
      hasLock: false,
      copy: (to, from) => void u8.copyWithin(to, from, from + valueBytes),
      release: () => undefined,
    };
  }
  const timers = special.filter(({ kind }) => kind === 'bpf_timer');
  return {
    hasLock: hasSpinLock(spec),
    copy(to, from) {
      let done = 0;
      for (const { off, bytes } of special) {
        u8.copyWithin(to + done, from + done, from + off);
        done = off + bytes;
      }
      u8.copyWithin(to + done, from + done, from + valueBytes);
    },
    release(at) {
      for (const { off } of timers) freeTimer?.(at + off);
    },
  };
}
