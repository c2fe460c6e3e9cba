/**
 * Fixed addresses of the run state, in a part of memory that no guest may touch. Both engines and every helper read
 * and write state here, so that compiled code can use plain loads and a checkpoint is a copy of pages.
 */
import type { Ptr } from '../addr.js';

/** Addresses below this are never valid: they catch NULL and small offsets from it. */
export const NULL_PAGE_BYTES = 4096;

const CELLS_BASE: Ptr = NULL_PAGE_BYTES;

/** Two-word cells are low word first, 8-byte aligned. */
export const cells = {
  /** u64: r0 at exit. */
  r0: CELLS_BASE,
  /** u64: instructions executed in this run. */
  insns: CELLS_BASE + 8,
  /** u64: instructions that a run may execute. */
  fuel: CELLS_BASE + 16,
  /** u32: high word of a helper's u64 result. */
  retHi: CELLS_BASE + 24,
  /** u32: trap code (0: none), then function index and decoded instruction index of the faulting instruction. */
  trapCode: CELLS_BASE + 32,
  trapFunc: CELLS_BASE + 36,
  trapInsn: CELLS_BASE + 40,
  /** Two words of detail; their meaning depends on the code (an address and its high word, a helper id, a map). */
  trapA: CELLS_BASE + 44,
  trapB: CELLS_BASE + 48,
  /** u32: bytes of the access; bit 31 set for a write. */
  trapAccess: CELLS_BASE + 52,
  /** u64 nanoseconds: what bpf_ktime_get_ns answers. */
  clock: CELLS_BASE + 56,
  /** u32 state of the random generator. */
  random: CELLS_BASE + 64,
  /** u32: the CPU that the program runs on. */
  cpu: CELLS_BASE + 68,
  /** u32: tail calls done in this run. */
  tailCalls: CELLS_BASE + 72,
  /** u32: frames in use, 1 for the main program. */
  depth: CELLS_BASE + 76,
  /** Packet geometry, u32 pointers: start of the buffer, data_meta, data, data_end, end of the room for data. */
  packetStart: CELLS_BASE + 80,
  packetMeta: CELLS_BASE + 84,
  packetData: CELLS_BASE + 88,
  packetEnd: CELLS_BASE + 92,
  packetLimit: CELLS_BASE + 96,
  /** u32: index of the ring slot that holds the packet. */
  packetSlot: CELLS_BASE + 100,
  /** u32: packet number of the replay, from 0. */
  packetIndex: CELLS_BASE + 104,
  /** Redirect target: kind (0 none, 1 ifindex, 2 map entry), ifindex or key, the map's descriptor, flags. */
  redirectKind: CELLS_BASE + 112,
  redirectTarget: CELLS_BASE + 116,
  redirectMap: CELLS_BASE + 120,
  redirectFlags: CELLS_BASE + 124,
  /** u32: rounds that may_goto has granted in this run. */
  mayGoto: CELLS_BASE + 128,
  /** Where a paused interpreter goes on: offset in its code. Compiled code: 1 + the number of the place where it may stop. */
  resume: CELLS_BASE + 132,
  /** u32: 1 + the function that a tail call leads to, where compiled code cannot go there itself. */
  tailTarget: CELLS_BASE + 504,
  /** u32 pointer: the lowest byte that has been packet or metadata since this packet came. */
  packetLow: CELLS_BASE + 136,
  /** What a socket buffer knows beside its bounds. u32 pointers: its MAC, network and transport header (0: not set). */
  skbMac: CELLS_BASE + 144,
  skbNetwork: CELLS_BASE + 148,
  skbTransport: CELLS_BASE + 152,
  /** u32: protocol and vlan_proto in network order as the ctx shows them, vlan_tci, pkt_type. */
  skbProtocol: CELLS_BASE + 156,
  skbVlanProto: CELLS_BASE + 160,
  skbVlanTci: CELLS_BASE + 164,
  skbType: CELLS_BASE + 168,
  /** u32: flow hash, and whether it is valid. */
  skbHash: CELLS_BASE + 172,
  skbHasHash: CELLS_BASE + 176,
  /** u32: checksum state (ip_summed), its level where it is UNNECESSARY, its sum where it is COMPLETE. */
  skbSummed: CELLS_BASE + 180,
  skbCsumLevel: CELLS_BASE + 184,
  skbCsum: CELLS_BASE + 188,
  /** u32: whether bpf_skb_adjust_room has encapsulated the packet. */
  skbEncapsulated: CELLS_BASE + 192,
  /** u32: a bit for each word of the ctx where a store does more than hold bits. */
  ctxSpecial: CELLS_BASE + 196,
  /** u32: first word of the map entry that is redirected to (ifindex of a device, queue size of a CPU). */
  redirectValue: CELLS_BASE + 256,
  /** struct bpf_redir_neigh, 20 bytes: family, then the next hop. */
  redirectNexthop: CELLS_BASE + 260,
  /** u32: bytes of the packet in fragments, which lie behind its end. */
  packetFragments: CELLS_BASE + 632,
  /** u32: what its segments are (`GSO_...` in sk-buff). */
  skbGsoType: CELLS_BASE + 636,
  /** Tunnel that a socket buffer goes through: 0 none, 1 IPv4, 2 IPv6; flags; struct bpf_tunnel_key; bytes of options, and they. */
  tunnelMode: CELLS_BASE + 640,
  tunnelFlags: CELLS_BASE + 644,
  tunnelKey: CELLS_BASE + 648,
  tunnelOptionBytes: CELLS_BASE + 692,
  tunnelOptions: CELLS_BASE + 696,
  /** u32 pointer: the socket that the ctx is about (of the packet, of the call); 0 where there is none. */
  contextSock: CELLS_BASE + 400,
  /** u32 pointer: the socket that the program chose (bpf_sk_assign, bpf_sk_select_reuseport, bpf_sk_redirect_map). */
  chosenSock: CELLS_BASE + 404,
  /** u32: references to sockets that the run holds. */
  socketRefs: CELLS_BASE + 408,
  /** i32: what bpf_get_retval says. */
  retval: CELLS_BASE + 412,
  /** u32: bytes of bpf_msg_apply_bytes and bpf_msg_cork_bytes. */
  msgApply: CELLS_BASE + 416,
  msgCork: CELLS_BASE + 420,
  /** u32: flags of the choice (BPF_F_INGRESS, BPF_SK_LOOKUP_F_...). */
  chosenFlags: CELLS_BASE + 424,
  /** u32: whether the packet comes in, as sockets can only be assigned then. */
  skbAtIngress: CELLS_BASE + 428,
  /** u32: index of the cgroup that the program is attached to. */
  attachedCgroup: CELLS_BASE + 448,
  /** u32: bytes that bpf_reserve_hdr_opt has taken. */
  hdrOptBytes: CELLS_BASE + 452,
  /** 14 bytes: the Ethernet header that a program behind it does not see. */
  skbHiddenMac: CELLS_BASE + 432,
} as const satisfies Record<string, Ptr>;

