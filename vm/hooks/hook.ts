/**
 * What skep must know of a program type to run it: its ctx, the data behind it, and what r0 means. One file a type implements
 * it; at an attach point it becomes a `Hook`.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import type { Shadow } from '../memory/shadow.js';
import type { ByteBuff, DataPointers } from '../packet/byte-buff.js';
import type { SkBuff } from '../packet/sk-buff.js';
import type { XdpBuff } from '../packet/xdp-buff.js';
import type { CtxName } from '../spec/ctx.js';
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';
import type { World } from '../world/world.js';
import type { CtxValues } from './ctx-values.js';

export type ByteRange = readonly [off: number, bytes: number];

/** A program type. */
export interface HookKind {
  readonly type: ProgTypeName;
  /** What its data are to the kernel; `bytes` where the ctx is no packet's. */
  readonly packet: 'xdp' | 'skb' | 'bytes';
  /** Where the data of a frame begin for the program; `payload`: it is given no frame but the data themselves. */
  readonly begins: Begins;
  /** Undefined where the ctx has no fixed layout. */
  readonly ctx?: CtxName;
  /** 64-bit pointers of the ctx to the data; `packet: 'bytes'` only. */
  readonly data?: DataPointers;
  /** The verdict of a run that trapped: what Linux does where the program failed. */
  readonly trapVerdict: number;
  /**
   * Fills the ctx of an event, after the data have been put there.
   * @throws ConfigError `config-value` where the input does not fit the hook
   */
  fill?(env: HookEnv, input: HookInput): void;
  /** Takes over what the program left in the ctx. */
  settle?(env: HookEnv): void;
}

export type Begins = 'mac' | 'network' | 'payload';

/** A program type at an attach point. */
export interface Hook extends HookKind {
  readonly attach: AttachTypeName | undefined;
  readonly ctxBytes: number;
  /** Byte ranges of the ctx that programs may read, and those they may write with nothing more to it. */
  readonly readable: readonly ByteRange[];
  readonly writable: readonly ByteRange[];
  /** Fields where a store does more, or less, than a plain store. No byte of them is in `writable`. */
  readonly special: readonly SpecialField[];
}

/** A field that takes 4-byte stores and keeps the low 16 bits. */
export interface SpecialField {
  readonly off: number;
  /** Values from 0xffff on are ignored. */
  readonly ignoresFromFfff: boolean;
}

/** What a hook may use to fill its ctx. */
export interface HookEnv {
  readonly hook: Hook;
  readonly memory: Memory;
  readonly shadow: Shadow;
  readonly ctx: Ptr;
  /** Of the ctx and what lies behind it. */
  readonly ctxRoomBytes: number;
  readonly xdp: XdpBuff;
  readonly skb: SkBuff;
  readonly bytes: ByteBuff;
  readonly world: World;
}

/** What an event brings beside its data. */
export interface HookInput {
  /** Name of the socket in the world that it is about. */
  readonly sk?: string;
  /** Name of the socket that is to take over (`sk_reuseport` at migration). */
  readonly migrating?: string;
  /** Fields of the ctx by their C names, as the program will see them. */
  readonly ctx?: CtxValues;
  /** What bpf_get_retval says first. */
  readonly retval?: number;
  /** Path of the cgroup that the program is attached to; default `/`. */
  readonly cgroup?: string;
}
