/**
 * From an object's functions to the interpreter's code: one Int32Array of fixed-size instructions with jump targets, addresses
 * of maps and the chosen checks worked in. A function is lowered when it is first entered: of what large objects hold, most runs
 * reach little. Knows a layout, no machine.
 */
import { InvariantError, must } from '../../errors.js';
import { checkJumps, flowOf, indexBySlot, jumpOf } from '../../isa/flow.js';
import type { Insn } from '../../isa/insn.js';
import { slotsOf } from '../../isa/insn.js';
import { counterPtr, functionPtr } from '../../machine/layout.js';
import type { Layout } from '../../machine/layout.js';
import type { FunctionSpec, ObjectSpec, Ref } from '../../object/object-spec.js';
import { helperById } from '../../spec/helpers.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { TrapName } from '../../spec/traps.js';
import { isCallback } from '../../helpers/helper.js';
import { calleeNameOf, calleesOf, implementationOf } from '../callee.js';
import type { CalleeName } from '../callee.js';
import type { Checks } from '../engine.js';
import { OPS } from './opcodes.js';
import type { Op } from './opcodes.js';
import { shapeOf } from './shapes.js';

/** 0 op, 1 dst word, 2 src word, 3 target or off, 4 imm, 5 imm high, 6 function, 7 instruction. */
export const INSN_WORDS = 8;

/**
 * Room that a function's code takes, in instructions.
 * @throws LoadError `load-insn` where a jump leaves its function
 */
function measure({ insns, name }: FunctionSpec, { fuel, counters }: Checks): number {
  checkJumps(insns, name);
  let more = 1;
  if (fuel) for (const insn of insns) if ((jumpOf(insn) ?? 0) < 0) more++;
  return insns.length * (counters ? 2 : 1) + more;
}

/** An object's code, as far as it has been entered. */
export class Code {
  readonly words: Int32Array;
  /** Offset of each function's first instruction; before it is entered, of one that lowers it. */
  readonly entries: readonly number[];
  /** Helpers and kfuncs called, plain and calling back; word 4 of their calls indexes this. */
  readonly helpers: readonly CalleeName[];
  readonly #object: ObjectSpec;
  readonly #layout: Layout;
  readonly #checks: Checks;
  readonly #sites: ReadonlyMap<CalleeName, number>;

  /** @throws LoadError `load-insn` where a jump leaves its function */
  constructor(object: ObjectSpec, layout: Layout, checks: Checks) {
    this.#object = object;
    this.#layout = layout;
    this.#checks = checks;
    if (checks.counters && layout.counters.length === 0)
      throw new InvariantError('counting blocks needs a layout with counters');
    let next = 0;
    this.entries = object.functions.map((func) => {
      const entry = next;
      next += INSN_WORDS * measure(func, checks);
      return entry;
    });
    this.words = new Int32Array(next);
    for (const [func, entry] of this.entries.entries()) {
      this.words[entry] = OPS.lower;
      this.words[entry + 6] = func;
    }
    this.helpers = [...calleesOf(object.functions)].filter((name) => implementationOf(name) !== undefined);
    this.#sites = new Map(this.helpers.map((name, site) => [name, site]));
  }

  /** Lowers the function that holds `pc`, if nobody has: a run may have got there in other code of the same object. */
  lowerAt(pc: number): void {
    let func = this.entries.length - 1;
    while (func > 0 && this.entries[func]! > pc) func--;
    if (this.words[this.entries[func]!] === OPS.lower) this.lower(func);
  }

