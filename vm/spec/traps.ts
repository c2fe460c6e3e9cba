/**
 * Why a run ended before `exit`. The code's number is what the `trapCode` cell holds; `a` and `b` say what the cells
 * `trapA` and `trapB` mean. Data only.
 */
export const TRAPS = [
  { code: 1, name: 'fuel', a: 'none' },
  /** An access without rights: a, b are the low and high word of the address; `trapAccess` says bytes and direction. */
  { code: 2, name: 'memory', a: 'address' },
  { code: 3, name: 'call-depth', a: 'none' },
  { code: 4, name: 'unsupported-helper', a: 'helper' },
  { code: 5, name: 'unsupported-insn', a: 'none' },
  { code: 6, name: 'unsupported-ref', a: 'none' },
  { code: 7, name: 'unsupported-map', a: 'map' },
  { code: 8, name: 'bad-map', a: 'address' },
  { code: 9, name: 'bad-callback', a: 'address' },
  { code: 10, name: 'unknown-helper', a: 'helper' },
  { code: 11, name: 'fall-off', a: 'none' },
  { code: 12, name: 'bad-record', a: 'address' },
  { code: 21, name: 'bad-socket', a: 'address' },
  /** a, b: level and name. */
  { code: 22, name: 'unsupported-option', a: 'option' },
] as const;

export type TrapName = (typeof TRAPS)[number]['name'];

/** Trap name -> its code. */
export const TRAP_CODES = Object.fromEntries(TRAPS.map((each) => [each.name, each.code])) as Readonly<
  Record<TrapName, number>
>;
