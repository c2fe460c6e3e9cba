/** The kfuncs that skep runs. Adding one is an entry in a family's file, a line here and its signature in `spec/kfuncs`. */
import { ctRelease, skbCtLookup, xdpCtLookup } from './conntrack.js';
import {
  dynptrAdjust,
  dynptrClone,
  dynptrCopy,
  dynptrFromSkb,
  dynptrFromSkbMeta,
  dynptrFromXdp,
  dynptrIsNull,
  dynptrIsRdonly,
  dynptrMemset,
  dynptrSize,
  dynptrSlice,
  dynptrSliceRdwr,
} from './dynptr.js';
import { iterNumDestroy, iterNumNew, iterNumNext } from './iter-num.js';
import { castToKernCtx, rdonlyCast } from './kernel-types.js';
import type { Kfunc } from './kfunc.js';
import {
  localIrqRestore,
  localIrqSave,
  preemptDisable,
  preemptEnable,
  rcuReadLock,
  rcuReadUnlock,
} from './sections.js';
import { xdpMetadataRxHash, xdpMetadataRxTimestamp, xdpMetadataRxVlanTag } from './xdp-metadata.js';

const KFUNCS: readonly Kfunc[] = [
  castToKernCtx,
  rdonlyCast,
  dynptrFromSkb,
  dynptrFromSkbMeta,
  dynptrFromXdp,
  dynptrSlice,
  dynptrSliceRdwr,
  dynptrAdjust,
  dynptrIsNull,
  dynptrIsRdonly,
  dynptrSize,
  dynptrClone,
  dynptrCopy,
  dynptrMemset,
  iterNumNew,
  iterNumNext,
  iterNumDestroy,
  xdpMetadataRxHash,
  xdpMetadataRxTimestamp,
  xdpMetadataRxVlanTag,
  skbCtLookup,
  xdpCtLookup,
  ctRelease,
  rcuReadLock,
  rcuReadUnlock,
  preemptDisable,
  preemptEnable,
  localIrqSave,
  localIrqRestore,
];

const BY_NAME: ReadonlyMap<string, Kfunc> = new Map(KFUNCS.map((kfunc) => [kfunc.name, kfunc]));

/** The implementation; undefined where skep has none ("unsupported by skep"). */
export function kfuncOf(name: string): Kfunc | undefined {
  return BY_NAME.get(name);
}
