/**
 * What each helper takes and gives, in the verifier's kinds, as the helpers' public descriptions have it and Linux 6.18
 * enforces it. Data only; a helper that is not listed is one that the verifier does not know.
 */
import { mayCall } from '../spec/rights.js';
import type { Env } from './env.js';

/**
 * - `any`: a number (or, with CAP_PERFMON, anything)
 * - `ctx`, `ctx?`: the context, or NULL
 * - `map`; `key`, `val`: readable memory of that map's sizes; `val?`; `uval`: memory of a value's size that is filled
 * - `mem`, `mem?`: readable memory whose length follows; `umem`, `umem?`: memory that is filled; `wmem`: read and written
 * - `in20`, `in40`: so many readable bytes; `out4`, `out8`: so many aligned bytes that are filled; `io4`: read, too
 * - `size`, `size0`: the length, at least 1 or 0; `alloc`: a constant length
 * - `str`: a constant string; `func`: a callback; `stack?`: a stack pointer or NULL
 * - `sk`: any socket; `skc`: any socket but the kernel's own type; `fullsock`, `fullsock?`: a full one
 * - `release-sk`, `release-mem`: the reference is given back
 * - `lock`, `timer`: the object in a map's value
 * - `dynptr`; `new-local`, `new-ringbuf`: a dynptr that is made; `release-dynptr`
 */
export type ArgKind =
  | 'any'
  | 'ctx'
  | 'ctx?'
  | 'map'
  | 'key'
  | 'val'
  | 'val?'
  | 'uval'
  | 'mem'
  | 'mem?'
  | 'umem'
  | 'umem?'
  | 'wmem'
  | 'in20'
  | 'in40'
  | 'out8'
  | 'io4'
  | 'size'
  | 'size0'
  | 'alloc'
  | 'str'
  | 'func'
  | 'stack?'
  | 'sk'
  | 'skc'
  | 'fullsock'
  | 'fullsock?'
  | 'release-sk'
  | 'release-mem'
  | 'lock'
  | 'timer'
  | 'dynptr'
  | 'new-local'
  | 'new-ringbuf'
  | 'release-dynptr';

export type RetKind =
  | 'int'
  | 'void'
  | 'mapval?'
  | 'mapval'
  | 'sock?'
  | 'sock_common?'
  | 'tcp_sock?'
  /** Memory of the `alloc` argument's size. */
  | 'ringbuf_mem?'
  /** The kernel's own socket: see `kernelSockOf`. */
  | 'kernel_sock?'
  /** The same of the dynptr among the arguments. */
  | 'dynptr_mem?';

export interface HelperProto {
  readonly args: readonly ArgKind[];
  readonly ret: RetKind;
  /** Arguments may point into the packet. */
  readonly packet: boolean;
}

function proto(args: string, ret: RetKind = 'int', packet = false): HelperProto {
  return { args: (args === '' ? [] : args.split(' ')) as ArgKind[], ret, packet };
}

const LOOKUP = proto('ctx mem size any any', 'sock?', true);

