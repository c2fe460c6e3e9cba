/**
 * From an object's functions to the interpreter's code: one Int32Array of fixed-size instructions with jump targets, addresses
 * of maps and the chosen checks worked in. Immutable afterwards. Knows a layout, no machine.
 */
import { InvariantError, LoadError, must } from '../../errors.js';
import { flowOf } from '../../isa/flow.js';
import type { Insn } from '../../isa/insn.js';
import { slotsOf } from '../../isa/insn.js';
import { counterPtr, functionPtr } from '../../machine/layout.js';
import type { Layout } from '../../machine/layout.js';
import type { FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import { helperById } from '../../spec/helpers.js';
import { INSN_ROWS } from '../../spec/insns.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { TrapName } from '../../spec/traps.js';
import { isCallback } from '../../helpers/helper.js';
import { calleeNameOf, implementationOf } from '../callee.js';
import type { CalleeName } from '../callee.js';
import type { Checks } from '../engine.js';
import { OPS } from './opcodes.js';
import type { Op } from './opcodes.js';

/** 0 op, 1 dst word, 2 src word, 3 target or off, 4 imm, 5 imm high, 6 function, 7 instruction. */
export const INSN_WORDS = 8;

export interface Code {
  readonly words: Int32Array;
  /** Offset of each function's first instruction. */
  readonly entries: readonly number[];
  /** Helpers and kfuncs called, plain and calling back; word 4 of their calls indexes this. */
  readonly helpers: readonly CalleeName[];
}

/** @throws LoadError `load-insn` where a jump leaves its function */
export function lower(object: ObjectSpec, layout: Layout, checks: Checks): Code {
  const lowering = new Lowering(object, layout, checks);
  const entries = object.functions.map((func, index) => lowering.addFunction(func, index));
  return { words: lowering.finish(), entries, helpers: lowering.helpers };
}

class Lowering {
  readonly helpers: CalleeName[] = [];
  readonly #layout: Layout;
  readonly #checks: Checks;
  #words: number[] = [];

  constructor(_object: ObjectSpec, layout: Layout, checks: Checks) {
    this.#layout = layout;
    this.#checks = checks;
  }

  finish(): Int32Array {
    return Int32Array.from(this.#words);
  }

  addFunction(func: FunctionSpec, index: number): number {
    const entry = this.#words.length;
    const blocks = this.#checks.counters ? flowOf(func.insns, func.name).blocks : [];
    const blockAt = new Map(blocks.map(({ first }, block) => [first, block]));
    const starts = new Map<number, number>();
    let next = entry;
    for (const [i, { pc }] of func.insns.entries()) {
      starts.set(pc, next);
      next += (blockAt.has(i) ? 2 : 1) * INSN_WORDS;
    }
    /** Back edges that pass a fuel check: word to patch, target, the jump's instruction. */
    const backEdges: { readonly word: number; readonly target: number; readonly insn: number }[] = [];
    for (const [i, insn] of func.insns.entries()) {
      const block = blockAt.get(i);
      if (block !== undefined) {
        this.#words.push(OPS.count_block, 0, 0, counterPtr(this.#layout, index, block) >>> 2, 0, 0, index, i);
      }
      const at = this.#words.length;
      this.#words.push(0, 2 * insn.dst, 2 * insn.src, insn.off, insn.imm, insn.imm >> 31, index, i);
      const jump = jumpOf(insn);
      if (jump !== undefined) {
        const target = starts.get(insn.pc + slotsOf(insn) + jump);
        if (target === undefined) {
          throw new LoadError(
            'load-insn',
            `jump out of range from insn ${String(insn.pc)} to ${String(insn.pc + 1 + jump)}`,
            {
              data: { pc: insn.pc },
              where: { func: func.name, pc: insn.pc },
            },
          );
        }
        this.#words[at + 3] = target;
        if (this.#checks.fuel && target <= at) backEdges.push({ word: at + 3, target, insn: i });
      }
      this.#words[at] = OPS[this.#opFor(func, insn, i, at)];
    }
    this.#words.push(OPS.fall_off, 0, 0, 0, 0, 0, index, func.insns.length - 1);
    for (const { word, target, insn } of backEdges) {
      this.#words[word] = this.#words.length;
      this.#words.push(OPS.goto_fuel, 0, 0, target, 0, 0, index, insn);
    }
    return entry;
  }

  #opFor(func: FunctionSpec, insn: Insn, index: number, at: number): Op {
    const { name } = insn;
    if (INSN_ROWS[name].unsupported === true) return this.#trapAt(at, 'unsupported-insn');
    switch (name) {
      case 'lddw':
        this.#words[at + 5] = insn.immHi;
        return this.#poisoned(func, index, at) ?? 'lddw';
      case 'ld_map_fd':
      case 'ld_map_value':
      case 'ld_map_idx':
      case 'ld_map_idx_value':
      case 'ld_func':
        return this.#loadAddress(func, index, at);
      case 'call_local': {
        const ref = func.refs.get(index);
        if (ref?.kind !== 'call') return this.#trapAt(at, 'unsupported-ref');
        this.#words[at + 3] = ref.func;
        return 'call_local';
      }
      case 'call_kfunc':
        return this.#call(calleeNameOf(func, index), at) ?? this.#trapAt(at, 'unsupported-ref');
      case 'call_helper':
        return this.#poisoned(func, index, at) ?? this.#callHelper(insn.imm, at);
      case 'ja':
      case 'gotol':
        return 'goto';
      default:
        return this.#poisoned(func, index, at) ?? this.#accessOp(insn, at) ?? (name as Op);
    }
  }

  /** An instruction that the loader could not relocate runs into a trap. */
  #poisoned(func: FunctionSpec, index: number, at: number): Op | undefined {
    return func.refs.get(index)?.kind === 'unsupported' ? this.#trapAt(at, 'unsupported-ref') : undefined;
  }

  #trapAt(at: number, name: TrapName, detail = 0): 'trap' {
    this.#words[at + 3] = detail;
    this.#words[at + 4] = TRAP_CODES[name];
    return 'trap';
  }

  #loadAddress(func: FunctionSpec, index: number, at: number): Op {
    const ref = func.refs.get(index);
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
    this.#words[at + 4] = address;
    this.#words[at + 5] = 0;
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
    const callee = name === undefined ? undefined : implementationOf(name);
    if (name === undefined || callee === undefined) return undefined;
    let site = this.helpers.indexOf(name);
    if (site < 0) site = this.helpers.push(name) - 1;
    this.#words[at + 4] = site;
    return isCallback(callee) ? 'call_iterator' : 'call_helper';
  }

  #accessOp(insn: Insn, at: number): Op | undefined {
    const { name } = insn;
    const family = /^(lock|fetch|xchg|cmpxchg|load_acquire|store_release|ldabs|ldind)/.exec(name)?.[1];
    switch (family) {
      case 'ldabs':
      case 'ldind':
        return 'ld_packet';
      // One CPU runs at a time, so that order is always kept: these are plain accesses.
      case 'load_acquire':
      case 'store_release': {
        const suffix = { 8: 'b', 16: 'h', 32: 'w', 64: 'dw' }[Number(/\d+$/.exec(name)?.[0])];
        return this.#checked(`${family === 'load_acquire' ? 'ldx' : 'stx'}${must(suffix, 'a width')}` as Op);
      }
      case undefined:
        return /^(ldx|stx|st)(s?)(b|h|w|dw)$/.test(name) ? this.#checked(name as Op) : undefined;
      default:
        this.#words[at + 5] = this.#checks.memory ? 1 : 0;
        return name.endsWith('64') ? 'atomic64' : 'atomic32';
    }
  }

  #checked(op: Op): Op {
    if (!this.#checks.memory) return op;
    const checked = `${op}_checked`;
    if (!(checked in OPS)) throw new InvariantError(`no checked form of ${op}`);
    return checked as Op;
  }
}

/** Slots from behind the instruction to its target, for the instructions that jump. */
function jumpOf(insn: Insn): number | undefined {
  const { operands } = INSN_ROWS[insn.name];
  if (operands.includes('jump16')) return insn.off;
  return operands.includes('jump32') ? insn.imm : undefined;
}
