/** Steps over numbers: where they come from, arithmetic, and the many ways to bound one, right or nearly so. */
import { type Draft, NUMBER } from './draft.js';

const IMMEDIATES = [
  0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000,
  0x7fffffff, -1, -2, -8, -16, -128, -256, -0x8000, -0x80000000,
];
const WIDE = [
  '0x7fffffffffffffff',
  '0x8000000000000000',
  '0xffffffff',
  '0x100000000',
  '0xffffffff00000000',
  '0x80000000',
];
const COMPARISONS = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];
const CTX_FIELDS: Readonly<Record<string, readonly number[]>> = {
  xdp: [12, 16],
  sched_cls: [0, 8, 32, 48, 56],
  cgroup_skb: [0, 8, 32, 48],
};
const WORLD = ['get_prandom_u32', 'ktime_get_ns', 'get_smp_processor_id'];

export function anyImmediate(d: Draft): number {
  return d.random.percent(80) ? d.random.pick(IMMEDIATES) : d.random.u32() | 0;
}

/** A number from somewhere into a register. */
export function loadNumber(d: Draft, register: number): number {
  const { random } = d;
  const starts = d.holding('packet').filter(([, { off }]) => d.checked - off >= 8);
  const packet = starts.length === 0 ? undefined : random.pick(starts);
  const value = d.any('value');
  const [stack] = random.percent(50) ? d.slots().filter(([, kind]) => kind.is === 'number') : [];
  const ctx = d.any('ctx');
  const ways: (readonly [number, () => void])[] = [
    [3, () => d.define(register, NUMBER, String(anyImmediate(d)))],
    [1, () => d.define(register, NUMBER, `${random.pick(WIDE)} ll`)],
  ];
  if (packet !== undefined) {
    const [from, { off }] = packet;
    ways.push([
      8,
      () => {
        const [type, bytes] = random.pick([
          ['u8', 1],
          ['u16', 2],
          ['u32', 4],
          ['u64', 8],
          ['s8', 1],
          ['s16', 2],
          ['s32', 4],
        ] as const);
        d.define(register, NUMBER, `*(${type} *)(r${from} + ${d.near(random.between(0, d.checked - off - bytes))})`);
      },
    ]);
  }
  if (value !== undefined) {
    const [from, { bytes: size }] = value;
    ways.push([
      5,
      () => {
        const [type, bytes] = random.pick([
          ['u8', 1],
          ['u16', 2],
          ['u32', 4],
          ['u64', 8],
          ['s8', 1],
        ] as const);
        const off = d.near(random.below(Math.max(1, Math.floor(size / bytes))) * bytes);
        d.define(register, NUMBER, `*(${type} *)(r${from} + ${off})`);
      },
    ]);
  }
  if (stack !== undefined) {
    const type = random.pick(['u64', 'u64', 'u32', 'u16', 'u8']);
    ways.push([2, () => d.define(register, NUMBER, `*(${type} *)(r10 - ${-stack[0]})`)]);
  }
  if (ctx !== undefined) {
    const off = random.pick(CTX_FIELDS[d.shared.type] ?? [0]);
    ways.push([2, () => d.define(register, NUMBER, `*(u32 *)(r${ctx[0]} + ${d.near(off)})`)]);
  }
  random.weighted(ways)();
  return register;
}

/** A number that changes from machine to machine. */
export function callWorld(d: Draft): void {
  d.shared.unsteady = true;
  d.emit(`call ${d.random.pick(WORLD)}`);
  d.call();
  d.set(0, NUMBER);
}

/** A register that holds a number; one is made where there is none. */
export function numberRegister(d: Draft): number {
  const found = d.any('number');
  return found !== undefined && d.random.percent(85) ? found[0] : loadNumber(d, d.spare());
}

export function calculate(d: Draft): void {
  const { random } = d;
  const dst = numberRegister(d);
  const r = random.percent(60) ? 'r' : 'w';
  const bits = r === 'r' ? 64 : 32;
  const pointer = d.any('value') ?? d.any('stack');
  if (d.slip() && pointer !== undefined) {
    // A pointer where a number should be.
    d.shared.unsteady = true;
    d.emit(`${r}${dst} ${random.pick(['+', '-', '&', '*', '^'])}= ${r}${pointer[0]}`);
    return;
  }
  switch (random.below(12)) {
    case 0:
      d.emit(`${r}${dst} = -${r}${dst}`);
      return;
    case 1:
      d.emit(
        `r${dst} = ${random.pick(['be16', 'be32', 'be64', 'le16', 'le32', 'bswap16', 'bswap32', 'bswap64'])} r${dst}`,
      );
      return;
    case 2: {
      const to = d.spare();
      const from = r === 'r' ? random.pick(['(s8)', '(s16)', '(s32)', '']) : random.pick(['(s8)', '(s16)', '']);
      d.emit(`${r}${to} = ${from}${r}${dst}`);
      d.set(to, NUMBER);
      return;
    }
    case 3:
    case 4: {
      const by = random.percent(70) ? String(random.below(d.slip() ? bits + 2 : bits)) : `${r}${numberRegister(d)}`;
      d.emit(`${r}${dst} ${random.pick(['<<', '>>', 's>>'])}= ${by}`);
      return;
    }
    case 5: {
      const by = random.percent(60) ? String(anyImmediate(d) || 3) : `${r}${numberRegister(d)}`;
      d.emit(`${r}${dst} ${random.pick(['/', '%', 's/', 's%'])}= ${by}`);
      return;
    }
    default: {
      const by = random.percent(50) ? String(anyImmediate(d)) : `${r}${numberRegister(d)}`;
      d.emit(`${r}${dst} ${random.pick(['+', '+', '-', '-', '*', '&', '|', '^'])}= ${by}`);
    }
  }
}