/** r0-r10 of the interpreter, 8 bytes each. */
export const REGS_BASE = CELLS_BASE + 512;

/** Frames that a call chain may have, the main program's included (MAX_CALL_FRAMES). */
export const MAX_FRAMES = 8;

/**
 * Frame records, one a call depth: what the caller needs back and, for a callback, the state of the iterator that
 * drives it. 256 bytes each.
 */
export const FRAMES_BASE = CELLS_BASE + 1024;
export const FRAME_BYTES = 256;
export const frame = {
  /** i32: decoded pc to return to. */
  returnTo: 0,
  /** u32: 0 a call, else 1 + index of the callback helper's call site. */
  kind: 4,
  /** r6-r9, 8 bytes each. */
  saved: 8,
  /** i32: where a callback begins, for its next round. */
  callback: 40,
  /** The iterator's block (see `iter`). */
  iter: 64,
} as const;

/** An iterator's block: r1-r5 for the next call of the callback, its result, and the helper's own state. */
export const iter = {
  /** Five u64. */
  args: 0,
  /** u64: r0 of the helper once it is done. */
  result: 40,
  /** Sixteen u32 words. */
  state: 48,
} as const;

/** First address past the cells. */
export const CELLS_END = FRAMES_BASE + MAX_FRAMES * FRAME_BYTES;
