/** Steps that call: maps, ring buffer, packet helpers, functions of the program, callbacks, tail calls. */
import { Draft, type Kind, NUMBER } from './draft.js';
import { DIRECT_MAPS, LOOKUP_MAPS, MAPS, READ_ONLY_MAP, RING, TAIL_INDEX, TAILS } from './fuzz-maps.js';
import { anyImmediate, bound, loadNumber, numberRegister } from './number-steps.js';

/** Writes `bytes` of stack at r10 + `off`, mostly all of them. */
function fillStack(d: Draft, off: number, bytes: number): void {
  const { random } = d;
  const numbers = d.holding('number');
  for (let at = 0; at < bytes; at += 4) {
    if (d.slip()) continue;
    const text = numbers.length > 0 && random.percent(30) ? `r${random.pick(numbers)[0]}` : String(random.below(4));
    d.emit(`*(u32 *)(r10 - ${-off - at}) = ${text}`);
  }
  d.forgetSlots(off, off + bytes);
}

/** Room for keys and values; the spill slots lie above, what is accessed freely above those. */
const KEY = -128;
const VALUE = -176;

function key(d: Draft, map: number): void {
  const { keyBytes } = MAPS[map] ?? MAPS[0];
  fillStack(d, KEY, keyBytes);
  d.emit('r2 = r10', `r2 += ${d.near(KEY)}`);
}

function valueOf(map: number): Extract<Kind, { is: 'value' }> {
  return { is: 'value', map, bytes: (MAPS[map] ?? MAPS[0]).valueBytes, writable: map !== READ_ONLY_MAP };
}

export function lookUp(d: Draft): void {
  const { random } = d;
  const map = random.pick(LOOKUP_MAPS);
  if (DIRECT_MAPS.includes(map) && random.percent(35)) {
    d.define(d.spare(), valueOf(map), '');
    const register = Number(/^r(\d)/.exec(d.lines.pop() ?? '')?.[1]);
    d.emit(`ld_pseudo r${register}, 0x2, ${map}`);
    return;
  }
  key(d, map);
  d.emit(`ld_pseudo r1, 0x1, ${map}`, 'call map_lookup_elem');
  d.call();
  const kept = random.percent(60) ? d.spare(0) : 0;
  if (kept !== 0 && random.percent(50)) d.emit(`r${kept} = r0`);
  const { bail } = d;
  if (bail === undefined) {
    // Used only where it is there.
    const behind = d.label();
    d.emit(`if r0 == 0 goto ${behind}`, `r0 = *(u32 *)(r0 + ${d.near(0)})`, `${behind}:`);
    return;
  }
  if (!d.slip()) d.emit(d.slip() ? `if r0 != 0 goto ${bail}` : `if ${d.slip() ? 'w' : 'r'}0 == 0 goto ${bail}`);
  d.set(0, valueOf(map));
  if (kept === 0) return;
  if (!d.lines.includes(`r${kept} = r0`) || random.percent(50)) d.emit(`r${kept} = r0`);
  d.set(kept, valueOf(map));
}

export function changeMap(d: Draft): void {
  const { random } = d;
  const map = random.pick(LOOKUP_MAPS.filter((each) => each !== READ_ONLY_MAP || d.slip()));
  key(d, map);
  if (random.percent(70)) {
    const value = d.any('value');
    const { valueBytes } = MAPS[map] ?? MAPS[0];
    if (value !== undefined && (value[1].bytes >= valueBytes || d.slip()) && random.percent(40)) {
      d.emit(`r3 = r${value[0]}`);
      if (value[0] === 2) return;
    } else {
      fillStack(d, VALUE, valueBytes);
      d.emit('r3 = r10', `r3 += ${d.near(VALUE)}`);
    }
    d.emit(
      `r4 = ${random.weighted([
        [8, 0],
        [1, 1],
        [1, 2],
        [1, 7],
      ])}`,
      `ld_pseudo r1, 0x1, ${map}`,
      'call map_update_elem',
    );
  } else {
    d.emit(`ld_pseudo r1, 0x1, ${map}`, 'call map_delete_elem');
  }
  d.call();
  d.set(0, NUMBER);
}