/** A condition over numbers, as after `if`. */
export function anyCondition(d: Draft): string {
  const r = d.random.percent(60) ? 'r' : 'w';
  const left = numberRegister(d);
  const right = d.random.percent(65) ? String(anyImmediate(d)) : `${r}${numberRegister(d)}`;
  return `${r}${left} ${d.random.pick(COMPARISONS)} ${right}`;
}

/** A register below a power of two. */
function maskFor(below: number): number {
  let mask = 1;
  while (mask * 2 <= below) mask *= 2;
  return mask - 1;
}

/** Makes a number lie from 0 to below `below`; slips make it a little more, or negative, or only the lower half of it. */
export function bound(d: Draft, register: number, below: number): void {
  const { random, bail } = d;
  const x = `r${register}`;
  const last = d.near(below) - 1;
  const mask = Math.max(0, d.slip() ? maskFor(below) * 2 + 1 : maskFor(below));
  const other = d.spare(register);
  const withoutJump = [
    () => d.emit(`${x} &= ${mask}`),
    () => d.emit(`w${register} &= ${mask}`),
    () => d.emit(`${x} %= ${Math.max(1, last + 1)}`),
    () => {
      const [r, bits] = random.pick([
        ['r', 64],
        ['w', 32],
      ] as const);
      const by = bits - Math.max(1, Math.round(Math.log2(mask + 1)));
      d.emit(`${r}${register} <<= ${by}`, `${r}${register} ${d.slip() ? 's>>' : '>>'}= ${by}`);
    },
    () => d.emit(`${x} = ${random.below(Math.max(1, last + 1))}`),
  ];
  if (bail === undefined || random.percent(35)) {
    random.pick(withoutJump)();
    return;
  }
  const copy = (): string => {
    d.define(other, NUMBER, x);
    return `r${other}`;
  };
  random.pick([
    () => d.emit(`if ${x} > ${last} goto ${bail}`),
    () => d.emit(`if ${x} >= ${last + 1} goto ${bail}`),
    () => {
      d.define(other, NUMBER, String(last + 1));
      d.emit(`if r${other} <= ${x} goto ${bail}`);
    },
    () => {
      d.emit(`if ${x} s> ${last} goto ${bail}`);
      if (!d.slip()) d.emit(`if ${x} s< ${d.near(0)} goto ${bail}`);
    },
    () => {
      d.emit(`if w${register} > ${last} goto ${bail}`);
      if (!d.slip()) d.emit(`w${register} = w${register}`);
    },
    () => {
      d.emit(`if w${register} s> ${last} goto ${bail}`, `if w${register} s< 0 goto ${bail}`);
      if (!d.slip()) d.emit(random.pick([`w${register} = w${register}`, `${x} = (s32)${x}`]));
    },
    () => {
      const ok = d.label();
      d.emit(`if ${x} < ${last + 1} goto ${ok}`, `goto ${bail}`, `${ok}:`);
    },
    // The copy is bounded, the original used.
    () => d.emit(`if ${copy()} > ${last} goto ${bail}`),
    () => d.emit(`if w${copy().slice(1)} > ${last} goto ${bail}`),
    () => {
      const more = random.pick([1, 4, 16, -1]);
      const moved = copy();
      d.emit(`${moved} += ${more}`, `if ${moved} > ${d.near(last + more)} goto ${bail}`);
      if (!d.slip() && more > 0) d.emit(`if ${moved} < ${more} goto ${bail}`);
    },
    () => d.emit(`if ${x} & ${~mask} goto ${bail}`),
    () => {
      d.emit(`*(u64 *)(r10 - 8) = ${x}`);
      d.setSlot(-8, NUMBER);
      d.define(other, NUMBER, d.slip() ? '*(u32 *)(r10 - 8)' : '*(u64 *)(r10 - 8)');
      d.emit(`if r${other} > ${last} goto ${bail}`);
    },
    () => {
      d.emit(`if ${x} == ${random.below(Math.max(1, last + 1))} goto +1`, `goto ${bail}`);
    },
    // Bounded first, and then moved.
    () => {
      d.emit(
        `if ${x} > ${Math.max(0, Math.floor(last / 2))} goto ${bail}`,
        `${x} ${random.pick(['<<= 1', '*= 2', `+= ${Math.floor(last / 2)}`])}`,
      );
    },
    // Subtraction of a bounded number from the last.
    () => {
      d.emit(`if ${x} > ${last} goto ${bail}`);
      d.define(other, NUMBER, String(last));
      d.emit(`r${other} -= ${x}`, `${x} = r${other}`);
    },
  ])();
}
