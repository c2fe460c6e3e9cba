/**
 * Maglev's consistent hashing (Eisenbud et al., NSDI 2016, §3.4): a table of slots shared out among backends, evenly,
 * and so that little changes hands when a backend comes or goes. Pure; knows nothing of services, packets or maps.
 */
import { ConfigError } from '../../vm/index.js';

export interface MaglevBackend {
  /** Decides which slots the backend wants. Whoever makes a table for the same names makes the same table. */
  readonly name: string;
  /** Share of the slots, relative to the others'; an integer, 0 for none. */
  readonly weight: number;
}

/** Keeps the number of rounds in bounds: the lightest backend waits at most that long for its turn. */
export const MAX_WEIGHT = 65_535;

/** In a slot that belongs to nobody: no backend has a weight. */
export const NOBODY = -1;

/**
 * Shares out `slots` slots.
 *
 * Each backend has an order of its own in which it wants the slots: it starts somewhere and goes on in strides. Because
 * `slots` is a prime, each stride meets every slot. The backends take turns, and each takes the first slot in its
 * order that is still free; with weights, the heaviest has a turn in each round and the others in some.
 *
 * @returns for each slot, the index of its backend in `backends`, or `NOBODY`; the order of `backends` does not matter
 * @throws ConfigError `config-value`: `slots` is no prime, a name comes twice, a weight is none, more backends than slots
 */
export function fillRing(backends: readonly MaglevBackend[], slots: number): Int32Array {
  check(backends, slots);
  const ring = new Int32Array(slots).fill(NOBODY);
  const takers = backends
    .map(({ name, weight }, index) => ({ name, weight, index }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((taker) => ({
      ...taker,
      next: hash(taker.name, 0x2545f491) % slots,
      stride: 1 + (hash(taker.name, 0x9e3779b1) % (slots - 1)),
      credit: 0,
    }));
  const heaviest = Math.max(0, ...takers.map(({ weight }) => weight));

  let free = takers.length === 0 ? 0 : slots;
  while (free > 0) {
    for (const taker of takers) {
      taker.credit += taker.weight;
      if (taker.credit < heaviest) continue;
      taker.credit -= heaviest;
      let { next } = taker;
      while (ring[next] !== NOBODY) {
        next += taker.stride;
        if (next >= slots) next -= slots;
      }
      ring[next] = taker.index;
      taker.next = next;
      if (--free === 0) break;
    }
  }
  return ring;
}

function check(backends: readonly MaglevBackend[], slots: number): void {
  if (!isPrime(slots)) {
    throw new ConfigError('config-value', `a ring of ${slots} slots: the number must be a prime`, { data: { slots } });
  }
  if (backends.length > slots) {
    throw new ConfigError('config-value', `${backends.length} backends do not fit into a ring of ${slots} slots`, {
      data: { slots, backends: backends.length },
    });
  }
  const names = new Set<string>();
  for (const { name, weight } of backends) {
    if (!Number.isSafeInteger(weight) || weight < 0 || weight > MAX_WEIGHT) {
      throw new ConfigError('config-value', `backend ${name}: the weight must be an integer from 0 to ${MAX_WEIGHT}`, {
        data: { name, weight },
      });
    }
    if (names.has(name)) {
      throw new ConfigError('config-value', `backend ${name} comes twice`, { data: { name } });
    }
    names.add(name);
  }
}

function isPrime(value: number): boolean {
  if (!Number.isSafeInteger(value) || value < 2 || value > 0xffff_ffff) return false;
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}

/** 32 bits of a text's UTF-16 code units. The seed makes independent functions of it. */
function hash(text: string, seed: number): number {
  let state = seed;
  for (let i = 0; i < text.length; i++) state = mix(state ^ text.charCodeAt(i));
  return mix(state ^ text.length) >>> 0;
}

/** A bijection of 32 bits in which each bit of the input moves half of the output's. */
function mix(word: number): number {
  let state = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  return state ^ (state >>> 16);
}
