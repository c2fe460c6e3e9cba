/**
 * Where the values in registers come from, followed from instruction to instruction: a field of the packet, also by way of the
 * stack, or other memory. Loses track rather than guess. Knows nothing of what is compared.
 */
import type { Ptr } from '../addr.js';
import type { Insn } from '../isa/insn.js';
import type { Machine } from '../machine/machine.js';
import { REGS_BASE } from '../memory/cells.js';
import { writes } from '../replay/value-flow.js';

/** Bytes that a register was loaded from. */
export interface Origin {
  /** Offset in the packet; else `at` is an address. */
  readonly packetOff?: number;
  readonly at: Ptr;
  /** As they were. */
  readonly bytes: Uint8Array;
  /** Whether the register holds them turned around. */
  readonly swapped: boolean;
}

/** Copies of packet bytes in memory, by bpf_skb_load_bytes. */
interface Copied {
  readonly at: Ptr;
  readonly bytes: number;
  readonly packetOff: number;
}

const REGISTERS = 11;
const LOAD_BYTES = 26;
const XDP_LOAD_BYTES = 189;
const MAX_COPIES = 64;
const WIDTHS: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, dw: 8 };

export class Origins {
  readonly #machine: Machine;
  readonly #registers: (Origin | undefined)[] = [];
  /** Registers that were spilled, by address. */
  readonly #spills = new Map<Ptr, Origin>();
  #copies: Copied[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  begin(): void {
    this.#registers.length = 0;
    this.#spills.clear();
    this.#copies = [];
  }

  of(register: number): Origin | undefined {
    return this.#registers[register];
  }

  /** Low word of a register. */
  word(register: number): number {
    return this.#machine.memory.word(REGS_BASE + 8 * register);
  }

  /** To be called before the instruction runs. */
  follow(insn: Insn): void {
    const { name, dst, src, off, imm } = insn;
    const load = /^ldx(b|h|w|dw)$/.exec(name)?.[1];
    const store = /^st(x?)(b|h|w|dw)$/.exec(name);
    if (load !== undefined) {
      const bytes = WIDTHS[load] ?? 0;
      const at = this.word(src) + off;
      this.#registers[dst] = this.#spills.get(at) ?? this.#loaded(at, bytes);
    } else if (store !== null) {
      const at = this.word(dst) + off;
      this.#overwrite(at, WIDTHS[store[2] ?? ''] ?? 0);
      const origin = this.#registers[src];
      if (store[1] === 'x' && origin !== undefined) this.#spills.set(at, origin);
    } else if (/^mov(32|64)_x$/.test(name)) this.#registers[dst] = this.#registers[src];
    else if (/^(be|bswap)\d/.test(name)) {
      const origin = this.#registers[dst];
      const bits = Number(/\d+$/.exec(name)?.[0] ?? 0);
      this.#registers[dst] = origin?.bytes.length === bits / 8 ? { ...origin, swapped: !origin.swapped } : undefined;
    } else if (/^and(32|64)_k$/.test(name)) {
      const origin = this.#registers[dst];
      const bits = 8 * (origin?.bytes.length ?? 8);
      if (imm !== 2 ** bits - 1) this.#registers[dst] = undefined;
    } else if (name === 'call_helper') this.#called(imm);
    else if (name === 'call_local' || name === 'callx' || name === 'call_kfunc' || name === 'exit') {
      this.#registers.fill(undefined, name === 'exit' ? 1 : 6);
      this.#registers[0] = undefined;
    } else {
      for (let register = 0; register < REGISTERS; register++) {
        if (writes(insn, register)) this.#registers[register] = undefined;
      }
    }
  }

  #loaded(at: Ptr, bytes: number): Origin | undefined {
    const { packet, memory, layout } = this.#machine;
    if (at < 0 || at + bytes > layout.end) return undefined;
    const data = memory.read(at, bytes);
    if (at >= packet.data && at + bytes <= packet.end) {
      return { at, bytes: data, swapped: false, packetOff: at - packet.data };
    }
    const copy = this.#copies.find((each) => at >= each.at && at + bytes <= each.at + each.bytes);
    const packetOff = copy === undefined ? {} : { packetOff: copy.packetOff + at - copy.at };
    return { at, bytes: data, swapped: false, ...packetOff };
  }

  #overwrite(at: Ptr, bytes: number): void {
    for (let each = at - 7; each < at + bytes; each++) this.#spills.delete(each);
    this.#copies = this.#copies.filter((copy) => copy.at >= at + bytes || copy.at + copy.bytes <= at);
  }

  #called(helper: number): void {
    if (helper === LOAD_BYTES || helper === XDP_LOAD_BYTES) {
      const copy = { at: this.word(3), bytes: this.word(4), packetOff: this.word(2) };
      this.#overwrite(copy.at, Math.min(copy.bytes, 4096));
      this.#copies = [...this.#copies.slice(1 - MAX_COPIES), copy];
    }
    this.#registers.fill(undefined, 0, 6);
  }
}
