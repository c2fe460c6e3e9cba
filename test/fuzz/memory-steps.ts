/** Steps over memory: stack, packet, values of maps; constant offsets and bounded ones, loads, stores and atomics. */
import { type Draft, type Kind, NUMBER } from './draft.js';
import { anyImmediate, bound, loadNumber, numberRegister } from './number-steps.js';

const WIDTHS = [1, 2, 4, 8] as const;
type Width = (typeof WIDTHS)[number];
const ATOMICS = ['+=', '&=', '|=', '^='];

function unsigned(width: Width): string {
  return `u${width * 8}`;
}

function at(register: number, off: number): string {
  return `(r${register} ${off < 0 ? '-' : '+'} ${Math.abs(off)})`;
}

interface Access {
  readonly base: number;
  /** From the base: the first byte that may be touched, and how many. */
  readonly from: number;
  readonly bytes: number;
  readonly writable: boolean;
  readonly atomics: boolean;
  /** Offsets must be multiples of the width. */
  readonly aligned: boolean;
}

/** One access somewhere in a range, or nearly. */
function touch(d: Draft, { base, from, bytes, writable, atomics, aligned }: Access): void {
  const { random } = d;
  const widths = WIDTHS.filter((width) => width <= Math.max(1, bytes));
  const width = random.pick(widths);
  const room = Math.max(0, bytes - width);
  // The ends are where mistakes are.
  let off =
    from +
    random.weighted([
      [3, 0],
      [3, room],
      [2, random.between(0, room)],
    ]);
  if (aligned) off = Math.floor(off / width) * width;
  const place = `*(${unsigned(width)} *)${at(base, d.near(off))}`;
  const ways: (readonly [number, () => void])[] = [
    [4, () => d.define(d.spare(base), NUMBER, place)],
    [writable || d.slip() ? 2 : 0, () => d.emit(`${place} = ${anyImmediate(d)}`)],
    [writable || d.slip() ? 3 : 0, () => d.emit(`${place} = r${numberRegister(d)}`)],
    [width >= 4 && ((atomics && writable) || d.slip()) ? 1 : 0, () => atomicStep(d, base, width, d.near(off))],
  ];
  random.weighted(ways)();
}

function atomicStep(d: Draft, base: number, width: Width, off: number): void {
  const { random } = d;
  const value = numberRegister(d);
  const where = `(${unsigned(width)} *)${at(base, off)}`;
  const w = width === 8 ? 'r' : 'w';
  switch (random.below(3)) {
    case 0:
      d.emit(`lock *${where} ${random.pick(ATOMICS)} ${w}${value}`);
      return;
    case 1:
      d.emit(
        `${w}${value} = ${random.pick(['add', 'or', 'and', 'xor'].map((op) => `atomic_fetch_${op}`))}(${where}, ${w}${value})`,
      );
      return;
    default: {
      if (d.kind(0).is !== 'number') loadNumber(d, 0);
      const [name, r] = width === 8 ? ['cmpxchg_64', 'r'] : ['cmpxchg32_32', 'w'];
      d.emit(`${r}0 = ${name}${at(base, off).replace(')', '')}, ${r}0, ${r}${value})`);
    }
  }
}

/** `base` plus a bounded number in a register of its own, and an access behind it. */
function indexed(
  d: Draft,
  base: number,
  kind: Kind,
  bytes: number,
  low: number,
  access: Omit<Access, 'base' | 'from' | 'bytes'>,
): void {
  const { random } = d;
  const last = random.pick(WIDTHS.filter((width) => width <= Math.max(1, bytes)));
  const index = loadNumber(d, d.spare(base));
  bound(d, index, Math.max(1, bytes - last + 1));
  if (d.kind(base).is === 'nothing' || base === index) return;
  if (access.aligned && !d.slip()) d.emit(`r${index} &= -${last}`);
  const pointer = random.percent(70) ? d.spare(base, index) : index;
  if (pointer === index && random.percent(50)) {
    // Number first, pointer added to it.
    d.emit(`r${index} += r${base}`);
  } else {
    const result = pointer === index ? d.spare(index) : pointer;
    d.define(result, kind, `r${base}`);
    d.emit(`r${result} ${d.slip() ? '-=' : '+='} r${index}`);
    d.set(result, { is: 'nothing' });
    touch(d, { ...access, base: result, from: low, bytes: last });
    if (random.percent(20)) moveBack(d, result, index);
    return;
  }
  d.set(index, { is: 'nothing' });
  touch(d, { ...access, base: index, from: low, bytes: last });
}