  /** Lowers a function where its code is to be. */
  lower(index: number): void {
    const func = must(this.#object.functions[index], 'a function');
    const entry = must(this.entries[index], 'an entry');
    const { words } = this;
    const { insns, refs } = func;
    const { fuel, memory, counters } = this.#checks;
    const blocks = counters ? flowOf(insns, func.name).blocks : [];
    const blockAt = new Map(blocks.map(({ first }, block) => [first, block]));
    const slots = indexBySlot(insns);
    /** Where each instruction's code begins, its block's counter included. */
    const startOf = (insn: number): number => entry + INSN_WORDS * (insn + (blocks.length === 0 ? 0 : before[insn]!));
    /** Counters in front of each instruction. */
    const before = new Int32Array(counters ? insns.length : 0);
    if (counters) for (let i = 1; i < before.length; i++) before[i] = before[i - 1]! + (blockAt.has(i - 1) ? 1 : 0);
    let at = entry;
    const put = (op: number, target: number, insn: number): void => {
      words[at] = op;
      words[at + 3] = target;
      words[at + 6] = index;
      words[at + 7] = insn;
      at += INSN_WORDS;
    };
    /** Back edges that pass a fuel check: word to patch, target, the jump's instruction. */
    const backEdges: number[] = [];
    for (let i = 0; i < insns.length; i++) {
      const insn = must(insns[i], 'an instruction');
      const block = blockAt.get(i);
      if (block !== undefined) put(OPS.count_block, counterPtr(this.#layout, index, block) >>> 2, i);
      const { op, checked, atomic, unsupported } = shapeOf(insn.name);
      const jump = jumpOf(insn);
      const here = at;
      words[here + 1] = 2 * insn.dst;
      words[here + 2] = 2 * insn.src;
      words[here + 4] = insn.imm;
      words[here + 5] = atomic ? (memory ? 1 : 0) : insn.imm >> 31;
      let target = insn.off;
      if (jump !== undefined) {
        target = startOf(must(slots[insn.pc + slotsOf(insn) + jump], 'a target') - 1);
        if (fuel && target <= here) backEdges.push(here + 3, target, i);
      }
      put(memory ? checked : op, target, i);
      const placed = unsupported
        ? this.#trapAt(here, 'unsupported-insn')
        : this.#placed(insn, refs.get(i), func, i, here);
      if (placed !== undefined) words[here] = OPS[placed];
    }
    put(OPS.fall_off, 0, insns.length - 1);
    for (let edge = 0; edge < backEdges.length; edge += 3) {
      words[backEdges[edge]!] = at;
      put(OPS.goto_fuel, backEdges[edge + 1]!, backEdges[edge + 2]!);
    }
  }

  /** The opcode where not the name alone decides. */
  #placed(insn: Insn, ref: Ref | undefined, func: FunctionSpec, index: number, at: number): Op | undefined {
    switch (insn.name) {
      case 'ld_map_fd':
      case 'ld_map_value':
      case 'ld_map_idx':
      case 'ld_map_idx_value':
      case 'ld_func':
        return this.#loadAddress(ref, at);
      case 'call_local':
        if (ref?.kind !== 'call') return this.#trapAt(at, 'unsupported-ref');
        this.words[at + 3] = ref.func;
        return 'call_local';
      case 'call_kfunc':
        return this.#call(calleeNameOf(func, index), at) ?? this.#trapAt(at, 'unsupported-ref');
      case 'ja':
      case 'gotol':
        return undefined;
      default:
        // An instruction that the loader could not relocate runs into a trap.
        if (ref?.kind === 'unsupported') return this.#trapAt(at, 'unsupported-ref');
        if (insn.name === 'call_helper') return this.#callHelper(insn.imm, at);
        if (insn.name === 'lddw') this.words[at + 5] = insn.immHi;
        return undefined;
    }
  }

  #trapAt(at: number, name: TrapName, detail = 0): 'trap' {
    this.words[at + 3] = detail;
    this.words[at + 4] = TRAP_CODES[name];
    return 'trap';
  }

  #loadAddress(ref: Ref | undefined, at: number): Op {
    let address: number;
    switch (ref?.kind) {
      case 'map':
        address = must(this.#layout.maps[ref.map], 'a placed map').descriptor;
        break;
      case 'map-value':
        address = must(this.#layout.maps[ref.map], 'a placed map').base + ref.off;
        break;
      case 'func':
        address = functionPtr(this.#layout, ref.func);
        break;
      default:
        return this.#trapAt(at, 'unsupported-ref');
    }
    this.words[at + 4] = address;
    this.words[at + 5] = 0;
    return 'lddw';
  }

  #callHelper(id: number, at: number): Op {
    const row = helperById(id);
    if (row === undefined) return this.#trapAt(at, 'unknown-helper', id);
    if (row.name === 'tail_call') return 'tail_call';
    return this.#call(row.name, at) ?? this.#trapAt(at, 'unsupported-helper', id);
  }

  /** Undefined where skep has no implementation. */
  #call(name: CalleeName | undefined, at: number): Op | undefined {
    const site = name === undefined ? undefined : this.#sites.get(name);
    if (name === undefined || site === undefined) return undefined;
    this.words[at + 4] = site;
    return isCallback(must(implementationOf(name), name)) ? 'call_iterator' : 'call_helper';
  }
}
