/**
 * Sockets in guest memory: for each the structures that programs read through a pointer, and beside them, out of their
 * reach, how many references a run holds. Record 0 is the socket that BPF_PROG_TEST_RUN gives to its packets. Knows no
 * program type.
 */
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { NO_ACCESS, READ } from '../memory/shadow.js';
import type { Shadow } from '../memory/shadow.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { bswap16 } from '../u64.js';
import { FIRST_NETNS_COOKIE } from './namespaces.js';
import type { Network } from './network.js';
import { AF_INET, AF_INET6, isFullSocket, TCP_STATES } from './sockets.js';
import type { Socket } from './sockets.js';

/** Of one record, a multiple of what its parts are aligned to. */
export const SOCKET_BYTES = 320;

/** Where struct bpf_sock has its fields. */
export const sockOff = {
  boundDevice: 0,
  family: 4,
  type: 8,
  protocol: 12,
  mark: 16,
  priority: 20,
  srcIp4: 24,
  srcIp6: 28,
  srcPort: 44,
  dstPort: 48,
  dstIp4: 52,
  dstIp6: 56,
  state: 72,
  rxQueue: 76,
} as const;

/** u32: references that the run holds. */
const REFS_OFF = 80;
/** u32: bpf_sock_ops_cb_flags. */
const CB_FLAGS_OFF = 84;
/** u32: sk_txhash. */
const TX_HASH_OFF = 88;
/** struct bpf_tcp_sock. */
const TCP_OFF = 128;
/** Numbers of socket options, a word each. */
const OPTIONS_OFF = 240;
const OPTION_SLOTS = 20;

const SOCK_BYTES = CTX_LAYOUTS.bpf_sock.bytes;
const TCP_BYTES = CTX_LAYOUTS.bpf_tcp_sock.bytes;

/** A reference that a run did not give back. */
export interface HeldSocket {
  readonly name: string;
  readonly references: number;
}

export class SocketTable {
  readonly #memory: Memory;
  readonly #base: Ptr;
  readonly #sockets: readonly Socket[];
  readonly #byName: ReadonlyMap<string, Socket>;
  readonly #test: Socket;

