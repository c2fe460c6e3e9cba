/**
 * A probe that turns a run of engine `interp` into steps, one an instruction, as they happen; nothing is kept, so that a long run
 * costs no memory. Knows nothing of how steps are printed.
 */
import type { Ptr } from '../addr.js';
import { formatInsn } from '../asm/format.js';
import { lineAt } from '../datapath/trap-report.js';
import type { TrapReport } from '../datapath/trap-report.js';
import type { Probe } from '../engine/engine.js';
import { must } from '../errors.js';
import { jumpOf } from '../isa/flow.js';
import type { Insn } from '../isa/insn.js';
import type { Machine } from '../machine/machine.js';
import { cells, REGS_BASE } from '../memory/cells.js';
import type { FuncId, FunctionSpec, MapSpec, ObjectSpec } from '../object/object-spec.js';
import type { CtxName } from '../spec/ctx.js';
import { helperById } from '../spec/helpers.js';
import type { HelperRow } from '../spec/helper-row.js';
import { INSN_ROWS } from '../spec/insns.js';
import { CallWords } from './trace-calls.js';
import type { CallRegisters } from './trace-calls.js';
import { Pointers } from './trace-pointers.js';
import type { HelperCall, MemoryAccess, RegisterChange, TraceStep } from './trace-step.js';
import { TraceWords } from './trace-words.js';

const TAIL_CALL = 12;
const REGISTERS = 10;

/** Where an instruction accesses memory. */
interface Target {
  readonly kind: MemoryAccess['kind'];
  readonly at: Ptr;
  readonly bytes: number;
}

interface Calling {
  readonly row: HelperRow;
  readonly args: readonly string[];
  readonly map: MapSpec | undefined;
  readonly before: CallRegisters;
}

/** A frame above the program's own. */
interface OpenFrame {
  /** The function that goes on afterwards. */
  readonly caller: FuncId;
  /** What called the callback; undefined of a plain call. */
  readonly calling: Calling | undefined;
}

interface Pending {
  readonly func: FuncId;
  readonly index: number;
  readonly insn: Insn;
  readonly depth: number;
  readonly before: readonly bigint[];
  readonly target: Target | undefined;
  readonly calling: Calling | undefined;
  step: Omit<TraceStep, 'step'>;
}

export class TraceRecorder implements Probe {
  readonly #machine: Machine;
  readonly #emit: (step: TraceStep) => void;
  readonly #words: TraceWords;
  readonly #calls: CallWords;
  readonly #pointers = new Pointers();
  readonly #texts = new Map<FuncId, readonly string[]>();
  readonly #frames: OpenFrame[] = [];
  #pending: Pending | undefined;
  #steps = 0;

  /**
   * Give it as probe to `Datapath.attach` of the same machine.
   * @param ctx what the program's context is
   * @param emit called with each step once the next one begins
   */
  constructor(machine: Machine, ctx: CtxName | undefined, emit: (step: TraceStep) => void) {
    this.#machine = machine;
    this.#emit = emit;
    this.#words = new TraceWords(machine, ctx);
    this.#calls = new CallWords(machine, this.#words);
  }

  /** To be called before each run. */
  begin(): void {
    this.#words.begin();
    this.#pointers.begin();
    this.#frames.length = 0;
    this.#pending = undefined;
    this.#steps = 0;
  }

