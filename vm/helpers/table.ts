/** The helpers that skep runs. Adding one is an entry in a family's file, a line here and its row in `spec/helpers`. */
import type { HelperName } from '../spec/helpers.js';
import { getPrandomU32, getSmpProcessorId, ktimeGetNs } from './clock-random-cpu.js';
import { jiffies64, ktimeGetBootNs, ktimeGetCoarseNs, ktimeGetTaiNs } from './clock-kinds.js';
import { checkMtu } from './check-mtu.js';
import { csumDiff } from './csum-diff.js';
import {
  dynptrData,
  dynptrFromMem,
  dynptrRead,
  dynptrWrite,
  ringbufDiscardDynptr,
  ringbufReserveDynptr,
  ringbufSubmitDynptr,
} from './dynptr.js';
import { fibLookup } from './fib-lookup.js';
import type { Helper } from './helper.js';
import { forEachMapElem, loop } from './loop.js';
import { mapPeekElem, mapPopElem, mapPushElem } from './map-keyless.js';
import { mapLookupPercpuElem } from './map-percpu.js';
import { mapDeleteElem, mapLookupElem, mapUpdateElem } from './map-access.js';
import { perfEventOutput } from './perf-event-output.js';
import {
  getCgroupClassid,
  getCurrentAncestorCgroupId,
  getCurrentCgroupId,
  getCurrentComm,
  getCurrentPidTgid,
  getCurrentUidGid,
  getRetval,
  setRetval,
} from './current-task.js';
import { getNumaNodeId } from './placement.js';
import { spinLock, spinUnlock } from './spin-lock.js';
import { timerCancel, timerInit, timerSetCallback, timerStart } from './timers.js';
import { skAssign } from './sk-assign.js';
import { skLookupTcp, skLookupUdp, skcLookupTcp } from './socket-lookup.js';
import {
  getNetnsCookie,
  getSocketCookie,
  getSocketUid,
  skAncestorCgroupId,
  skbAncestorCgroupId,
  skbCgroupClassid,
  skbCgroupId,
  skCgroupId,
} from './socket-owner.js';
import { currentTaskUnderCgroup, getLocalStorage, skbUnderCgroup } from './cgroup-maps.js';
import { msgApplyBytes, msgCorkBytes, msgPopData, msgPullData, msgPushData } from './messages.js';
import { skStorageDelete, skStorageGet } from './sk-storage.js';
import { loadHdrOpt, reserveHdrOpt, sockOpsCbFlagsSet, storeHdrOpt } from './sock-ops.js';
import {
  msgRedirectHash,
  msgRedirectMap,
  skRedirectHash,
  skRedirectMap,
  skSelectReuseport,
  sockHashUpdate,
  sockMapUpdate,
} from './socket-maps.js';
import { bind, getsockopt, setsockopt } from './socket-options.js';
import {
  tcpCheckSyncookie,
  tcpGenSyncookie,
  tcpRawCheckSyncookieIpv4,
  tcpRawCheckSyncookieIpv6,
  tcpRawGenSyncookieIpv4,
  tcpRawGenSyncookieIpv6,
} from './syn-cookies.js';
import { getListenerSock, skFullsock, skRelease, tcpSock } from './sockets.js';
import { cloneRedirect, redirect, redirectMap, redirectNeigh, redirectPeer } from './redirect.js';
import { ringbufDiscard, ringbufOutput, ringbufQuery, ringbufReserve, ringbufSubmit } from './ring-buffer.js';
import {
  getHashRecalc,
  getRouteRealm,
  setHash,
  setHashInvalid,
  skbChangeType,
  skbEcnSetCe,
  skbSetTstamp,
} from './skb-fields.js';
import { skbLoadBytes, skbLoadBytesRelative, skbPullData, skbStoreBytes } from './skb-bytes.js';
import { csumLevel, csumUpdate, l3CsumReplace, l4CsumReplace } from './skb-checksum.js';
import {
  skbAdjustRoom,
  skbChangeHead,
  skbChangeProto,
  skbChangeTail,
  skbVlanPop,
  skbVlanPush,
} from './skb-geometry.js';
import { skbGetTunnelKey, skbGetTunnelOpt, skbSetTunnelKey, skbSetTunnelOpt } from './skb-tunnel.js';
import { snprintf, traceVprintk } from './snprintf.js';
import { strncmp, strtol, strtoul } from './strings.js';
import { tracePrintk } from './trace-printk.js';
import { xdpGetBuffLen, xdpLoadBytes, xdpStoreBytes } from './xdp-bytes.js';
import { xdpAdjustHead, xdpAdjustMeta, xdpAdjustTail } from './xdp-adjust.js';