/** Reserves, writes, gives back: all in one, for nothing else may happen between without a way out. */
export function useRing(d: Draft): void {
  const { random } = d;
  const bytes = random.pick([1, 8, 13, 24]);
  const flags = random.pick([0, 0, 1, 2]);
  if (random.percent(25)) {
    fillStack(d, VALUE, bytes);
    d.emit('r2 = r10', `r2 += ${VALUE}`, `r3 = ${d.near(bytes)}`, `r4 = ${flags}`, `ld_pseudo r1, 0x1, ${RING}`);
    d.emit('call ringbuf_output');
    d.call();
    d.set(0, NUMBER);
    return;
  }
  const behind = d.label();
  d.emit(`r2 = ${bytes}`, 'r3 = 0', `ld_pseudo r1, 0x1, ${RING}`, 'call ringbuf_reserve');
  d.call();
  if (!d.slip()) d.emit(`if r0 == 0 goto ${behind}`);
  const numbers = d.holding('number');
  for (let at = 0; at < bytes; at++) {
    const [width, off] = random.pick([
      [1, 0],
      [1, bytes - 1],
      [8, 0],
      [4, Math.max(0, bytes - 4)],
    ] as const);
    if (off + width > bytes) continue;
    const text = numbers.length > 0 ? `r${random.pick(numbers)[0]}` : '7';
    d.emit(`*(u${width * 8} *)(r0 + ${d.near(off)}) = ${text}`);
    if (random.percent(50)) break;
  }
  if (numbers.length > 0 && random.percent(30)) {
    const [index] = random.pick(numbers);
    const { bail } = d;
    d.bail = undefined;
    bound(d, index, bytes);
    d.bail = bail;
    d.emit(`r1 = r0`, `r1 += r${index}`, '*(u8 *)(r1 + 0) = 1');
  }
  d.emit(`r1 = ${d.slip() ? 'r10' : 'r0'}`, `r2 = ${flags}`);
  if (!d.slip()) d.emit(`call ringbuf_${random.pick(['submit', 'discard'])}`);
  d.emit(`${behind}:`);
  d.call();
}

/** Helpers that move the packet, or copy from it. */
export function callPacketHelper(d: Draft): void {
  const { random } = d;
  const ctx = d.any('ctx');
  if (ctx === undefined) return;
  const isXdp = d.shared.type === 'xdp';
  if (random.percent(30)) {
    const name = isXdp ? random.pick(['xdp_adjust_head', 'xdp_adjust_tail', 'xdp_adjust_meta']) : 'skb_pull_data';
    d.emit(`r1 = r${ctx[0]}`, `r2 = ${isXdp ? random.pick([-8, -4, 0, 4, 8, 14]) : random.pick([0, 14, 40])}`);
    if (!isXdp && d.shared.type === 'cgroup_skb') return;
    d.emit(`call ${name}`);
    d.call();
    d.set(0, NUMBER);
    if (d.slip()) d.shared.unsteady = true;
    else d.movePacket();
    return;
  }
  // A size that is bounded, or nearly so, into the stack.
  const room = random.pick([8, 16, 40]);
  const size = loadNumber(d, random.pick([4, 7, 8, 9]));
  const fixed = random.percent(30);
  if (fixed) d.define(size, NUMBER, String(d.near(room)));
  else bound(d, size, room + 1);
  if (d.kind(ctx[0]).is !== 'ctx') return;
  const load = isXdp ? 'xdp_load_bytes' : 'skb_load_bytes';
  const atLeastOne = random.percent(70) || d.bail === undefined;
  if (!fixed && atLeastOne && d.bail !== undefined && !d.slip()) d.emit(`if r${size} == 0 goto ${d.bail}`);
  const value = d.any('value');
  const into = value !== undefined && value[1].writable && value[1].bytes >= room && random.percent(40) ? value[0] : 10;
  if (ctx[0] !== 1) d.emit(`r1 = r${ctx[0]}`);
  d.emit(`r3 = r${into === 3 ? 10 : into}`);
  if (into === 10 || into === 3) d.emit(`r3 += ${VALUE}`);
  if (size !== 4) d.emit(`r4 = r${size}`);
  d.emit(`r2 = ${random.below(20)}`, `call ${load}`);
  d.forgetSlots(VALUE, VALUE + room);
  d.call();
  d.set(0, NUMBER);
}

