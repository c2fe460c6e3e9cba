/**
 * The deterministic surroundings of a program: clock, random numbers, CPU, effects, the network. What changes lies in
 * cells, so that compiled code reads it with plain loads. Time moves only between packets.
 */
import { cells } from '../memory/cells.js';
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import type { Shadow } from '../memory/shadow.js';
import { Effects } from './effects.js';
import { Network } from './network.js';
import { SocketTable } from './socket-table.js';
import type { WorldSpec } from './world-spec.js';

/** The first bpf_get_prandom_u32 of every replay follows from it. */
export const DEFAULT_SEED = 0x5eed;

export interface WorldOptions {
  readonly seed?: number;
  readonly cpus?: number;
  /** Devices, routes, neighbours, sockets, cgroups; without it a loopback device is all that there is. */
  readonly world?: WorldSpec | undefined;
}

/** Where a world keeps what programs point to. */
export interface WorldMemory {
  readonly memory: Memory;
  readonly shadow: Shadow;
  /** Room for the network's sockets and one more. */
  readonly sockets: Ptr;
}

export class World {
  readonly memory: Memory;
  readonly cpus: number;
  readonly effects = new Effects();
  readonly network: Network;
  readonly sockets: SocketTable;

  /** @throws ConfigError `config-value` where the spec is wrong */
  constructor({ memory, shadow, sockets }: WorldMemory, options: WorldOptions = {}) {
    this.memory = memory;
    this.cpus = options.cpus ?? 1;
    this.network = new Network(options.world);
    this.sockets = new SocketTable(memory, shadow, sockets, this.network);
    memory.setWord(cells.random, options.seed ?? DEFAULT_SEED);
    memory.setWord(cells.cpu, 0);
  }

  /** Sets what bpf_ktime_get_ns answers: nanoseconds as a u64 in two words. */
  setClock(lo: number, hi: number): void {
    this.memory.setWord(cells.clock, lo);
    this.memory.setWord(cells.clock + 4, hi);
  }

  /** Puts the next run on a CPU. */
  setCpu(cpu: number): void {
    this.memory.setWord(cells.cpu, cpu % this.cpus);
  }
}

/** Steps the random state and returns a u32 (as int32). Counter plus finaliser: each state is reached once in 2^32. */
export function nextRandom(memory: Memory): number {
  const state = (memory.word(cells.random) + 0x9e3779b9) | 0;
  memory.setWord(cells.random, state);
  let z = state ^ (state >>> 16);
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return z ^ (z >>> 15);
}
