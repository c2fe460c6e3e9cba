/**
 * The deterministic surroundings of a program: clock, random numbers, CPU, effects, the network. What changes lies in
 * cells, so that compiled code reads it with plain loads. Time moves only between packets.
 */
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { Effects } from './effects.js';
import { Network } from './network.js';
import type { WorldSpec } from './world-spec.js';

/** The first bpf_get_prandom_u32 of every replay follows from it. */
export const DEFAULT_SEED = 0x5eed;

export interface WorldOptions {
  readonly seed?: number;
  readonly cpus?: number;
  /** Devices, routes, neighbours; without it a loopback device is all that there is. */
  readonly world?: WorldSpec | undefined;
}

export class World {
  readonly memory: Memory;
  readonly cpus: number;
  readonly effects = new Effects();
  readonly network: Network;

  constructor(memory: Memory, options: WorldOptions = {}) {
    this.memory = memory;
    this.cpus = options.cpus ?? 1;
    this.network = new Network(options.world);
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