  /** To be called after each run, with the trap that ended it. */
  end(trap: TrapReport | undefined): void {
    if (this.#pending !== undefined && trap !== undefined) this.#pending.step = { ...this.#pending.step, trap };
    this.#finish(undefined);
  }

  before(func: FuncId, index: number): void {
    this.#finish({ func, index });
    const spec = must(this.#machine.object.functions[func], 'a function');
    const insn = must(spec.insns[index], 'an instruction');
    const depth = this.#depth();
    const before = this.#registers();
    this.#pending = {
      func,
      index,
      insn,
      depth,
      before,
      target: this.#target(insn, before),
      calling: this.#calling(insn, before),
      step: {
        func: spec.name,
        pc: insn.pc,
        depth,
        insn: this.#textOf(func, index),
        line: lineAt(spec, insn.pc),
        registers: [],
        memory: [],
      },
    };
  }

  after(): void {
    const pending = must(this.#pending, 'a step');
    const trapped = this.#machine.memory.word(cells.trapCode) !== 0;
    const after = this.#registers();
    const depth = this.#depth();
    const { insn, target, calling } = pending;
    let { step } = pending;
    if (calling !== undefined) step = { ...step, ...this.#called(pending, calling, after, depth, trapped) };
    if (!trapped) {
      this.#follow(pending, after, depth);
      if (target !== undefined) {
        const held = (target.bytes === 8 && this.#pointers.hasWord(target.at)) || this.#readsPacketBounds(target);
        const access = this.#words.access(target.kind, target.at, target.bytes, held);
        if (access !== undefined) step = { ...step, memory: [...step.memory, access] };
      }
      if (insn.name === 'exit' && pending.depth > 0) step = { ...step, ...this.#returned(pending, after, depth) };
      if (depth > pending.depth) this.#frames.push({ caller: pending.func, calling });
      const wroteR0 = step.call?.result !== undefined && insn.name !== 'exit';
      step = { ...step, registers: this.#changes(insn, pending.before, after, wroteR0) };
    }
    pending.step = step;
  }

  #finish(next: { readonly func: FuncId; readonly index: number } | undefined): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { insn, index, depth } = pending;
    const { object } = this.#machine;
    let { step } = pending;
    if (step.trap === undefined && next !== undefined) {
      const nextName = object.functions[next.func]?.name ?? '?';
      const distance = jumpOf(insn);
      if (distance !== undefined && insn.name !== 'ja' && insn.name !== 'gotol') {
        step = { ...step, branch: { taken: next.index !== index + 1, to: insn.pc + 1 + distance } };
      } else if (this.#depth() > depth) step = { ...step, enters: nextName };
      else if (isTailCall(insn) && next.index === 0) {
        step = { ...step, tailCall: nextName };
      }
    }
    this.#pending = undefined;
    this.#emit({ step: ++this.#steps, ...step });
  }

  #depth(): number {
    return this.#machine.memory.word(cells.depth);
  }

  #registers(): readonly bigint[] {
    const { memory } = this.#machine;
    return Array.from({ length: REGISTERS + 1 }, (_, index) => {
      const at = REGS_BASE + 8 * index;
      return (BigInt(memory.word(at + 4) >>> 0) << 32n) | BigInt(memory.word(at) >>> 0);
    });
  }

  #target(insn: Insn, registers: readonly bigint[]): Target | undefined {
    const { name, imm } = insn;
    const packetLoad = /^ld(abs|ind)(b|h|w)$/.exec(name);
    if (packetLoad !== null) {
      const off = imm + (packetLoad[1] === 'ind' ? Number(BigInt.asIntN(32, registers[insn.src] ?? 0n)) : 0);
      const { data, lengthBytes } = this.#machine.packet;
      const bytes = WIDTHS[packetLoad[2] ?? ''] ?? 4;
      return off < 0 || off + bytes > lengthBytes ? undefined : { kind: 'read', at: data + off, bytes };
    }
    const bytes = accessBytes(insn);
    if (bytes === 0) return undefined;
    const isLoad = name.startsWith('ldx') || name.startsWith('load');
    const isStore = name.startsWith('st');
    const address = (registers[isLoad ? insn.src : insn.dst] ?? 0n) + BigInt(insn.off);
    const at = Number(BigInt.asUintN(64, address));
    if (at >= 2 ** 32) return undefined;
    return { kind: isLoad ? 'read' : isStore ? 'write' : 'update', at, bytes };
  }

  #calling(insn: Insn, registers: readonly bigint[]): Calling | undefined {
    const number = calledHelper(insn, registers);
    const row = number === undefined ? undefined : helperById(number);
    if (row === undefined) return undefined;
    const flags = registers.map((_, index) => this.#pointers.has(index));
    const before = {
      value: (index: number): bigint => registers[index] ?? 0n,
      isPointer: (index: number): boolean => flags[index] ?? false,
    };
    return { row, before, args: this.#calls.args(row, before), map: this.#calls.mapOf(row, before) };
  }

  #called(
    { depth: from }: Pending,
    calling: Calling,
    after: readonly bigint[],
    depth: number,
    trapped: boolean,
  ): { readonly call: HelperCall; readonly memory: readonly MemoryAccess[] } {
    const { row, args, map, before } = calling;
    const name = `bpf_${row.name}`;
    if (trapped || depth > from || row.id === TAIL_CALL) return { call: { name, args }, memory: [] };
    const memory = this.#calls.written(row, before, map).flatMap(([at, bytes]) => {
      this.#pointers.overwrite(at, Math.min(bytes, 4096));
      return this.#words.access('write', at, bytes, false) ?? [];
    });
    return { call: { name, args, result: this.#calls.result(row, after[0] ?? 0n, map, before) }, memory };
  }

  /** Keeps track of what is a pointer. */
  #follow({ insn, target, depth: from, calling }: Pending, after: readonly bigint[], depth: number): void {
    const pointers = this.#pointers;
    if (insn.name === 'exit') {
      if (depth < from) {
        pointers.leave();
        pointers.set(0, false);
      } else if (from > 0) this.#callbackArguments(must(this.#frames.at(-1), 'a frame').calling, after);
      return;
    }
    if (depth > from) {
      pointers.enter();
      if (calling !== undefined) this.#callbackArguments(calling, after);
      return;
    }
    if (calling !== undefined) {
      pointers.set(0, calling.row.ret.endsWith('?'));
      return;
    }
    if (insn.name.startsWith('call')) return;
    if (target !== undefined && target.kind !== 'read') {
      if (insn.name !== 'stxdw' && insn.name !== 'store_release64') pointers.overwrite(target.at, target.bytes);
    }
    pointers.follow(insn, target?.at ?? 0, target !== undefined && this.#readsPacketBounds(target));
    if (/^ld(dw|_)/.test(insn.name)) pointers.set(insn.dst, insn.name !== 'lddw' || this.#hasRef());
  }

  /** Whether what is accessed is one of the ctx fields that hold packet pointers. */
  #readsPacketBounds({ kind, at, bytes }: Target): boolean {
    return kind === 'read' && bytes === 4 && (this.#words.ctxField(at)?.value?.startsWith('packet') ?? false);
  }

  #hasRef(): boolean {
    const { func, index } = must(this.#pending, 'a step');
    return this.#machine.object.functions[func]?.refs.has(index) ?? false;
  }

  #callbackArguments(calling: Calling | undefined, after: readonly bigint[]): void {
    if (calling === undefined) return;
    const { row, before, map } = calling;
    const overElements = row.name === 'for_each_map_elem';
    const pointers = overElements
      ? [true, true, true, before.isPointer(3), false]
      : [false, before.isPointer(3), false, false, false];
    pointers.forEach((is, index) => {
      this.#pointers.set(index + 1, is);
    });
    if (!overElements || map === undefined) return;
    this.#words.remember(Number(after[2]), map.keyBytes, `key of \`${map.name}\``, map.keyType);
    const value = Number(after[3]);
    this.#words.remember(value, map.valueBytes, this.#calls.valueLabel(value, map), map.valueType);
  }

  #returned(pending: Pending, after: readonly bigint[], depth: number): Partial<TraceStep> {
    const again = depth === pending.depth;
    const frame = must(again ? this.#frames.at(-1) : this.#frames.pop(), 'a frame');
    const value = this.#words.value(pending.before[0] ?? 0n, false);
    const to = this.#machine.object.functions[again ? pending.func : frame.caller]?.name ?? '?';
    const returns = { value, to, again };
    if (again) return { returns };
    if (frame.calling === undefined) return { returns };
    const { row, args, map, before } = frame.calling;
    const result = this.#calls.result(row, after[0] ?? 0n, map, before);
    return { returns, call: { name: `bpf_${row.name}`, args, result } };
  }

  #changes(
    insn: Insn,
    before: readonly bigint[],
    after: readonly bigint[],
    wroteR0: boolean,
  ): readonly RegisterChange[] {
    const changes: RegisterChange[] = [];
    for (let index = 0; index < REGISTERS; index++) {
      const value = after[index] ?? 0n;
      if (value === before[index] && !writesRegister(insn, index) && !(index === 0 && wroteR0)) continue;
      const text = this.#words.value(value, this.#pointers.has(index));
      changes.push({ name: `r${String(index)}`, value: `0x${value.toString(16)}`, text });
    }
    return changes;
  }

  #textOf(func: FuncId, index: number): string {
    let texts = this.#texts.get(func);
    if (texts === undefined) {
      const { object } = this.#machine;
      texts = insnTexts(object, must(object.functions[func], 'a function'));
      this.#texts.set(func, texts);
    }
    return texts[index] ?? '';
  }
}

const WIDTHS: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, dw: 8 };

