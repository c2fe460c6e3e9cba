/**
 * `lpm_trie`: values by prefix, found by the longest that matches. A binary trie in linear memory: a node is an entry or
 * only a fork; a child's prefix is always longer than its parent's, which bounds every walk. Nodes are numbered from 1.
 * Keys are a u32 prefix length and the address, most significant byte first. An update replaces the node, and free nodes
 * rest before they are used again, so that a pointer into a former entry shows the former value, as in Linux.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { READ } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize, refuseMap } from './check-spec.js';
import { emitLpmLookup } from './emit-lpm.js';
import { ENTRY, FORK, FREE, HEADER_BYTES, KEY, LEFT, LENGTH_BYTES, PARENT, ROLE } from './trie-layout.js';
import type { TriePlan } from './trie-layout.js';
import { checkPresence, valueRights } from './hash.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NO_PREALLOC |
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG;

/** One allocation (KMALLOC_MAX_SIZE) less the longest address and the kernel's own part of a node. */
const MAX_VALUE_BYTES = 4_194_304 - 256 - 24;

/**
 * Free nodes that rest. In Linux a node is not used again before the run that freed it has ended; here before as many others
 * were freed, or fewer where values are large.
 */
const RESTING = 64;
const RESTING_BYTES = 65_536;

function planOf(spec: MapSpec): TriePlan {
  const valueOff = alignUp(KEY + spec.keyBytes, 8);
  const nodeBytes = valueOff + alignUp(spec.valueBytes, 8);
  const resting = Math.min(RESTING, Math.max(1, Math.floor(RESTING_BYTES / nodeBytes)));
  // Each entry but the first brings at most one fork.
  const nodes = 2 * spec.maxEntries - 1 + resting;
  return {
    addressBytes: spec.keyBytes - LENGTH_BYTES,
    valueOff,
    nodeBytes,
    resting,
    nodes,
    bytes: HEADER_BYTES + nodeBytes * nodes,
  };
}

/** Bits, from bit `from` on (a multiple of 32), in which two addresses agree, at most up to `limit`. */
function sharedBits(view: DataView, a: Ptr, b: Ptr, bytes: number, from: number, limit: number): number {
  let byte = from >>> 3;
  for (; byte + 4 <= bytes && byte * 8 < limit; byte += 4) {
    const differing = view.getInt32(a + byte, false) ^ view.getInt32(b + byte, false);
    if (differing !== 0) return Math.min(byte * 8 + Math.clz32(differing), limit);
  }
  for (; byte < bytes && byte * 8 < limit; byte++) {
    const differing = view.getUint8(a + byte) ^ view.getUint8(b + byte);
    if (differing !== 0) return Math.min(byte * 8 + Math.clz32(differing) - 24, limit);
  }
  return limit;
}

