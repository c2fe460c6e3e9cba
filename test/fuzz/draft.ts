/**
 * A program in the making: its lines of assembly, and what the generator believes registers and stack to hold. Beliefs only
 * steer what is tried next; whether the program is right is the verifier's business. Knows no step.
 */
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import type { Random } from './random.js';

export type Kind =
  | { readonly is: 'nothing' }
  | { readonly is: 'number' }
  | { readonly is: 'ctx' }
  /** `off` bytes behind the start. */
  | { readonly is: 'packet'; readonly off: number }
  | { readonly is: 'end' }
  | { readonly is: 'value'; readonly map: number; readonly bytes: number; readonly writable: boolean }
  /** `off` is negative, from r10. */
  | { readonly is: 'stack'; readonly off: number };

export type KindOf<N extends Kind['is']> = Extract<Kind, { is: N }>;

const NOTHING: Kind = { is: 'nothing' };
export const NUMBER: Kind = { is: 'number' };

/** What holds at one point of the program. */
interface Beliefs {
  readonly registers: readonly Kind[];
  readonly slots: ReadonlyMap<number, Kind>;
  readonly checked: number;
}

function same(a: Kind, b: Kind | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What the functions of one program share. */
export interface Shared {
  readonly random: Random;
  readonly type: ProgTypeName;
  /** Percent of choices that go wrong by a little. */
  readonly slips: number;
  /** Finished functions, behind the main one. */
  readonly functions: string[][];
  labels: number;
  /** Calls so far that lose packet pointers. */
  moves: number;
  /** Something that differs between machines went into a number: an address, the clock, a random number. */
  unsteady: boolean;
}

export class Draft {
  readonly shared: Shared;
  readonly random: Random;
  /** Calls between it and the main function. */
  readonly depth: number;
  /** Where the function gives up; absent where it may not. */
  bail: string | undefined;
  readonly lines: string[] = [];
  /** Bytes of the packet, from its start, that a comparison has shown to be there. */
  checked = 0;
  #registers: Kind[] = Array<Kind>(10).fill(NOTHING);
  #slots = new Map<number, Kind>();

  constructor(shared: Shared, depth: number) {
    this.shared = shared;
    this.random = shared.random;
    this.depth = depth;
    this.bail = this.label();
  }

  emit(...lines: readonly string[]): void {
    this.lines.push(...lines);
  }

  label(): string {
    return `l${this.shared.labels++}`;
  }

  /** A choice goes wrong here. */
  slip(): boolean {
    return this.random.below(1000) < this.shared.slips * 10;
  }

  /** The number, or one close to it. */
  near(value: number): number {
    if (!this.slip()) return value;
    return this.random.pick([value - 1, value + 1, value + 1, value + 4, value - 4, value + 8, -value]);
  }

  kind(register: number): Kind {
    return this.#registers[register] ?? NOTHING;
  }

  set(register: number, kind: Kind): void {
    this.#registers[register] = kind;
  }

  /** Puts a kind into a register by a line that begins with it. */
  define(register: number, kind: Kind, line: string): number {
    this.emit(`r${register} = ${line}`);
    this.set(register, kind);
    return register;
  }

  holding<N extends Kind['is']>(is: N): readonly (readonly [register: number, kind: KindOf<N>])[] {
    return this.#registers.flatMap((kind, register) =>
      kind.is === is ? [[register, kind as KindOf<N>] as const] : [],
    );
  }

  any<N extends Kind['is']>(is: N): readonly [register: number, kind: KindOf<N>] | undefined {
    const found = this.holding(is);
    return found.length === 0 ? undefined : this.random.pick(found);
  }

  /** A register to overwrite: seldom one that is hard to get again. */
  spare(...not: readonly number[]): number {
    const free = [0, 1, 2, 3, 4, 5, 7, 8, 9].filter((register) => !not.includes(register));
    const cheap = free.filter((register) => ['nothing', 'number'].includes(this.kind(register).is));
    return this.random.pick(cheap.length > 0 && !this.random.percent(5) ? cheap : free);
  }

  slot(off: number): Kind | undefined {
    return this.#slots.get(off);
  }

  setSlot(off: number, kind: Kind): void {
    this.#slots.set(off, kind);
  }

  forgetSlots(from: number, to: number): void {
    for (const off of this.#slots.keys()) if (off + 8 > from && off < to) this.#slots.set(off, NUMBER);
  }

  slots(): readonly (readonly [off: number, kind: Kind])[] {
    return [...this.#slots];
  }

  /** r0 to r5 are lost. */
  call(): void {
    for (let register = 0; register <= 5; register++) this.set(register, NOTHING);
  }

  /** Packet pointers are lost. */
  movePacket(): void {
    this.shared.moves++;
    this.checked = 0;
    this.#registers = this.#registers.map((kind) => (kind.is === 'packet' || kind.is === 'end' ? NOTHING : kind));
    for (const [off, kind] of this.#slots) {
      if (kind.is === 'packet' || kind.is === 'end') this.#slots.set(off, NOTHING);
    }
  }

  beliefs(): Beliefs {
    return { registers: [...this.#registers], slots: new Map(this.#slots), checked: this.checked };
  }

  believe({ registers, slots, checked }: Beliefs): void {
    this.#registers = [...registers];
    this.#slots = new Map(slots);
    this.checked = checked;
  }

  /** Two ways come together: what both agree on stays. */
  meet(other: Beliefs): void {
    this.#registers = this.#registers.map((kind, at) => (same(kind, other.registers[at]) ? kind : NOTHING));
    for (const [off, kind] of this.#slots) if (!same(kind, other.slots.get(off))) this.#slots.delete(off);
    this.checked = Math.min(this.checked, other.checked);
  }
}
