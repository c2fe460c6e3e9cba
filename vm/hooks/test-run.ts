/**
 * BPF_PROG_TEST_RUN by program type: which requests the kernel takes, what the program then sees, and what comes back. A model
 * of net/bpf/test_run.c of Linux 6.18, and of kernel/bpf/syscall.c for the types that cannot be run so. What all types over
 * socket buffers share is in `packet/test-run.ts`.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { cells } from '../memory/cells.js';
import { ETH_HEADER_BYTES, ETH_IPV4, ETH_IPV6, etherProtocol } from '../packet/ether-type.js';
import { beginXdpTestRun, endXdpTestRun } from '../packet/test-run-xdp.js';
import { beginTestRun, endTestRun } from '../packet/test-run.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { errno } from '../spec/errno.js';
import { AF_INET, AF_INET6 } from '../world/sockets.js';
import { beginFlowKeys, flowKeysAt } from './flow-dissector.js';
import type { HookEnv } from './hook.js';
import { putSocket } from './socket-fields.js';

/** `union bpf_attr.test`, as far as a caller says something there. */
export interface TestRunRequest {
  readonly data?: Uint8Array;
  readonly ctx?: Uint8Array;
  readonly flags?: number;
  /** Whether there is room for what comes back; default true. */
  readonly wantsData?: boolean;
  readonly wantsCtx?: boolean;
  /** Default 0, which most types read as 1. */
  readonly repeat?: number;
}

export interface TestRunAnswer {
  /** 0, or the errno of the command itself; then there is nothing else. */
  readonly errno: number;
  readonly retval: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
}

/** How a program type is run by the command. */
export interface TestRunModel {
  /** Makes ctx and data; 0, or the errno. */
  begin(env: HookEnv, request: TestRunRequest): number;
  /** After the program: what the command answers. */
  end(env: HookEnv, request: TestRunRequest, r0: number): TestRunAnswer;
}

const NOTHING = new Uint8Array(0);
const PAGE_BYTES = 4096;
/** NET_SKB_PAD and skb_shared_info. */
const SKB_ROOM_BYTES = 64 + 320;

export function refused(errno: number): TestRunAnswer {
  return { errno, retval: 0, data: NOTHING, ctx: NOTHING };
}

/** The context in full length, or the errno: what lies behind it must be 0 (bpf_ctx_init). */
function ctxOf({ ctx = NOTHING }: TestRunRequest, bytes: number): Uint8Array | number {
  if (ctx.length > PAGE_BYTES || ctx.subarray(bytes).some((byte) => byte !== 0)) return errno.E2BIG;
  return concatBytes([ctx.subarray(0, bytes), new Uint8Array(Math.max(0, bytes - ctx.length))]);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  return bytes.subarray(from, to).every((byte) => byte === 0);
}

/** Whether what comes back fits the room that there is, which is as much as was given. */
function fits({ ctx = NOTHING, wantsCtx = true }: TestRunRequest, bytes: number): boolean {
  return !wantsCtx || ctx.length === 0 || ctx.length >= bytes;
}

function returned({ wantsCtx = true }: TestRunRequest, ctx: Uint8Array = NOTHING): Uint8Array {
  return wantsCtx ? ctx : NOTHING;
}

/** @param begins where the data begin for the program; the Ethernet header that it did not see comes back as zeros */
function skbTestRun(begins: 'mac' | 'network'): TestRunModel {
  return {
    begin(env, { data = NOTHING, ctx, flags = 0 }) {
      const { skb, memory, world } = env;
      const usually = skb.begins;
      skb.begins = begins;
      const failed = beginTestRun(skb, data, ctx, flags);
      skb.begins = usually;
      if (failed !== 0) return failed;
      const network = memory.word(cells.skbNetwork);
      const [off, bytes] = skb.protocol === ETH_IPV4 ? [12, 4] : skb.protocol === ETH_IPV6 ? [8, 16] : [0, 0];
      const address = (which: 0 | 1): Uint8Array => memory.read(network + off + bytes * which, bytes);
      putSocket(env, '__sk_buff', world.sockets.makeTestSocket(address(0), address(1)));
      return 0;
    },
    end({ skb }, { ctx, flags = 0, wantsCtx = true }, r0) {
      const { errno: failed, context } = endTestRun(skb, wantsCtx ? ctx : undefined, flags);
      if (failed !== 0) return refused(failed);
      const seen = skb.bytes();
      const behind = new Uint8Array(Math.max(0, (ctx?.length ?? 0) - context.length));
      return {
        errno: 0,
        retval: r0,
        data: begins === 'mac' ? seen : concatBytes([new Uint8Array(ETH_HEADER_BYTES), seen]),
        ctx: wantsCtx ? concatBytes([context.subarray(0, ctx?.length ?? 0), behind]) : NOTHING,
      };
    },
  };
}