const PROTOS: Readonly<Record<number, HelperProto>> = {
  1: proto('map key', 'mapval?', true),
  2: proto('map key val any', 'int', true),
  3: proto('map key', 'int', true),
  4: proto('umem size0 any'),
  5: proto(''),
  6: proto('mem size'),
  7: proto(''),
  8: proto(''),
  9: proto('ctx any mem size any'),
  10: proto('ctx any any any any'),
  11: proto('ctx any any any any'),
  12: proto('ctx map any', 'void'),
  13: proto('ctx any any'),
  14: proto(''),
  15: proto(''),
  16: proto('umem size'),
  17: proto('ctx'),
  18: proto('ctx any any'),
  19: proto('ctx'),
  20: proto('ctx umem size any'),
  21: proto('ctx mem size any'),
  22: proto('map any'),
  23: proto('any any'),
  24: proto('ctx'),
  25: proto('ctx map any mem size0'),
  26: proto('ctx any umem size'),
  27: proto('ctx map any'),
  28: proto('mem? size0 mem? size0 any', 'int', true),
  29: proto('ctx umem size'),
  30: proto('ctx mem size'),
  31: proto('ctx any any'),
  32: proto('ctx any'),
  33: proto('ctx map any'),
  34: proto('ctx'),
  35: proto(''),
  37: proto('map any'),
  38: proto('ctx any any'),
  39: proto('ctx any'),
  40: proto('ctx any'),
  41: proto('ctx'),
  42: proto(''),
  43: proto('ctx any any'),
  44: proto('ctx any'),
  45: proto('umem size0 any'),
  46: proto('ctx'),
  47: proto('ctx'),
  48: proto('ctx any'),
  49: proto('ctx any any mem size'),
  50: proto('ctx any any any'),
  51: proto('map any any'),
  52: proto('ctx map any any'),
  53: proto('ctx map key any', 'int', true),
  54: proto('ctx any'),
  55: proto('map any umem size'),
  56: proto('ctx umem size'),
  57: proto('ctx any any umem size'),
  59: proto('ctx any'),
  60: proto('ctx map any any'),
  61: proto('ctx any'),
  62: proto('ctx any'),
  63: proto('ctx any any any'),
  64: proto('ctx mem size'),
  65: proto('ctx any'),
  66: proto('ctx any umem size any'),
  67: proto('ctx umem size0 any'),
  68: proto('ctx any umem size any'),
  69: proto('ctx wmem size any', 'int', true),
  70: proto('ctx map key any', 'int', true),
  71: proto('ctx map key any'),
  72: proto('ctx map key any'),
  73: proto('ctx any mem size'),
  74: proto('ctx any mem size'),
  75: proto('ctx any any'),
  76: proto('ctx any mem size'),
  79: proto('ctx'),
  80: proto(''),
  81: proto('map any', 'mapval'),
  82: proto('ctx map key any'),
  83: proto('ctx any'),
  84: LOOKUP,
  85: LOOKUP,
  86: proto('release-sk'),
  87: proto('map val any', 'int', true),
  88: proto('map uval'),
  89: proto('map uval'),
  90: proto('ctx any any any'),
  91: proto('ctx any any any'),
  93: proto('lock', 'void'),
  94: proto('lock', 'void'),
  95: proto('skc', 'sock?'),
  96: proto('skc', 'tcp_sock?'),
  97: proto('ctx'),
  98: proto('skc', 'sock?'),
  99: { ...LOOKUP, ret: 'sock_common?' },
  100: proto('sk mem size mem size', 'int', true),
  101: proto('ctx umem size any'),
  102: proto('ctx umem size'),
  103: proto('ctx umem size'),
  104: proto('ctx mem size'),
  105: proto('mem size any out8'),
  106: proto('mem size any out8'),
  107: proto('map sk val? any', 'mapval?'),
  108: proto('map sk'),
  109: proto('any'),
  110: proto('sk mem size mem size', 'int', true),
  112: proto('umem size0 any'),
  113: proto('umem size0 any'),
  114: proto('umem size0 any'),
  115: proto('umem size0 any'),
  117: proto('any'),
  118: proto(''),
  120: proto('any any umem size'),
  122: proto('ctx?'),
  123: proto('any'),
  124: proto('ctx sk any'),
  125: proto(''),
  128: proto('sk'),
  129: proto('sk any'),
  130: proto('map mem size0 any'),
  131: proto('map alloc any', 'ringbuf_mem?'),
  132: proto('release-mem any', 'void'),
  133: proto('release-mem any', 'void'),
  134: proto('map any'),
  135: proto('ctx any'),
  136: proto('sk', 'kernel_sock?'),
  137: proto('sk', 'kernel_sock?'),
  138: proto('sk', 'kernel_sock?'),
  139: proto('sk', 'kernel_sock?'),
  140: proto('sk', 'kernel_sock?'),
  142: proto('ctx wmem size any'),
  143: proto('ctx mem size any'),
  144: proto('ctx any any'),
  151: proto('ctx'),
  152: proto('any mem? size0 any'),
  155: proto('any any'),
  160: proto(''),
  163: proto('ctx any io4 any any', 'int', true),
  164: proto('map func stack? any'),
  165: proto('umem? size0 str mem? size0'),
  169: proto('timer map any'),
  170: proto('timer func'),
  171: proto('timer any any'),
  172: proto('timer'),
  174: proto('ctx'),
  177: proto('mem size mem? size0'),
  178: proto('sk', 'kernel_sock?'),
  181: proto('any func stack? any'),
  182: proto('mem size str'),
  186: proto(''),
  187: proto('any'),
  188: proto('ctx'),
  189: proto('ctx any umem size'),
  190: proto('ctx any mem size'),
  192: proto('ctx any any'),
  195: proto('map key any', 'mapval?', true),
  196: proto('sk', 'kernel_sock?'),
  197: proto('umem size0 any new-local'),
  198: proto('map any any new-ringbuf'),
  199: proto('release-dynptr any', 'void'),
  200: proto('release-dynptr any', 'void'),
  201: proto('umem size0 dynptr any any'),
  202: proto('dynptr any mem size0 any'),
  203: proto('dynptr any alloc', 'dynptr_mem?'),
  204: proto('in20 mem size0', 'int', true),
  205: proto('in40 mem size0', 'int', true),
  206: proto('in20 in20', 'int', true),
  207: proto('in40 in20', 'int', true),
  208: proto(''),
};

const KERNEL_SOCKS: Readonly<Record<number, string>> = {
  136: 'tcp6_sock',
  137: 'tcp_sock',
  138: 'tcp_timewait_sock',
  139: 'tcp_request_sock',
  140: 'udp6_sock',
  178: 'unix_sock',
  196: 'mptcp_sock',
};

/** Name of the kernel's structure that a helper casts a socket to; undefined for other helpers. */
export function kernelSockOf(id: number): string | undefined {
  return KERNEL_SOCKS[id];
}

const SOCK_STRUCTS: ReadonlySet<string> = new Set([...Object.values(KERNEL_SOCKS), 'sock', 'sock_common']);

/** Whether the kernel's structure begins with what all its sockets have in common. */
export function isKernelSock(struct: string): boolean {
  return SOCK_STRUCTS.has(struct);
}

const SK_ASSIGN = 124;
const SK_ASSIGN_IN_LOOKUP = proto('ctx fullsock? any');

/** Whether the program may call the helper; undefined where that was not recorded. */
export function mayCallHelper(env: Env, id: number): boolean | undefined {
  const { type, attachType } = env.program;
  return mayCall(type, id, attachType) ?? mayCall(type, id);
}

/** The prototype of a helper that the program may call; undefined where it may not, or it is not known. */
export function protoOf(env: Env, id: number): HelperProto | undefined {
  if (mayCallHelper(env, id) !== true) return undefined;
  if (id === SK_ASSIGN && env.program.type === 'sk_lookup') return SK_ASSIGN_IN_LOOKUP;
  return PROTOS[id];
}