/** `tail_call` is missing on purpose: it is an operation of the engine. */
const HELPERS: readonly Helper[] = [
  mapLookupElem,
  mapUpdateElem,
  mapDeleteElem,
  mapPushElem,
  mapPopElem,
  mapPeekElem,
  mapLookupPercpuElem,
  ktimeGetNs,
  ktimeGetBootNs,
  ktimeGetCoarseNs,
  ktimeGetTaiNs,
  jiffies64,
  getPrandomU32,
  getSmpProcessorId,
  getNumaNodeId,
  getNetnsCookie,
  tracePrintk,
  traceVprintk,
  snprintf,
  strtol,
  strtoul,
  strncmp,
  redirect,
  redirectMap,
  redirectNeigh,
  redirectPeer,
  cloneRedirect,
  fibLookup,
  checkMtu,
  csumDiff,
  xdpAdjustHead,
  xdpAdjustTail,
  xdpAdjustMeta,
  xdpGetBuffLen,
  xdpLoadBytes,
  xdpStoreBytes,
  skbLoadBytes,
  skbLoadBytesRelative,
  skbStoreBytes,
  skbPullData,
  l3CsumReplace,
  l4CsumReplace,
  csumUpdate,
  csumLevel,
  skbAdjustRoom,
  skbChangeProto,
  skbChangeHead,
  skbChangeTail,
  skbVlanPush,
  skbVlanPop,
  skbChangeType,
  getHashRecalc,
  setHash,
  setHashInvalid,
  getRouteRealm,
  skbSetTstamp,
  skbEcnSetCe,
  skbGetTunnelKey,
  skbSetTunnelKey,
  skbGetTunnelOpt,
  skbSetTunnelOpt,
  ringbufReserve,
  ringbufSubmit,
  ringbufDiscard,
  ringbufOutput,
  ringbufQuery,
  ringbufReserveDynptr,
  ringbufSubmitDynptr,
  ringbufDiscardDynptr,
  dynptrFromMem,
  dynptrRead,
  dynptrWrite,
  dynptrData,
  perfEventOutput,
  skLookupTcp,
  skLookupUdp,
  skcLookupTcp,
  skRelease,
  skFullsock,
  tcpSock,
  getListenerSock,
  skAssign,
  getSocketCookie,
  getSocketUid,
  skCgroupId,
  skAncestorCgroupId,
  skbCgroupId,
  skbAncestorCgroupId,
  skbCgroupClassid,
  getCgroupClassid,
  getCurrentCgroupId,
  getCurrentAncestorCgroupId,
  getCurrentPidTgid,
  getCurrentUidGid,
  getCurrentComm,
  getRetval,
  setRetval,
  skStorageGet,
  skStorageDelete,
  sockMapUpdate,
  sockHashUpdate,
  skRedirectMap,
  skRedirectHash,
  msgRedirectMap,
  msgRedirectHash,
  skSelectReuseport,
  msgApplyBytes,
  msgCorkBytes,
  msgPullData,
  msgPushData,
  msgPopData,
  sockOpsCbFlagsSet,
  loadHdrOpt,
  storeHdrOpt,
  reserveHdrOpt,
  setsockopt,
  getsockopt,
  bind,
  getLocalStorage,
  skbUnderCgroup,
  currentTaskUnderCgroup,
  tcpGenSyncookie,
  tcpCheckSyncookie,
  tcpRawGenSyncookieIpv4,
  tcpRawGenSyncookieIpv6,
  tcpRawCheckSyncookieIpv4,
  tcpRawCheckSyncookieIpv6,
  loop,
  forEachMapElem,
  spinLock,
  spinUnlock,
  timerInit,
  timerSetCallback,
  timerStart,
  timerCancel,
];

const BY_NAME: ReadonlyMap<HelperName, Helper> = new Map(HELPERS.map((helper) => [helper.name, helper]));

/** The implementation; undefined where skep has none ("unsupported by skep") and for `tail_call`. */
export function helperOf(name: HelperName): Helper | undefined {
  return BY_NAME.get(name);
}