/** A checksum over memory with a bounded size. */
export function callChecksum(d: Draft): void {
  const { random } = d;
  if (d.shared.type === 'cgroup_skb') return;
  fillStack(d, VALUE, 16);
  const size = loadNumber(d, 4);
  bound(d, size, d.near(17));
  if (random.percent(80)) d.emit('r4 &= 12');
  d.emit('r3 = r10', `r3 += ${d.near(VALUE)}`, 'r1 = 0', 'r2 = 0', `r5 = ${random.below(3)}`, 'call csum_diff');
  d.call();
  d.set(0, NUMBER);
}

export function tailCall(d: Draft): void {
  const ctx = d.any('ctx');
  // In other functions only with BTF.
  if (ctx === undefined || (d.depth > 0 && !d.slip())) return;
  if (ctx[0] !== 1) d.emit(`r1 = r${ctx[0]}`);
  const index = d.random.pick([0, TAIL_INDEX, 2, 3, 9]);
  d.emit(`ld_pseudo r2, 0x1, ${TAILS}`, `r3 = ${index}`, 'call tail_call');
  d.call();
  // Had it worked, nothing would have come back; packet pointers survive.
  d.set(0, NUMBER);
}

export type Body = (d: Draft, steps: number) => void;

/** Where the function gives up, if anything leads there. */
function giveUp(d: Draft, result: number): void {
  const { bail } = d;
  if (bail === undefined || !d.lines.some((line) => line.endsWith(` ${bail}`))) return;
  d.emit(`${bail}:`, `r0 = ${result}`, 'exit');
}

/** Ends a function: r0 is a number, and where it gives up a label with the same. */
export function finish(d: Draft): void {
  const { random } = d;
  if (d.kind(0).is !== 'number') d.define(0, NUMBER, String(random.below(4)));
  if (!d.slip()) {
    for (const [register] of d.holding('number')) {
      if (register !== 0) d.emit(`r0 ${random.pick(['+=', '^='])} r${register}`);
    }
  }
  if (d.shared.type === 'cgroup_skb' && !d.slip()) d.emit('r0 &= 1');
  d.emit('exit');
  giveUp(d, random.below(2));
}

/** A function of the program that gets what the caller holds. */
export function callFunction(d: Draft, body: Body): void {
  if (d.depth >= 3 || d.shared.functions.length >= 4) return;
  const { random } = d;
  const callee = new Draft(d.shared, d.depth + 1);
  const name = `f${callee.label()}`;
  callee.checked = d.checked;
  const held = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((register) => d.kind(register).is !== 'nothing');
  const count = random.below(Math.min(5, held.length) + 1);
  // Through the stack, so that no argument is overwritten before it is passed.
  const given = Array.from({ length: count }, () => random.pick(held));
  const kinds = given.map((register) => d.kind(register));
  for (const [i, register] of given.entries()) d.emit(`*(u64 *)(r10 - ${200 + 8 * i}) = r${register}`);
  for (const i of given.keys()) {
    d.emit(`r${i + 1} = *(u64 *)(r10 - ${200 + 8 * i})`);
    const kind = kinds[i] ?? NUMBER;
    // A caller's stack is not the callee's.
    callee.set(i + 1, kind.is === 'stack' ? { is: 'nothing' } : kind);
    if (kind.is === 'stack' && random.percent(70))
      callee.emit(`*(u64 *)(r${i + 1} + ${callee.near(0)}) = ${anyImmediate(d)}`);
  }
  d.emit(`call ${name}`);
  const moves = d.shared.moves;
  body(callee, random.between(1, 5));
  finish(callee);
  d.shared.functions.push([`${name}:`, ...callee.lines]);
  if (d.shared.moves > moves) d.movePacket();
  d.call();
  d.set(0, NUMBER);
  if (random.percent(50)) bound(d, 0, random.pick([8, 16, 64]));
}

/** Legacy loads of the packet, where the program type has them. */
export function loadLegacy(d: Draft): void {
  const { random } = d;
  if (d.shared.type === 'xdp' && !d.slip()) return;
  if (d.kind(6).is !== 'ctx') return;
  const width = random.pick(['u8', 'u16', 'u32']);
  const from = random.percent(60) ? String(random.pick([0, 12, 14, 60, 63])) : `r${numberRegister(d)}`;
  d.emit(`r0 = *(${width} *)skb[${from}]`);
  d.call();
  d.set(0, NUMBER);
}
