/**
 * Which entry goes when an LRU map is full: the approximate LRU of Linux (kernel/bpf/bpf_lru_list.c, 6.18), so that the
 * same operations on as many CPUs evict the same keys. Entries are on an active, an inactive or a free list; a CPU takes
 * free ones in batches and keeps new ones apart until its next batch. Use sets a bit that is looked at only when room is
 * needed. With lists per CPU (BPF_F_NO_COMMON_LRU) each CPU has lists and a share of the entries of its own. Everything
 * lies in linear memory; all walks are bounded. Knows no keys and no values.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';

export interface LruShape {
  readonly capacity: number;
  readonly cpus: number;
  /** One set of lists for all CPUs. */
  readonly common: boolean;
}

export interface Lru {
  /** An entry to use on this CPU, evicting where none is free; 0 where nothing can be had. */
  pop(cpu: number): number;
  /** Takes back an entry that is in no use any more. */
  push(entry: number): void;
  /** Notes that the entry was used. */
  touch(entry: number): void;
}

/** Most entries that a CPU takes at once, and that one pass looks at: common lists, lists per CPU. */
const COMMON_BATCH = 128;
const PERCPU_BATCH = 4;

/** What an entry is on. The first three are also the lists of a group, in this order. */
const ACTIVE = 0;
const INACTIVE = 1;
const FREE = 2;
const LOCAL_FREE = 3;
const PENDING = 4;
const GROUP_LISTS = 3;

/** A link: neighbours, and a state word made of place, use bit and CPU. */
const LINK_BYTES = 12;
const PLACE_MASK = 7;
const USED = 8;
const CPU_SHIFT = 4;

/** Words of a group: entries on its active and its inactive list, where rotation goes on, entries never used so far. */
const GROUP_BYTES = 16;

interface Plan {
  readonly groups: number;
  readonly perGroup: number;
  readonly sentinels: number;
  readonly groupsAt: number;
  readonly stealAt: number;
  readonly linksAt: number;
  readonly bytes: number;
}

/** Entries that such a map really has: with lists per CPU all shares are equal. */
export function lruCapacity(entries: number, cpus: number, common: boolean): number {
  return common ? entries : Math.ceil(entries / cpus) * cpus;
}

function planOf({ capacity, cpus, common }: LruShape): Plan {
  const groups = common ? 1 : cpus;
  const sentinels = GROUP_LISTS * groups + (common ? 2 * cpus : 0);
  const groupsAt = 8;
  const stealAt = groupsAt + GROUP_BYTES * groups;
  const linksAt = stealAt + 4 * cpus;
  const bytes = linksAt + LINK_BYTES * (sentinels + capacity);
  return { groups, perGroup: capacity / groups, sentinels, groupsAt, stealAt, linksAt, bytes };
}

export function lruBytes(shape: LruShape): number {
  return planOf(shape).bytes;
}

/** Where the word of entry 0 would lie whose bit says that it was used, and the distance to the next entry's. */
export function usedBits(
  base: Ptr,
  shape: LruShape,
): { readonly at: Ptr; readonly stride: number; readonly bit: number } {
  const { linksAt, sentinels } = planOf(shape);
  return { at: base + linksAt + LINK_BYTES * (sentinels - 1) + 8, stride: LINK_BYTES, bit: USED };
}

/**
 * Binds at `base`: memory there is zero or holds an earlier state.
 * @param evict makes an entry unfindable; false where it was not findable
 */