function accessBytes({ name }: Insn): number {
  if (!INSN_ROWS[name].operands.includes('off')) return 0;
  const plain = /^(?:ldxs?|stx?)(b|h|w|dw)$/.exec(name)?.[1];
  if (plain !== undefined) return WIDTHS[plain] ?? 0;
  const bits = /^(?:lock|fetch|xchg|cmpxchg|load|store)\D*(8|16|32|64)$/.exec(name)?.[1];
  return bits === undefined ? 0 : Number(bits) / 8;
}

function calledHelper(insn: Insn, registers: readonly bigint[]): number | undefined {
  if (insn.name === 'call_helper') return insn.imm;
  const target = insn.name === 'callx' ? (registers[insn.dst] ?? 0n) : 0n;
  return target > 0n && target < 4096n ? Number(target) : undefined;
}

function isTailCall({ name, imm }: Insn): boolean {
  return name === 'call_helper' && imm === TAIL_CALL;
}

function writesRegister(insn: Insn, register: number): boolean {
  const { operands, implicit } = INSN_ROWS[insn.name];
  if (insn.name.startsWith('call')) return false;
  if (register === 0 && implicit !== undefined && (implicit.writes & 1) !== 0) return true;
  if (insn.dst === register && (operands.includes('dst:w') || operands.includes('dst:rw'))) return true;
  return insn.src === register && (operands.includes('src:w') || operands.includes('src:rw'));
}

/** The texts of a function's instructions, jumps with the slot that they lead to, maps and functions by name. */
function insnTexts(object: ObjectSpec, { insns, refs }: FunctionSpec): readonly string[] {
  return insns.map((insn, index) => {
    const labels = new Map<number, string>();
    const distance = jumpOf(insn);
    const slot = insn.pc + 1 + (distance ?? 0);
    labels.set(slot, String(slot));
    const text = refText(object, refs.get(index));
    return formatInsn(insn, { labels, ...(text === undefined ? {} : { refs: new Map([[insn.pc, text]]) }) });
  });
}

function refText(object: ObjectSpec, ref: ReturnType<FunctionSpec['refs']['get']>): string | undefined {
  switch (ref?.kind) {
    case 'map':
      return `map ${object.maps[ref.map]?.name ?? '?'}`;
    case 'map-value':
      return `${object.maps[ref.map]?.name ?? '?'}+${String(ref.off)}`;
    case 'func':
    case 'call':
      return object.functions[ref.func]?.name;
    case 'kfunc':
      return `kfunc ${ref.name}`;
    default:
      return undefined;
  }
}
