/** A trace as people read it: each C line, below it its instructions and what they did. Knows no machine. */
import { styleText } from 'node:util';
import type { HelperCall, MemoryAccess, RegisterChange, TraceStep } from '../vm/index.js';
import type { Fold } from './trace-fold.js';

/** Where what an instruction did begins. */
const EFFECT_COLUMN = 48;
const INDENT = '  ';
const TAIL_CALL = 'bpf_tail_call';

export class TraceText {
  readonly #colours: boolean;
  #place = '';

  constructor(colours: boolean) {
    this.#colours = colours;
  }

  /** The lines of a step, or of steps that were left out. */
  render(item: TraceStep | Fold): string {
    return 'steps' in item ? this.#fold(item) : this.#step(item);
  }

  #step(step: TraceStep): string {
    const indent = INDENT.repeat(step.depth);
    const head = this.#source(step, indent);
    const left = `${indent}${String(step.pc).padStart(5)}: ${step.insn}`;
    const effects = effectsOf(step);
    const gap = ' '.repeat(Math.max(2, EFFECT_COLUMN - left.length));
    const line = effects.length === 0 ? left : `${left}${gap}${this.#paint('cyan', effects.join('; '))}`;
    const trap = step.trap === undefined ? '' : `${indent}       ${this.#paint('red', `trap: ${step.trap.message}`)}\n`;
    return `${head}${line}\n${trap}`;
  }

  /** The C line, where it is another than that of the step before. */
  #source({ func, depth, line }: TraceStep, indent: string): string {
    const at = line === undefined ? func : `${line.file.replace(/^(?:\.\/)+/, '')}:${String(line.line)}`;
    const place = `${String(depth)} ${func} ${at}`;
    if (place === this.#place) return '';
    this.#place = place;
    const text = line === undefined ? `${func}:` : `${at}: ${line.text.trim()}`;
    return `${indent}${this.#paint('yellow', text)}\n`;
  }

  #fold({ steps, depth, registers }: Fold): string {
    this.#place = '';
    const left = `${INDENT.repeat(depth)}  ...: ${String(steps)} insn${steps === 1 ? '' : 's'} of further rounds`;
    const gap = ' '.repeat(Math.max(2, EFFECT_COLUMN - left.length));
    const line = registers.length === 0 ? left : `${left}${gap}${registers.map(changeText).join('; ')}`;
    return `${this.#paint('dim', line)}\n`;
  }

  #paint(style: 'cyan' | 'yellow' | 'red' | 'dim', text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }
}

function effectsOf(step: TraceStep): readonly string[] {
  const { registers, memory, call, branch, enters, tailCall, returns } = step;
  const effects: string[] = [];
  const [only] = memory;
  // A load says where its register's value is from, in one go.
  const isLoad = call === undefined && memory.length === 1 && only?.kind === 'read';
  if (returns !== undefined) {
    effects.push(`returns ${returns.value}${returns.again ? `; ${returns.to} again` : ` to ${returns.to}`}`);
  }
  if (call !== undefined) effects.push(callText(call));
  if (!isLoad) effects.push(...memory.map(storeText));
  const shown = call?.result === undefined ? registers : registers.filter(({ name }) => name !== 'r0');
  effects.push(...shown.map((change, index) => (isLoad && index === 0 ? loadText(change, only) : changeText(change))));
  if (branch !== undefined) effects.push(branch.taken ? 'taken' : 'not taken');
  if (enters !== undefined) effects.push(call === undefined ? `calls ${enters}` : `calls back ${enters}`);
  if (call?.name === TAIL_CALL && step.trap === undefined && tailCall === undefined) effects.push('falls through');
  if (tailCall !== undefined) effects.push(`goes on in ${tailCall}`);
  return effects;
}

function changeText({ name, text }: RegisterChange): string {
  return `${name} = ${text}`;
}

function placeText({ place, field }: MemoryAccess): string {
  return field === undefined ? place : `${place} (${field})`;
}

function loadText(change: RegisterChange, access: MemoryAccess): string {
  const from = `${changeText(change)} from ${placeText(access)}`;
  return access.text === change.text || String(Number(change.value)) === access.text ? from : `${from}: ${access.text}`;
}

function storeText(access: MemoryAccess): string {
  return `${placeText(access)} = ${access.text}`;
}

function callText({ name, args, result }: HelperCall): string {
  return `${name}(${args.join(', ')})${result === undefined ? '' : ` -> ${result}`}`;
}
