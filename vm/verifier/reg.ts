/**
 * The state of a register or of a spilled one: what kind of thing it holds and what is known of it. Immutable by
 * convention: whoever changes one makes a copy first, so states share registers freely. Knows no instructions.
 */
import { type Bounds, UNKNOWN_BOUNDS, ZERO_BOUNDS, constBounds } from './bounds.js';
import type { VerifierMap } from './program.js';

/** Kinds, without modifiers. */
export const NOT_INIT = 0;
export const SCALAR = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_BUF = 18;
export const PTR_TO_FUNC = 19;
export const CONST_PTR_TO_DYNPTR = 20;

const BASE_MASK = 0xff;
/** Modifiers. */
export const MAYBE_NULL = 1 << 8;
export const RDONLY = 1 << 9;
export const RINGBUF = 1 << 10;
export const USER = 1 << 11;
export const PERCPU = 1 << 12;
export const UNTRUSTED = 1 << 13;
export const TRUSTED = 1 << 14;
export const RCU = 1 << 15;
export const ALLOC = 1 << 16;
export const NON_OWN_REF = 1 << 17;
/** A slice of such a dynptr. */
export const DYNPTR_SKB = 1 << 18;
export const DYNPTR_XDP = 1 << 19;
export const DYNPTR_SKB_META = 1 << 20;
export const DYNPTR_LOCAL = 1 << 21;
export const DYNPTR_RINGBUF = 1 << 22;
/** It is gone once the packet moves. */
export const DYNPTR_PACKET_FLAGS = DYNPTR_SKB | DYNPTR_XDP | DYNPTR_SKB_META;
export const DYNPTR_FLAGS = DYNPTR_PACKET_FLAGS | DYNPTR_LOCAL | DYNPTR_RINGBUF;

/** In `Reg.id` of a scalar: it is the one of that id plus the constant `Reg.off`, added as 64 or as 32 bits. */
export const ADD_CONST64 = 1 << 30;
export const ADD_CONST32 = 1 << 29;
export const ADD_CONST = ADD_CONST64 | ADD_CONST32;

export type RegType = number;

/** The type without its modifiers. */
export function baseType(type: RegType): number {
  return type & BASE_MASK;
}

/** Values of `Reg.range` that are no lengths: the pointer is at the packet's end, or behind it. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

/** `Reg.dynptr` of a dynptr's slot or of a pointer to one that is only read. */
export interface DynptrFact {
  readonly type: 'local' | 'ringbuf' | 'skb' | 'xdp' | 'skb_meta';
  readonly firstSlot: boolean;
}

/** `Reg.iter` of an iterator's slot. */
export interface IterFact {
  /** Name behind `bpf_iter_`. */
  readonly name: string;
  readonly state: 'active' | 'drained';
  /** Iterations so far: keeps the search for endless loops away. */
  readonly depth: number;
}

export class Reg {
  type: RegType;
  /** Fixed offset of a pointer; of a linked scalar its distance. */
  off = 0;
  /** Ties registers together that came from one value, 0 for none. */
  id = 0;
  /** The reference that it carries, 0 for none. */
  refId = 0;
  /** Scalars: the value. Pointers: the variable offset. */
  bounds: Bounds;
  /** Packet pointers: bytes that are known to be readable. */
  range = 0;
  /** PTR_TO_MEM: bytes. */
  memBytes = 0;
  /** PTR_TO_STACK: whose. */
  frame = 0;
  /** PTR_TO_FUNC: which. */
  subprog = 0;
  map: VerifierMap | undefined = undefined;
  /** Tells inner maps of different lookups apart. */
  mapUid = 0;
  /** PTR_TO_BTF_ID: name of the kernel's structure. */
  struct = '';
  dynptr: DynptrFact | undefined = undefined;
  /** A slice's dynptr. */
  dynptrId = 0;
  iter: IterFact | undefined = undefined;

  constructor(type: RegType, bounds: Bounds) {
    this.type = type;
    this.bounds = bounds;
  }

  copy(): Reg {
    const reg = new Reg(this.type, this.bounds);
    reg.off = this.off;
    reg.id = this.id;
    reg.refId = this.refId;
    reg.range = this.range;
    reg.memBytes = this.memBytes;
    reg.frame = this.frame;
    reg.subprog = this.subprog;
    reg.map = this.map;
    reg.mapUid = this.mapUid;
    reg.struct = this.struct;
    reg.dynptr = this.dynptr;
    reg.dynptrId = this.dynptrId;
    reg.iter = this.iter;
    return reg;
  }