const KEYS = CTX_LAYOUTS.bpf_flow_keys.bytes;
const KEYS_FLAGS_OFF = 48;

const flowDissectorTestRun: TestRunModel = {
  begin(env, request) {
    const { data = NOTHING, flags = 0 } = request;
    if (flags !== 0 || data.length < ETH_HEADER_BYTES || data.length > PAGE_BYTES) return errno.EINVAL;
    const ctx = ctxOf(request, KEYS);
    if (typeof ctx === 'number') return ctx;
    if (!isZero(ctx, 0, KEYS_FLAGS_OFF) || !isZero(ctx, KEYS_FLAGS_OFF + 4, KEYS)) return errno.EINVAL;
    env.skb.receive(data);
    beginFlowKeys(env, viewOf(ctx).getUint32(KEYS_FLAGS_OFF, true));
    return 0;
  },
  end({ memory, ctx }, request, r0) {
    if (!fits(request, KEYS)) return refused(errno.ENOSPC);
    const keys = memory.read(flowKeysAt(ctx), KEYS);
    return { errno: 0, retval: r0, data: keys, ctx: returned(request, request.ctx) };
  },
};

const LOOKUP = CTX_LAYOUTS.bpf_sk_lookup.bytes;
const lookupOff = { family: 8, protocol: 12, remotePort: 36, localPort: 60, localEnd: 64 } as const;

const skLookupTestRun: TestRunModel = {
  begin({ memory, ctx: at, bytes }, request) {
    const { data = NOTHING, flags = 0, wantsData = true } = request;
    if (flags !== 0 || data.length > 0 || wantsData) return errno.EINVAL;
    if (request.ctx === undefined || request.ctx.length === 0) return errno.EINVAL;
    const ctx = ctxOf(request, LOOKUP);
    if (typeof ctx === 'number') return ctx;
    const view = viewOf(ctx);
    if (!isZero(ctx, 0, 8) || !isZero(ctx, lookupOff.localEnd, LOOKUP)) return errno.EINVAL;
    if (view.getUint32(lookupOff.localPort, true) > 0xffff) return errno.ERANGE;
    const family = view.getUint16(lookupOff.family, true);
    if (family !== AF_INET && family !== AF_INET6) return errno.EAFNOSUPPORT;
    bytes.receive(NOTHING);
    for (const { name, off, bytes: width, count = 1 } of lookupFields) {
      if (name.endsWith(family === AF_INET ? '_ip6' : '_ip4')) continue;
      memory.write(at + off, ctx.subarray(off, off + width * count));
    }
    memory.setWord(at + lookupOff.family, family);
    memory.setWord(at + lookupOff.protocol, view.getUint16(lookupOff.protocol, true));
    return 0;
  },
  end({ memory, world }, request, r0) {
    const chosen = world.sockets.at(memory.word(cells.chosenSock));
    if (chosen?.reuseport === true && (memory.word(cells.chosenFlags) & SK_LOOKUP_F_NO_REUSEPORT) === 0) {
      return refused(errno.EOPNOTSUPP);
    }
    if (!fits(request, LOOKUP)) return refused(errno.ENOSPC);
    const ctx = request.ctx?.slice() ?? NOTHING;
    if (ctx.length >= 8) viewOf(ctx).setBigUint64(0, BigInt(chosen?.cookie ?? 0), true);
    return { errno: 0, retval: r0, data: NOTHING, ctx: returned(request, ctx) };
  },
};

