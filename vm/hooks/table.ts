/** The program types that skep runs. Adding one is a file beside this one and a line here. */
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';
import { cgroupDeviceHook } from './cgroup-device.js';
import { cgroupSkbHook } from './cgroup-skb.js';
import { cgroupSockAddrHook } from './cgroup-sock-addr.js';
import { cgroupSockHook } from './cgroup-sock.js';
import { cgroupSockoptHook } from './cgroup-sockopt.js';
import { cgroupSysctlHook } from './cgroup-sysctl.js';
import { ctxRanges } from './ctx-ranges.js';
import { flowDissectorHook } from './flow-dissector.js';
import type { Hook, HookKind } from './hook.js';
import { lwtInHook, lwtOutHook, lwtSeg6localHook, lwtXmitHook } from './lwt.js';
import { netfilterHook } from './netfilter.js';
import { skLookupHook } from './sk-lookup.js';
import { skMsgHook } from './sk-msg.js';
import { skReuseportHook } from './sk-reuseport.js';
import { skSkbHook } from './sk-skb.js';
import { sockOpsHook } from './sock-ops.js';
import { socketFilterHook } from './socket-filter.js';
import { syscallHook } from './syscall.js';
import { actionHook, classifierHook } from './tc.js';
import { xdpHook } from './xdp.js';

const KINDS: readonly HookKind[] = [
  xdpHook,
  classifierHook,
  actionHook,
  socketFilterHook,
  cgroupSkbHook,
  cgroupSockHook,
  cgroupSockAddrHook,
  cgroupSockoptHook,
  cgroupSysctlHook,
  cgroupDeviceHook,
  sockOpsHook,
  skSkbHook,
  skMsgHook,
  skLookupHook,
  skReuseportHook,
  flowDissectorHook,
  lwtInHook,
  lwtOutHook,
  lwtXmitHook,
  lwtSeg6localHook,
  netfilterHook,
  syscallHook,
];

const BY_TYPE: ReadonlyMap<string, HookKind> = new Map(KINDS.map((kind) => [kind.type, kind]));

/** One object a site, so that hooks can be told apart by identity. */
const HOOKS = new Map<string, Hook>();

/** The hook of a program type at an attach point; undefined where skep has none ("unsupported by skep"). */
export function hookOf(type: ProgTypeName | 'unspec', attach?: AttachTypeName): Hook | undefined {
  const kind = BY_TYPE.get(type);
  if (kind === undefined) return undefined;
  const site = `${type}/${attach ?? ''}`;
  let hook = HOOKS.get(site);
  if (hook === undefined) HOOKS.set(site, (hook = hookAt(kind, attach)));
  return hook;
}

function hookAt(kind: HookKind, attach: AttachTypeName | undefined): Hook {
  const ranges =
    kind.ctx === undefined
      ? { ctxBytes: 0, readable: [], writable: [], special: [] }
      : ctxRanges(kind.type, attach, kind.ctx);
  return { ...kind, attach, ...ranges };
}

/** Whether packets of a capture can be run through programs on the hook. */
export function takesFrames({ begins }: HookKind): boolean {
  return begins !== 'payload';
}