  withId(id: number): Reg {
    if (this.id === id) return this;
    const reg = this.copy();
    reg.id = id;
    return reg;
  }

  withBounds(bounds: Bounds): Reg {
    const reg = this.copy();
    reg.bounds = bounds;
    return reg;
  }

  /** Known to be the number 0. */
  get isNull(): boolean {
    return this.type === SCALAR && this.bounds.isZero;
  }

  /** Everything but the ids is the same. */
  sameBesidesIds(other: Reg): boolean {
    return this === other || (this.sameKind(other) && this.bounds.equals(other.bounds));
  }

  /** Type, fixed offset and what they point to are the same. */
  sameKind(other: Reg): boolean {
    return (
      this.type === other.type &&
      this.off === other.off &&
      this.range === other.range &&
      this.memBytes === other.memBytes &&
      this.subprog === other.subprog &&
      this.map === other.map &&
      this.mapUid === other.mapUid &&
      this.struct === other.struct &&
      this.dynptrId === other.dynptrId &&
      this.dynptr?.type === other.dynptr?.type &&
      this.dynptr?.firstSlot === other.dynptr?.firstSlot
    );
  }
}

export const NOT_INIT_REG = new Reg(NOT_INIT, UNKNOWN_BOUNDS);
export const UNKNOWN_REG = new Reg(SCALAR, UNKNOWN_BOUNDS);
export const ZERO_REG = new Reg(SCALAR, ZERO_BOUNDS);
export const CTX_REG = new Reg(PTR_TO_CTX, ZERO_BOUNDS);

export function scalarReg(bounds: Bounds): Reg {
  return new Reg(SCALAR, bounds);
}

export function constReg(lo: number, hi: number): Reg {
  return new Reg(SCALAR, constBounds(lo, hi));
}

/** A pointer without any offset. */
export function pointerReg(type: RegType): Reg {
  return new Reg(type, ZERO_BOUNDS);
}

export function stackReg(frame: number): Reg {
  const reg = new Reg(PTR_TO_STACK, ZERO_BOUNDS);
  reg.frame = frame;
  return reg;
}

export function isPacketPointer(type: RegType): boolean {
  return type === PTR_TO_PACKET || type === PTR_TO_PACKET_META;
}

/** The packet's end included. */
export function isAnyPacketPointer(type: RegType): boolean {
  return isPacketPointer(type) || type === PTR_TO_PACKET_END;
}

export function isSockPointer(type: RegType): boolean {
  return type === PTR_TO_SOCKET || type === PTR_TO_SOCK_COMMON || type === PTR_TO_TCP_SOCK || type === PTR_TO_XDP_SOCK;
}

const BASE_WORDS: readonly string[] = [
  '?',
  'scalar',
  'ctx',
  'map_ptr',
  'map_value',
  'map_key',
  'fp',
  'pkt_meta',
  'pkt',
  'pkt_end',
  'flow_keys',
  'sock',
  'sock_common',
  'tcp_sock',
  'tp_buffer',
  'xdp_sock',
  'ptr_',
  'mem',
  'buf',
  'func',
  'dynptr_ptr',
];

const FLAG_WORDS: readonly (readonly [flag: number, word: string])[] = [
  [RDONLY, 'rdonly_'],
  [RINGBUF, 'ringbuf_'],
  [USER, 'user_'],
  [PERCPU, 'percpu_'],
  [RCU, 'rcu_'],
  [UNTRUSTED, 'untrusted_'],
  [TRUSTED, 'trusted_'],
];

/** As the log writes a type: `map_value_or_null`. */
export function typeText(type: RegType): string {
  const base = baseType(type);
  const prefix = FLAG_WORDS.map(([flag, word]) => ((type & flag) === 0 ? '' : word)).join('');
  const suffix = (type & MAYBE_NULL) === 0 ? '' : base === PTR_TO_BTF_ID ? 'or_null_' : '_or_null';
  return `${prefix}${BASE_WORDS[base] ?? '?'}${suffix}`;
}