  /** @param base room for one record more than the network has sockets */
  constructor(memory: Memory, shadow: Shadow, base: Ptr, network: Network) {
    this.#memory = memory;
    this.#base = base;
    this.#sockets = network.sockets;
    this.#byName = new Map(network.sockets.map((socket) => [socket.name, socket]));
    this.#test = testSocket(network);
    for (const socket of [this.#test, ...network.sockets]) {
      const at = this.ptrOf(socket);
      shadow.mark(at, SOCK_BYTES, READ);
      shadow.mark(at + TCP_OFF, TCP_BYTES, READ);
      // Of a request, or of what is left of a connection, there is only the common part.
      if (!isFullSocket(socket)) shadow.mark(at + sockOff.type, sockOff.srcIp4 - sockOff.type, NO_ACCESS);
      this.#fill(at, socket);
    }
  }

  get all(): readonly Socket[] {
    return this.#sockets;
  }

  named(name: string): Socket | undefined {
    return this.#byName.get(name);
  }

  /** Address of its struct bpf_sock. */
  ptrOf({ index }: Socket): Ptr {
    return this.#base + SOCKET_BYTES * (index + 1);
  }

  /** The socket whose struct bpf_sock or bpf_tcp_sock begins at `ptr`. */
  at(ptr: Ptr): Socket | undefined {
    const by = ptr - this.#base;
    const index = Math.floor(by / SOCKET_BYTES) - 1;
    const inside = by % SOCKET_BYTES;
    if (by < 0 || (inside !== 0 && inside !== TCP_OFF)) return undefined;
    return index === TEST_INDEX ? this.#test : this.#sockets[index];
  }

  /** Address of the struct bpf_tcp_sock of the socket at `ptr`. */
  tcpOf(ptr: Ptr): Ptr {
    return ptr + TCP_OFF;
  }

  /** A field of struct bpf_sock, by `sockOff`. */
  field(ptr: Ptr, off: number): number {
    return this.#memory.word(ptr + off);
  }
  setField(ptr: Ptr, off: number, value: number): void {
    this.#memory.setWord(ptr + off, value);
  }

  cbFlags(ptr: Ptr): number {
    return this.#memory.word(ptr + CB_FLAGS_OFF);
  }
  setCbFlags(ptr: Ptr, flags: number): void {
    this.#memory.setWord(ptr + CB_FLAGS_OFF, flags);
  }

  /** Number of an option that the socket only keeps; `slot` says which. */
  option(ptr: Ptr, slot: number): number {
    return this.#memory.word(ptr + OPTIONS_OFF + 4 * (slot % OPTION_SLOTS));
  }
  setOption(ptr: Ptr, slot: number, value: number): void {
    this.#memory.setWord(ptr + OPTIONS_OFF + 4 * (slot % OPTION_SLOTS), value);
  }

  txHash(ptr: Ptr): number {
    return this.#memory.word(ptr + TX_HASH_OFF);
  }
  setTxHash(ptr: Ptr, hash: number): void {
    this.#memory.setWord(ptr + TX_HASH_OFF, hash);
  }

  /** Takes a reference for the program that runs; 0 stays 0. */
  acquire(ptr: Ptr): Ptr {
    if (ptr !== 0) this.#count(ptr, 1);
    return ptr;
  }

  /** Gives one back; false where the run holds none. */
  release(ptr: Ptr): boolean {
    if (this.#memory.word(ptr + REFS_OFF) === 0) return false;
    this.#count(ptr, -1);
    return true;
  }

  /** References that are still held, before the next run forgets them. */
  held(): readonly HeldSocket[] {
    if (this.#memory.word(cells.socketRefs) === 0) return [];
    return [this.#test, ...this.#sockets].flatMap((socket) => {
      const references = this.#memory.word(this.ptrOf(socket) + REFS_OFF);
      return references === 0 ? [] : [{ name: socket.name, references }];
    });
  }

  /** What an earlier run did not give back is forgotten. */
  forgetHeld(): void {
    if (this.#memory.word(cells.socketRefs) === 0) return;
    for (const socket of [this.#test, ...this.#sockets]) this.#memory.setWord(this.ptrOf(socket) + REFS_OFF, 0);
    this.#memory.setWord(cells.socketRefs, 0);
  }

  /** The socket of a packet that BPF_PROG_TEST_RUN brings: closed, with the packet's addresses. */
  makeTestSocket(source: Uint8Array, destination: Uint8Array): Ptr {
    const at = this.ptrOf(this.#test);
    const family = source.length === 4 ? AF_INET : source.length === 16 ? AF_INET6 : 0;
    const zero = { port: 0 };
    this.#fill(at, { ...this.#test, family, local: { ip: source, ...zero }, remote: { ip: destination, ...zero } });
    return at;
  }

  #count(ptr: Ptr, by: 1 | -1): void {
    this.#memory.setWord(ptr + REFS_OFF, this.#memory.word(ptr + REFS_OFF) + by);
    this.#memory.setWord(cells.socketRefs, this.#memory.word(cells.socketRefs) + by);
  }

  #fill(at: Ptr, socket: Socket): void {
    const memory = this.#memory;
    memory.u8.fill(0, at, at + SOCKET_BYTES);
    memory.setWord(at + sockOff.boundDevice, socket.boundDevice);
    memory.setWord(at + sockOff.family, socket.family);
    memory.setWord(at + sockOff.type, socket.type);
    memory.setWord(at + sockOff.protocol, socket.protocol);
    memory.setWord(at + sockOff.mark, socket.mark);
    memory.setWord(at + sockOff.priority, socket.priority);
    const { local, remote } = socket;
    if (local.ip.length === 4 || local.ip.length === 16) {
      memory.write(at + (local.ip.length === 4 ? sockOff.srcIp4 : sockOff.srcIp6), local.ip);
      memory.write(at + (local.ip.length === 4 ? sockOff.dstIp4 : sockOff.dstIp6), remote.ip);
    }
    memory.setWord(at + sockOff.srcPort, local.port);
    memory.setWord(at + sockOff.dstPort, bswap16(remote.port));
    memory.setWord(at + sockOff.state, socket.state);
    memory.setWord(at + sockOff.rxQueue, socket.rxQueue);
    for (const { name, off, bytes } of CTX_LAYOUTS.bpf_tcp_sock.fields) {
      const value = socket.tcp[name] ?? 0;
      memory.setWord(at + TCP_OFF + off, value);
      if (bytes === 8) memory.setWord(at + TCP_OFF + off + 4, Math.floor(value / 2 ** 32));
    }
  }
}

const TEST_INDEX = -1;

function testSocket({ task }: Network): Socket {
  const none = { ip: new Uint8Array(0), port: 0 };
  return {
    index: TEST_INDEX,
    name: '(of the test run)',
    family: 0,
    type: 0,
    protocol: 0,
    state: TCP_STATES.close,
    local: none,
    remote: none,
    boundDevice: 0,
    mark: 0,
    priority: 0,
    uid: 0,
    cookie: TEST_COOKIE,
    cgroup: task.cgroup,
    netns: FIRST_NETNS_COOKIE,
    v6only: false,
    reuseport: false,
    transparent: false,
    overflowed: false,
    rxQueue: -1,
    listener: undefined,
    tcp: {},
  };
}

/** Linux takes the next free number; any that no socket of a world has by default is as good. */
const TEST_COOKIE = 0x7e57_0000;