function bind({ memory, shadow }: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { addressBytes, valueOff, nodeBytes, resting, nodes } = planOf(spec);
  const { view, u8 } = memory;
  const { keyBytes, valueBytes, maxEntries } = spec;
  const longest = 8 * addressBytes;
  const rights = valueRights(spec);
  const countAt = base;
  const usedAt = base + 4;
  const rootAt = base + 8;
  const firstFreeAt = base + 12;
  const lastFreeAt = base + 16;
  const freeCountAt = base + 20;
  const nodeAt = (node: number): Ptr => base + HEADER_BYTES + nodeBytes * (node - 1);
  const addressOf = (node: number): Ptr => nodeAt(node) + KEY + LENGTH_BYTES;
  const lengthOf = (node: number): number => memory.word(nodeAt(node) + KEY);
  const roleOf = (node: number): number => memory.word(nodeAt(node) + ROLE);
  /** The node that a word names: 0 where none, whatever a wild program has written. */
  const named = (at: Ptr): number => {
    const node = memory.word(at);
    return node <= nodes ? node : 0;
  };
  const childAt = (node: number, bit: number): Ptr => nodeAt(node) + LEFT + 4 * bit;
  const parentOf = (node: number): number => named(nodeAt(node) + PARENT);
  const bitOf = (address: Ptr, bit: number): number => (view.getUint8(address + (bit >>> 3)) >>> (7 - (bit & 7))) & 1;
  /** Where the word lies that names this node. */
  const linkOf = (node: number): Ptr => {
    const parent = parentOf(node);
    if (parent === 0) return rootAt;
    return childAt(parent, named(childAt(parent, 0)) === node ? 0 : 1);
  };
  const take = (): number => {
    const used = memory.word(usedAt);
    const freed = memory.word(freeCountAt);
    if (freed <= resting && used < nodes) {
      memory.setWord(usedAt, used + 1);
      return used + 1;
    }
    const free = named(firstFreeAt);
    if (free === 0) return 0;
    memory.setWord(firstFreeAt, memory.word(nodeAt(free)));
    memory.setWord(freeCountAt, freed - 1);
    return free;
  };
  const give = (node: number): void => {
    memory.setWord(nodeAt(node) + ROLE, FREE);
    memory.setWord(nodeAt(node), 0);
    const last = named(lastFreeAt);
    const freed = memory.word(freeCountAt);
    memory.setWord(freed === 0 || last === 0 ? firstFreeAt : nodeAt(last), node);
    memory.setWord(lastFreeAt, node);
    memory.setWord(freeCountAt, freed + 1);
  };
  const place = (node: number, link: Ptr, parent: number): void => {
    memory.setWord(link, node);
    memory.setWord(nodeAt(node) + PARENT, parent);
  };
  const makeNode = (key: Ptr, length: number, role: number): number => {
    const node = take();
    if (node === 0) return 0;
    const at = nodeAt(node);
    u8.fill(0, at, at + KEY);
    u8.copyWithin(at + KEY, key, key + keyBytes);
    memory.setWord(at + KEY, length);
    memory.setWord(at + ROLE, role);
    return node;
  };

  /** Set by `descend`: the last node on the way whose whole prefix the key has, and what comes next. */
  let above = 0;
  let below = 0;
  /** Bits that the key shares with `below`. */
  let shared = 0;
  /** Walks towards a key as far as prefixes agree: to the node of that very prefix, or to where it would go. */
  const descend = (key: Ptr, length: number): void => {
    const address = key + LENGTH_BYTES;
    above = 0;
    below = named(rootAt);
    let before = -1;
    while (below !== 0) {
      const bits = lengthOf(below);
      if (bits <= before || bits > longest) {
        below = 0;
        return;
      }
      shared = sharedBits(
        view,
        addressOf(below),
        address,
        addressBytes,
        before < 0 ? 0 : before & ~31,
        Math.min(bits, length),
      );
      if (shared < bits || bits === length) return;
      above = below;
      before = bits;
      below = named(childAt(above, bitOf(address, bits)));
    }
  };
  const lookup = (key: Ptr): Ptr => {
    const length = view.getUint32(key, true);
    if (length > longest) return 0;
    const address = key + LENGTH_BYTES;
    let found = 0;
    let before = -1;
    let from = 0;
    for (let node = named(rootAt); node !== 0;) {
      const bits = lengthOf(node);
      if (bits <= before || bits > length) break;
      if (sharedBits(view, addressOf(node), address, addressBytes, from, bits) < bits) break;
      if (roleOf(node) === ENTRY) found = node;
      if (bits === longest) break;
      before = bits;
      from = bits & ~31;
      node = named(childAt(node, bitOf(address, bits)));
    }
    return found === 0 ? 0 : nodeAt(found) + valueOff;
  };

  const fill = (node: number, value: Ptr): void => {
    u8.copyWithin(nodeAt(node) + valueOff, value, value + valueBytes);
  };
  const allow = (node: number): void => {
    shadow.mark(nodeAt(node) + KEY, keyBytes, READ);
    shadow.mark(nodeAt(node) + valueOff, valueBytes, rights);
  };
  const isThere = (length: number): boolean => below !== 0 && lengthOf(below) === length && shared === length;

  const update = (key: Ptr, value: Ptr, flags: number): number => {
    if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
    const length = view.getUint32(key, true);
    if (length > longest) return -errno.EINVAL;
    descend(key, length);
    const present = isThere(length) && roleOf(below) === ENTRY;
    const failed = checkPresence(present, flags);
    if (failed !== 0) return failed;
    const count = memory.word(countAt);
    if (!present && count >= maxEntries) return -errno.ENOSPC;
    const done = isThere(length) ? replace(below, key, length, value) : insert(key, length, value);
    if (!done) return -errno.ENOMEM;
    if (!present) memory.setWord(countAt, count + 1);
    return 0;
  };
  /** Puts an entry where a node of the same prefix is. */
  const replace = (former: number, key: Ptr, length: number, value: Ptr): boolean => {
    const entry = makeNode(key, length, ENTRY);
    if (entry === 0) return false;
    fill(entry, value);
    allow(entry);
    for (const bit of [0, 1]) {
      const child = named(childAt(former, bit));
      if (child !== 0) place(child, childAt(entry, bit), entry);
    }
    place(entry, linkOf(former), parentOf(former));
    give(former);
    return true;
  };
  /** Puts a new entry between `above` and `below`. */
  const insert = (key: Ptr, length: number, value: Ptr): boolean => {
    const under = below;
    const parent = above;
    const split = shared;
    const link = under === 0 ? linkBelow(parent, key) : linkOf(under);
    const entry = makeNode(key, length, ENTRY);
    if (entry === 0) return false;
    fill(entry, value);
    allow(entry);
    if (under === 0) place(entry, link, parent);
    else if (split === length) {
      place(under, childAt(entry, bitOf(addressOf(under), length)), entry);
      place(entry, link, parent);
    } else {
      const fork = makeNode(nodeAt(under) + KEY, split, FORK);
      if (fork === 0) {
        give(entry);
        return false;
      }
      const side = bitOf(key + LENGTH_BYTES, split);
      place(entry, childAt(fork, side), fork);
      place(under, childAt(fork, 1 - side), fork);
      place(fork, link, parent);
    }
    return true;
  };
  const linkBelow = (parent: number, key: Ptr): Ptr =>
    parent === 0 ? rootAt : childAt(parent, bitOf(key + LENGTH_BYTES, lengthOf(parent)));

  const remove = (key: Ptr): number => {
    const length = view.getUint32(key, true);
    if (length > longest) return -errno.EINVAL;
    descend(key, length);
    if (!isThere(length) || roleOf(below) !== ENTRY) return -errno.ENOENT;
    const node = below;
    memory.setWord(countAt, memory.word(countAt) - 1);
    const left = named(childAt(node, 0));
    const right = named(childAt(node, 1));
    if (left !== 0 && right !== 0) {
      memory.setWord(nodeAt(node) + ROLE, FORK);
      return 0;
    }
    const parent = parentOf(node);
    const link = linkOf(node);
    const only = left === 0 ? right : left;
    if (only !== 0) place(only, link, parent);
    else {
      memory.setWord(link, 0);
      // A fork with one child left goes as well.
      if (parent !== 0 && roleOf(parent) === FORK) {
        const other = named(childAt(parent, 0)) === 0 ? named(childAt(parent, 1)) : named(childAt(parent, 0));
        const grandparent = parentOf(parent);
        const parentLink = linkOf(parent);
        if (other === 0) memory.setWord(parentLink, 0);
        else place(other, parentLink, grandparent);
        give(parent);
      }
    }
    give(node);
    return 0;
  };

  /** The first entry in postorder (longer prefixes before the shorter ones that hold them) under a node. */
  const firstUnder = (top: number): number => {
    let found = 0;
    let before = -1;
    for (let node = top; node !== 0;) {
      const bits = lengthOf(node);
      if (bits <= before) break;
      before = bits;
      if (roleOf(node) === ENTRY) found = node;
      const left = named(childAt(node, 0));
      node = left === 0 ? named(childAt(node, 1)) : left;
    }
    return found;
  };
  /** The entry after everything under `node`. */
  const nextAfter = (from: number): number => {
    let node = from;
    for (let steps = 0; node !== 0 && steps <= longest; steps++) {
      const parent = parentOf(node);
      if (parent === 0) return 0;
      const right = named(childAt(parent, 1));
      if (right !== 0 && right !== node) return firstUnder(right);
      if (roleOf(parent) === ENTRY) return parent;
      node = parent;
    }
    return 0;
  };
  /** The entry after a key, which need not be there any more. */
  const nextAfterKey = (key: Ptr): number => {
    const length = Math.min(view.getUint32(key, true), longest);
    descend(key, length);
    const address = key + LENGTH_BYTES;
    if (below !== 0) {
      const isBefore = shared < length && bitOf(address, shared) === 0;
      return isBefore ? firstUnder(below) : nextAfter(below);
    }
    if (above === 0) return 0;
    const right = named(childAt(above, 1));
    if (right !== 0 && bitOf(address, lengthOf(above)) === 0) return firstUnder(right);
    return roleOf(above) === ENTRY ? above : nextAfter(above);
  };

  return {
    lookup,
    lookupOn: lookup,
    update,
    remove,
    // A position is a node's number less 1, and they are walked in postorder as by BPF_MAP_GET_NEXT_KEY.
    scan(from) {
      if (from > nodes) return -1;
      return (from === 0 ? firstUnder(named(rootAt)) : nextAfterKey(nodeAt(from) + KEY)) - 1;
    },
    keyAt: (position) => nodeAt(position + 1) + KEY,
    valueAt: (position) => nodeAt(position + 1) + valueOff,
  };
}

export const lpmTrieKind: MapKind = {
  type: 'lpm_trie',
  perCpu: false,
  emitLookup: {
    inline: false,
    emit: (site) => {
      emitLpmLookup(site, planOf(site.spec));
    },
  },
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
    if ((spec.flags & MAP_FLAGS.BPF_F_NO_PREALLOC) === 0) {
      refuseMap(spec, 'flag BPF_F_NO_PREALLOC is missing', 'a trie cannot be preallocated');
    }
    return { bytes: planOf(spec).bytes };
  },
  bind,
};