function moveBack(d: Draft, pointer: number, index: number): void {
  if (d.kind(index).is !== 'number') return;
  d.emit(`r${pointer} -= r${index}`);
}

const VALUE = { atomics: true, aligned: false };

export function accessValue(d: Draft): void {
  const found = d.any('value');
  if (found === undefined) return;
  const [base, kind] = found;
  const access = { ...VALUE, writable: kind.writable };
  if (d.random.percent(50)) touch(d, { ...access, base, from: 0, bytes: kind.bytes });
  else indexed(d, base, kind, kind.bytes, 0, access);
}

/** The stack that programs use, in bytes: its lower part, so that the generator's own slots stay. */
const LOW = -96;

export function accessStack(d: Draft): void {
  const { random } = d;
  const stack = d.any('stack');
  const access = { writable: true, atomics: true, aligned: true };
  if (random.percent(60) || stack === undefined) {
    const off = LOW + 8 * random.below(8);
    touch(d, { ...access, base: 10, from: off, bytes: 8 });
    d.forgetSlots(off, off + 8);
    return;
  }
  const [base, { off }] = stack;
  // It may read a part of a pointer that was spilled.
  d.shared.unsteady = true;
  d.forgetSlots(LOW, LOW + 64);
  indexed(d, base, { is: 'nothing' }, d.slip() ? -off + 4 : Math.min(64, -off), 0, {
    ...access,
    aligned: random.percent(50),
  });
}

/** Spills and fills: whole, in part, shifted. */
export function spill(d: Draft): void {
  const { random } = d;
  const off = -8 * random.between(1, 6);
  const filled = random.pick(d.slots().length > 0 ? d.slots() : [[off, NUMBER] as const]);
  if (random.percent(50) && filled[1].is !== 'nothing' && d.slot(filled[0]) !== undefined) {
    const width = d.slip() || (filled[1].is === 'number' && random.percent(30)) ? random.pick(WIDTHS) : 8;
    const place = filled[0] + (width < 8 && random.percent(40) ? 8 - width : 0);
    d.define(d.spare(), width === 8 ? filled[1] : NUMBER, `*(${unsigned(width)} *)${at(10, place)}`);
    return;
  }
  const held = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((register) => d.kind(register).is !== 'nothing');
  if (held.length === 0) return;
  const register = random.pick(held);
  const kind = d.kind(register);
  const width = d.slip() || (kind.is === 'number' && random.percent(30)) ? random.pick(WIDTHS) : 8;
  d.emit(`*(${unsigned(width)} *)${at(10, off)} = r${register}`);
  d.setSlot(off, width === 8 ? kind : NUMBER);
  if (width < 8 && kind.is !== 'number') d.shared.unsteady = true;
}

/** A pointer into the stack into a register. */
export function pointToStack(d: Draft): void {
  const off = LOW + 8 * d.random.below(6);
  const register = d.spare();
  d.define(register, { is: 'stack', off }, 'r10');
  d.emit(`r${register} += ${d.near(off)}`);
}

/** Packet start and end from the ctx into registers. */
export function loadPacket(d: Draft): void {
  const ctx = d.any('ctx');
  if (ctx === undefined) return;
  // What was compared was another pointer.
  d.checked = 0;
  const [data, end] = d.shared.type === 'xdp' ? [0, 4] : [76, 80];
  const start = d.spare(ctx[0]);
  d.define(start, { is: 'packet', off: 0 }, `*(u32 *)(r${ctx[0]} + ${data})`);
  const behind = d.spare(ctx[0], start);
  d.define(behind, { is: 'end' }, `*(u32 *)(r${ctx[0]} + ${end})`);
}