const SK_LOOKUP_F_NO_REUSEPORT = 2;
const lookupFields: readonly { name: string; off: number; bytes: number; count?: number }[] =
  CTX_LAYOUTS.bpf_sk_lookup.fields;

/** struct nf_hook_state: hook, protocol family, then pointers that nobody may give. */
const HOOK_STATE_BYTES = 48;
const POINTERS_OFF = 8;
const LOCAL_OUT = 3;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;

const netfilterTestRun: TestRunModel = {
  begin(env, request) {
    const { memory, bytes } = env;
    const { data = NOTHING, flags = 0 } = request;
    if (flags !== 0 || data.length < ETH_HEADER_BYTES || data.length > PAGE_BYTES - SKB_ROOM_BYTES) return errno.EINVAL;
    const ctx = ctxOf(request, HOOK_STATE_BYTES);
    if (typeof ctx === 'number') return ctx;
    const isGiven = request.ctx !== undefined && request.ctx.length > 0;
    if (isGiven && !isZero(ctx, POINTERS_OFF, HOOK_STATE_BYTES)) return errno.EINVAL;
    const [hook = 0, family = 0] = isGiven ? ctx : [LOCAL_OUT, AF_INET];
    if (family !== AF_INET && family !== AF_INET6) return errno.EINVAL;
    bytes.receive(data);
    env.hook.fill?.(env, {});
    if (hook === LOCAL_OUT) return data.length < IPV4_BYTES ? errno.EINVAL : 0;
    if (data.length < ETH_HEADER_BYTES + IPV4_BYTES) return errno.EINVAL;
    const protocol = etherProtocol(memory, bytes.data + ETH_HEADER_BYTES - 2, bytes.end);
    if (protocol !== ETH_IPV4 && protocol !== ETH_IPV6) return errno.EPROTO;
    if (protocol === ETH_IPV6 && data.length < ETH_HEADER_BYTES + IPV6_BYTES) return errno.EINVAL;
    return (protocol === ETH_IPV4) === (family === AF_INET) ? 0 : errno.EINVAL;
  },
  end: (_env, _request, r0) => ({ errno: 0, retval: r0, data: NOTHING, ctx: NOTHING }),
};

const MAX_SYSCALL_CTX_BYTES = 0xffff;

const syscallTestRun: TestRunModel = {
  begin(env, { data = NOTHING, ctx = NOTHING, flags = 0, wantsData = true, wantsCtx = true, repeat = 0 }) {
    const asks = data.length > 0 || wantsData || (wantsCtx && ctx.length > 0) || repeat !== 0 || flags !== 0;
    if (asks || ctx.length > MAX_SYSCALL_CTX_BYTES) return errno.EINVAL;
    env.bytes.receive(ctx);
    env.hook.fill?.(env, {});
    return 0;
  },
  end: ({ bytes }, _request, r0) => ({ errno: 0, retval: r0, data: NOTHING, ctx: bytes.bytes() }),
};

const xdpTestRun: TestRunModel = {
  begin: ({ xdp }, { data = NOTHING, ctx, flags }) => beginXdpTestRun(xdp, data, ctx, flags),
  end({ xdp }, { ctx, wantsCtx = true }, r0) {
    const { errno: failed, data, context } = endXdpTestRun(xdp, wantsCtx ? ctx : undefined);
    return failed === 0 ? { errno: 0, retval: r0, data, ctx: context } : refused(failed);
  },
};

const l2 = skbTestRun('mac');
const l3 = skbTestRun('network');

const BY_TYPE: Readonly<Partial<Record<string, TestRunModel>>> = {
  xdp: xdpTestRun,
  sched_cls: l2,
  sched_act: l2,
  socket_filter: l3,
  cgroup_skb: l3,
  lwt_in: l3,
  lwt_out: l3,
  lwt_xmit: l3,
  flow_dissector: flowDissectorTestRun,
  sk_lookup: skLookupTestRun,
  netfilter: netfilterTestRun,
  syscall: syscallTestRun,
};

/** How the command runs the type; undefined where it answers ENOTSUPP. */
export function testRunOf(type: string): TestRunModel | undefined {
  return BY_TYPE[type];
}