export function bindLru(memory: Memory, base: Ptr, shape: LruShape, evict: (entry: number) => boolean): Lru {
  const { capacity, cpus, common } = shape;
  const { groups, perGroup, sentinels, ...at } = planOf(shape);
  const last = sentinels + capacity - 1;
  const batch = common
    ? Math.min(Math.max(Math.floor(Math.floor(capacity / cpus) / 2), 1), COMMON_BATCH)
    : PERCPU_BATCH;
  const scans = common ? COMMON_BATCH : PERCPU_BATCH;

  // Links are numbered from 0: first the heads of lists, then the entries.
  const linkAt = (link: number): Ptr => base + at.linksAt + LINK_BYTES * link;
  const bounded = (link: number): number => (link > last ? 0 : link);
  const next = (link: number): number => bounded(memory.word(linkAt(link)));
  const prev = (link: number): number => bounded(memory.word(linkAt(link) + 4));
  const state = (link: number): number => memory.word(linkAt(link) + 8);
  const setState = (link: number, value: number): void => {
    memory.setWord(linkAt(link) + 8, value);
  };
  const place = (link: number): number => state(link) & PLACE_MASK;
  const isUsed = (link: number): boolean => (state(link) & USED) !== 0;
  const isHead = (link: number): boolean => link < sentinels;
  const entryOf = (link: number): number => link - sentinels + 1;
  const linkOf = (entry: number): number => entry + sentinels - 1;

  const groupOf = (cpu: number): number => (common ? 0 : cpu);
  const groupAt = (group: number): Ptr => base + at.groupsAt + GROUP_BYTES * group;
  const rotationAt = (group: number): Ptr => groupAt(group) + 8;
  const freshAt = (group: number): Ptr => groupAt(group) + 12;
  const head = (group: number, list: number): number => GROUP_LISTS * group + list;
  const localFree = (cpu: number): number => GROUP_LISTS * groups + 2 * cpu;
  const pending = (cpu: number): number => localFree(cpu) + 1;
  const stealAt = (cpu: number): Ptr => base + at.stealAt + 4 * cpu;

  const join = (left: number, right: number): void => {
    memory.setWord(linkAt(left), right);
    memory.setWord(linkAt(right) + 4, left);
  };
  const isOnList = (link: number): boolean => next(link) !== prev(link) || next(link) !== link;
  const count = (group: number, list: number, by: number): void => {
    if (list > INACTIVE) return;
    const counter = groupAt(group) + 4 * list;
    memory.setWord(counter, memory.word(counter) + by);
  };
  /** To the front of a list, from wherever it is. */
  const moveTo = (link: number, list: number): void => {
    if (isOnList(link)) join(prev(link), next(link));
    const first = next(list);
    join(link, first);
    join(list, link);
  };
  /** Moves within a group's lists, or from them to a CPU's; the use bit is forgotten. */
  const moveWithin = (group: number, link: number, to: number, list: number): void => {
    count(group, place(link), -1);
    count(group, to, 1);
    if (memory.word(rotationAt(group)) === link) memory.setWord(rotationAt(group), prev(link));
    setState(link, (state(link) & ~(PLACE_MASK | USED)) | to);
    moveTo(link, list);
  };
  const moveInGroup = (group: number, link: number, to: number): void => {
    moveWithin(group, link, to, head(group, to));
  };
  /** From a CPU's lists to a group's. */
  const moveIn = (link: number): void => {
    const to = isUsed(link) ? ACTIVE : INACTIVE;
    count(0, to, 1);
    setState(link, (state(link) & ~(PLACE_MASK | USED)) | to);
    moveTo(link, head(0, to));
  };

  /** Gives entries of the active list that were not used since a way out, others another round. */
  const rotateActive = (group: number): void => {
    const list = head(group, ACTIVE);
    const first = next(list);
    let link = prev(list);
    for (let i = 0; i < scans && !isHead(link); i++) {
      const before = prev(link);
      moveInGroup(group, link, isUsed(link) ? ACTIVE : INACTIVE);
      if (link === first) break;
      link = before;
    }
  };
  /** Saves used entries of the inactive list, going on where the last time ended. */
  const rotateInactive = (group: number): void => {
    const list = head(group, INACTIVE);
    if (next(list) === list) return;
    let cursor = bounded(memory.word(rotationAt(group)));
    let stop = next(cursor);
    if (stop === list) stop = next(stop);
    let following = cursor;
    for (let i = 0, steps = 0; i < scans && steps <= 2 * scans; steps++) {
      if (isHead(cursor)) {
        cursor = prev(list);
        continue;
      }
      following = prev(cursor);
      if (isUsed(cursor)) moveInGroup(group, cursor, ACTIVE);
      if (cursor === stop) break;
      cursor = following;
      i++;
    }
    memory.setWord(rotationAt(group), following);
  };
  const rotate = (group: number): void => {
    if (memory.word(groupAt(group) + 4) < memory.word(groupAt(group))) rotateActive(group);
    rotateInactive(group);
  };
  /** Evicts up to `wanted` entries to a list of free ones; where all are in use, one regardless. */
  const shrink = (group: number, wanted: number, to: number, list: number): void => {
    const inactive = head(group, INACTIVE);
    let evicted = 0;
    let link = prev(inactive);
    for (let i = 0; i < scans && evicted < wanted && !isHead(link); i++) {
      const before = prev(link);
      if (isUsed(link)) moveInGroup(group, link, ACTIVE);
      else if (evict(entryOf(link))) {
        moveWithin(group, link, to, list);
        evicted++;
      }
      link = before;
    }
    if (evicted > 0) return;
    const forced = next(inactive) === inactive ? head(group, ACTIVE) : inactive;
    link = prev(forced);
    for (let steps = 0; steps < capacity && !isHead(link); steps++, link = prev(link)) {
      if (!evict(entryOf(link))) continue;
      moveWithin(group, link, to, list);
      return;
    }
  };
  /** The next free entry of a group, given back ones first; or -1. Stays on its list where it is on one. */
  const free = (group: number): number => {
    const given = next(head(group, FREE));
    if (!isHead(given)) return given;
    const used = memory.word(freshAt(group));
    if (used >= perGroup) return -1;
    memory.setWord(freshAt(group), used + 1);
    const link = linkOf(perGroup * group + used + 1);
    join(link, link);
    setState(link, FREE | (group << CPU_SHIFT));
    return link;
  };

  const refill = (cpu: number): void => {
    const list = pending(cpu);
    let link = prev(list);
    for (let steps = 0; steps < capacity && !isHead(link); steps++) {
      const before = prev(link);
      moveIn(link);
      link = before;
    }
    rotate(0);
    let taken = 0;
    for (; taken < batch; taken++) {
      const found = free(0);
      if (found < 0) break;
      moveWithin(0, found, LOCAL_FREE, localFree(cpu));
    }
    if (taken < batch) shrink(0, batch - taken, LOCAL_FREE, localFree(cpu));
  };
  /** The first entry of a CPU's free list, or the oldest pending one that is not in use, or the oldest. */
  const steal = (cpu: number): number => {
    const ready = next(localFree(cpu));
    if (!isHead(ready)) return ready;
    for (const force of [false, true]) {
      let link = prev(pending(cpu));
      for (let steps = 0; steps < capacity && !isHead(link); steps++, link = prev(link)) {
        if ((force || !isUsed(link)) && evict(entryOf(link))) return link;
      }
    }
    return 0;
  };
  const popCommon = (cpu: number): number => {
    let link = next(localFree(cpu));
    if (isHead(link)) {
      refill(cpu);
      link = next(localFree(cpu));
    }
    if (isHead(link)) {
      const from = memory.word(stealAt(cpu)) % cpus;
      let each = from;
      do {
        link = steal(each);
        each = (each + 1) % cpus;
      } while (isHead(link) && each !== from);
      memory.setWord(stealAt(cpu), each);
    }
    if (isHead(link)) return 0;
    setState(link, PENDING | (cpu << CPU_SHIFT));
    moveTo(link, pending(cpu));
    return entryOf(link);
  };
  const popOwn = (cpu: number): number => {
    rotate(cpu);
    let link = free(cpu);
    if (link < 0) {
      shrink(cpu, PERCPU_BATCH, FREE, head(cpu, FREE));
      link = free(cpu);
    }
    if (link < 0) return 0;
    moveInGroup(cpu, link, INACTIVE);
    return entryOf(link);
  };

  if (memory.word(base) === 0) {
    for (let link = 0; link < sentinels; link++) join(link, link);
    for (let group = 0; group < groups; group++) memory.setWord(rotationAt(group), head(group, INACTIVE));
    for (let cpu = 0; cpu < cpus; cpu++) memory.setWord(stealAt(cpu), cpu);
    memory.setWord(base, 1);
  }
  return {
    pop: common ? popCommon : popOwn,
    push(entry) {
      const link = linkOf(entry);
      const where = place(link);
      if (where === FREE || where === LOCAL_FREE) return;
      const cpu = Math.min(state(link) >>> CPU_SHIFT, cpus - 1);
      if (where === PENDING) {
        setState(link, LOCAL_FREE | (cpu << CPU_SHIFT));
        moveTo(link, localFree(cpu));
      } else moveInGroup(groupOf(cpu), link, FREE);
    },
    touch(entry) {
      const word = linkAt(linkOf(entry)) + 8;
      memory.setWord(word, memory.word(word) | USED);
    },
  };
}