/** Shows that so many bytes behind a packet pointer are there, in one of the ways compilers do. */
function check(d: Draft, pointer: number, end: number): void {
  const { random, bail } = d;
  if (bail === undefined) return;
  const ok = d.label();
  random.weighted<() => void>([
    [6, () => d.emit(`if r${pointer} > r${end} goto ${bail}`)],
    [2, () => d.emit(`if r${pointer} >= r${end} goto ${bail}`)],
    [2, () => d.emit(`if r${end} < r${pointer} goto ${bail}`)],
    [2, () => d.emit(`if r${end} <= r${pointer} goto ${bail}`)],
    [2, () => d.emit(`if r${pointer} <= r${end} goto ${ok}`, `goto ${bail}`, `${ok}:`)],
    [1, () => d.emit(`if r${pointer} < r${end} goto ${ok}`, `goto ${bail}`, `${ok}:`)],
    [1, () => d.emit(`if r${end} >= r${pointer} goto ${ok}`, `goto ${bail}`, `${ok}:`)],
    [d.slip() ? 2 : 0, () => d.emit(`if r${pointer} < r${end} goto ${bail}`)],
    [d.slip() ? 2 : 0, () => d.emit(`if r${pointer} == r${end} goto ${bail}`)],
    [d.slip() ? 2 : 0, () => d.emit(`if r${pointer} s> r${end} goto ${bail}`)],
  ])();
}

export function checkPacket(d: Draft): void {
  const { random } = d;
  if (d.any('packet') === undefined || d.any('end') === undefined) loadPacket(d);
  const packet = d.any('packet');
  const end = d.any('end');
  if (packet === undefined || end === undefined) return;
  const [base, { off }] = packet;
  const bytes = random.pick([1, 2, 4, 8, 14, 20, 34, 40, 64]);
  const pointer = d.spare(base, end[0]);
  d.define(pointer, { is: 'packet', off: off + bytes }, `r${base}`);
  d.emit(`r${pointer} += ${bytes}`);
  check(d, pointer, end[0]);
  d.checked = Math.max(d.checked, off + bytes);
}

export function accessPacket(d: Draft): void {
  const { random } = d;
  if (d.checked === 0) checkPacket(d);
  const starts = d.holding('packet').filter(([, { off }]) => off < d.checked || d.slip());
  const end = d.any('end');
  if (starts.length === 0) return;
  const [base, kind] = random.pick(starts);
  const access = { writable: d.shared.type !== 'cgroup_skb', atomics: false, aligned: false };
  const bytes = d.checked - kind.off;
  if (random.percent(45) || end === undefined || d.bail === undefined) {
    touch(d, { ...access, base, from: 0, bytes });
    return;
  }
  if (random.percent(40)) {
    indexed(d, base, { is: 'nothing' }, bytes, 0, access);
    return;
  }
  // A variable length of header, checked behind it.
  const index = loadNumber(d, d.spare(base, end[0]));
  bound(d, index, random.pick([16, 61, 256, 0x7fff, 0xffff, 0x10000]));
  if (d.kind(base).is !== 'packet' || d.kind(end[0]).is !== 'end' || base === index) return;
  const moved = d.spare(base, end[0], index);
  d.define(moved, { is: 'nothing' }, `r${base}`);
  d.emit(`r${moved} += r${index}`);
  const limit = d.spare(base, end[0], moved);
  const size = random.pick([1, 2, 4, 8, 20]);
  d.define(limit, { is: 'nothing' }, `r${moved}`);
  d.emit(`r${limit} += ${size}`);
  check(d, limit, end[0]);
  touch(d, { ...access, base: random.percent(85) ? moved : limit, from: random.percent(85) ? 0 : -size, bytes: size });
}
