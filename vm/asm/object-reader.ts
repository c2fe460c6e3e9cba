/** Takes an object's statements in: sections, labels, directives, data and map declarations. Resolves no names. */
import { SLOT_BYTES } from '../isa/insn.js';
import { encodeText } from '../host.js';
import { MAP_FLAGS, MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { DirectiveName } from './directives.js';
import type { AsmFaults } from './faults.js';
import { quote } from './lex.js';
import type { Token } from './lex.js';
import { definitionBytes } from './object-btf.js';
import type { MapDefinition } from './object-btf.js';
import type { DirectiveStatement, Statement } from './parse.js';
import { DataRun, newSection, parseFlags } from './sections.js';
import type { AsmSection } from './sections.js';
import { suggestion } from '../suggest.js';

export interface Definition {
  readonly section: AsmSection;
  /** Byte offset. */
  readonly off: number;
  readonly at: Token;
  /** Known for maps; else it follows from what comes next. */
  readonly sizeBytes?: number;
}

export type Binding = 'global' | 'weak' | 'extern';

/** All data of a text together; a typing mistake in `.zero` must not take the machine's memory. */
const MAX_DATA_BYTES = 64 * 1024 * 1024;

/** `.map` keys and the members they become, in the order in which they are written. */
const MAP_MEMBERS: readonly (readonly [key: string, member: string])[] = [
  ['type', 'type'],
  ['key', 'key_size'],
  ['value', 'value_size'],
  ['entries', 'max_entries'],
  ['flags', 'map_flags'],
  ['extra', 'map_extra'],
  ['pinning', 'pinning'],
];
const MAP_KEYS = [...MAP_MEMBERS.map(([key]) => key), 'inner'];

export class ObjectReader {
  readonly sections: AsmSection[] = [];
  readonly definitions = new Map<string, Definition>();
  readonly declared = new Map<string, { readonly binding: Binding; readonly at: Token }>();
  readonly declaredFunctions = new Set<string>();
  readonly maps: MapDefinition[] = [];
  private readonly faults: AsmFaults;
  private current: AsmSection | undefined;
  private dataBytes = 0;

  constructor(faults: AsmFaults) {
    this.faults = faults;
  }

  read(statement: Statement): void {
    if (statement.kind === 'directive') {
      this.directives[statement.name as DirectiveName](statement);
      return;
    }
    const section = this.section();
    const { content } = section;
    if (statement.kind === 'label') {
      this.define(statement.name, statement.at, section);
    } else if (content.kind === 'code') {
      content.run.add(statement);
    } else {
      const hint = 'open a section for code, such as .section "xdp"';
      this.faults.add('asm-section', `the section ${section.name} holds data, not instructions`, statement.at, hint);
    }
  }

  /** Gives code sections whose first instruction has no label one: the section's name, made a word. */
  nameEntries(): void {
    const named = new Set([...this.definitions.values()].filter(({ off }) => off === 0).map(({ section }) => section));
    for (const section of this.sections) {
      const { content } = section;
      if (content.kind !== 'code' || content.run.slots === 0 || named.has(section)) continue;
      const word = section.name.replace(/^[^A-Za-z_]+/, '').replace(/\W/g, '_') || 'prog';
      let name = word;
      for (let i = 1; this.definitions.has(name) || this.declared.has(name); i++) name = `${word}_${String(i)}`;
      content.run.labels.set(name, 0);
      this.definitions.set(name, { section, off: 0, at: { kind: 'word', text: name, line: 1, col: 1 } });
    }
  }

  private section(): AsmSection {
    this.current ??= this.enter('.text');
    return this.current;
  }

  private enter(name: string, flags?: number, noBits?: boolean): AsmSection {
    let section = this.sections.find((each) => each.name === name);
    if (section === undefined) {
      section = newSection(name, flags, noBits);
      this.sections.push(section);
    }
    this.current = section;
    return section;
  }

  private define(name: string, at: Token, section: AsmSection, sizeBytes?: number): void {
    const { content } = section;
    if (this.definitions.has(name)) {
      this.faults.add('asm-duplicate', `${quote(name)} is already defined`, at, undefined, { label: name });
      return;
    }
    const off = content.kind === 'code' ? content.run.slots * SLOT_BYTES : content.run.sizeBytes;
    content.run.labels.set(name, content.kind === 'code' ? content.run.slots : off);
    this.definitions.set(name, { section, off, at, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
  }

  private readonly directives: Readonly<Record<DirectiveName, (statement: DirectiveStatement) => void>> = {
    '.section': (statement) => {
      this.openSection(statement);
    },
    '.text': (statement) => {
      this.openNamed(statement);
    },
    '.data': (statement) => {
      this.openNamed(statement);
    },
    '.rodata': (statement) => {
      this.openNamed(statement);
    },
    '.bss': (statement) => {
      this.openNamed(statement);
    },
    '.globl': (statement) => {
      this.declare(statement, 'global');
    },
    '.global': (statement) => {
      this.declare(statement, 'global');
    },
    '.weak': (statement) => {
      this.declare(statement, 'weak');
    },
    '.extern': (statement) => {
      this.declare(statement, 'extern');
    },
    '.func': (statement) => {
      const [name] = this.expectWords(statement, 1);
      if (name === undefined) return;
      this.declaredFunctions.add(name.text);
      this.define(name.text, name, this.section());
    },
    '.license': (statement) => {
      this.license(statement);
    },
    '.map': (statement) => {
      this.map(statement);
    },
    '.byte': (statement) => {
      this.numbers(statement, 1);
    },
    '.short': (statement) => {
      this.numbers(statement, 2);
    },
    '.long': (statement) => {
      this.numbers(statement, 4);
    },
    '.quad': (statement) => {
      this.numbers(statement, 8);
    },
    '.ascii': (statement) => {
      this.strings(statement, false);
    },
    '.asciz': (statement) => {
      this.strings(statement, true);
    },
    '.zero': (statement) => {
      this.zero(statement);
    },
  };

  private openNamed({ name, args }: DirectiveStatement): void {
    if (this.expectEnd(args, 0)) this.enter(name);
  }

  private openSection({ args, end }: DirectiveStatement): void {
    const [name, comma, letters, comma2, at, type] = args;
    if (name === undefined || (name.kind !== 'string' && name.kind !== 'word') || name.text === '') {
      this.faults.add('asm-directive', 'expected the name of a section', name ?? end, 'write .section "xdp"');
      return;
    }
    if (name.text.includes('\0')) {
      this.faults.add('asm-directive', 'a section name cannot contain a zero byte', name);
      return;
    }
    if (comma === undefined) {
      this.enter(name.text);
      return;
    }
    const flags = letters?.kind === 'string' && comma.text === ',' ? parseFlags(letters.text) : undefined;
    if (flags === undefined) {
      this.faults.add('asm-directive', 'expected the flags of the section, such as "ax"', letters ?? comma);
      return;
    }
    const typed = comma2 === undefined || (comma2.text === ',' && at?.text === '@' && type?.kind === 'word');
    if (!typed || (type !== undefined && type.text !== 'nobits' && type.text !== 'progbits')) {
      this.faults.add('asm-directive', 'expected @progbits or @nobits', type ?? at ?? comma2 ?? end);
      return;
    }
    if (!this.expectEnd(args, comma2 === undefined ? 3 : 6)) return;
    const known = this.sections.find((each) => each.name === name.text);
    if (known !== undefined && known.flags !== flags) {
      this.faults.add('asm-section', `the section ${quote(name.text)} has other flags already`, letters ?? name);
    }
    this.enter(name.text, flags, type === undefined ? undefined : type.text === 'nobits');
  }

  private declare(statement: DirectiveStatement, binding: Binding): void {
    for (const name of this.expectWords(statement)) {
      const known = this.declared.get(name.text);
      // `.weak` says more than `.globl` or `.extern`.
      if (known?.binding !== 'weak') this.declared.set(name.text, { binding, at: name });
    }
  }

  private license(statement: DirectiveStatement): void {
    const [text] = statement.args;
    if (text?.kind !== 'string' || !this.expectEnd(statement.args, 1)) {
      const hint = 'write .license "Dual BSD/GPL"';
      this.faults.add('asm-directive', 'expected the license in quotes', text ?? statement.end, hint);
      return;
    }
    const before = this.current;
    const section = this.enter('license');
    this.define('_license', statement.at, section);
    if (!this.declared.has('_license')) this.declared.set('_license', { binding: 'global', at: statement.at });
    if (section.content.kind === 'data') this.addData(section.content.run, encodeText(`${text.text}\0`), statement.at);
    this.current = before;
  }

  private map({ at, args, end }: DirectiveStatement): void {
    const name = args[0];
    if (name?.kind !== 'word') {
      this.faults.add('asm-map', 'expected the name of a map', name ?? end, '.map NAME, type=hash, key=4, ...');
      return;
    }
    const values = new Map<string, bigint>();
    let inner: string | undefined;
    let i = 1;
    while (i < args.length) {
      const [comma, key, equals] = args.slice(i, i + 3);
      if (comma?.text !== ',' || key?.kind !== 'word' || equals?.text !== '=') {
        this.faults.add('asm-map', 'expected , KEY=VALUE', comma ?? end, `keys are ${MAP_KEYS.join(', ')}`);
        return;
      }
      if (!MAP_KEYS.includes(key.text)) {
        const hint = suggestion(key.text, MAP_KEYS) ?? `keys are ${MAP_KEYS.join(', ')}`;
        this.faults.add('asm-map', `maps have no ${quote(key.text)}`, key, hint, { key: key.text });
        return;
      }
      if (values.has(key.text)) {
        this.faults.add('asm-duplicate', `${quote(key.text)} is given twice`, key);
        return;
      }
      i += 3;
      const start = i;
      while (i < args.length && args[i]?.text !== ',') i++;
      const words = args.slice(start, i);
      if (key.text === 'inner') {
        inner = this.innerMap(words, equals);
        if (inner === undefined) return;
        continue;
      }
      const value = this.mapValue(key.text, words, args[i] ?? end);
      if (value === undefined) return;
      values.set(key.text, value);
    }
    if (!values.has('type')) {
      this.faults.add('asm-map', `the map ${quote(name.text)} has no type`, name, 'add type=hash or another map type');
      return;
    }
    const members = MAP_MEMBERS.flatMap(([key, member]) => {
      const value = values.get(key);
      return value === undefined ? [] : [[member, Number(value)] as const];
    });
    const definition: MapDefinition = { name: name.text, members, ...(inner === undefined ? {} : { inner }) };
    const before = this.current;
    const section = this.enter('.maps');
    const { content } = section;
    if (content.kind === 'data') {
      const sizeBytes = definitionBytes(definition);
      this.define(name.text, name, section, sizeBytes);
      content.run.skip(sizeBytes);
      this.maps.push(definition);
      if (!this.declared.has(name.text)) this.declared.set(name.text, { binding: 'global', at });
    }
    this.current = before;
  }

  private innerMap(words: readonly Token[], at: Token): string | undefined {
    const [name] = words;
    if (words.length === 1 && name !== undefined && this.maps.some((map) => map.name === name.text)) return name.text;
    const names = this.maps.map((map) => map.name);
    const hint = (name && suggestion(name.text, names)) ?? 'declare the inner map before';
    this.faults.add('asm-map', 'expected the name of a map declared before', name ?? at, hint);
    return undefined;
  }

  /** A number, a map type, or flags joined by `|`. */
  private mapValue(key: string, words: readonly Token[], end: Token): bigint | undefined {
    let value = 0n;
    const at = words[0] ?? end;
    for (let i = 0; i < words.length || i === 0; i += 2) {
      const word = words[i];
      const bar = words[i - 1];
      if (word === undefined || (bar !== undefined && (bar.text !== '|' || key !== 'flags'))) {
        this.faults.add('asm-map', `expected a value for ${key}`, bar ?? at);
        return undefined;
      }
      const number = word.kind === 'number' ? word.value : namedMapValue(key, word.text);
      if (number === undefined) {
        const names = key === 'flags' ? Object.keys(MAP_FLAGS) : Object.keys(MAP_TYPE_ROWS);
        const hint = key === 'flags' || key === 'type' ? suggestion(word.text, names) : 'write a number';
        this.faults.add('asm-map', `${quote(word.text)} is no value for ${key}`, word, hint, { key, value: word.text });
        return undefined;
      }
      value |= number;
    }
    if (words.length % 2 === 0) {
      this.faults.add('asm-map', `expected a value for ${key}`, end);
      return undefined;
    }
    if (value > 0xffff_ffffn) {
      this.faults.add('asm-range', `${key}=${String(value)} does not fit 32 bits`, at, undefined, { key, value });
      return undefined;
    }
    return value;
  }

  private numbers({ at, args, end, name }: DirectiveStatement, width: 1 | 2 | 4 | 8): void {
    const { content } = this.section();
    // A .quad among instructions is a slot.
    const run = content.kind === 'code' && width === 8 ? content.run : this.dataRun(at, name);
    if (run === undefined) return;
    for (let i = 0; i === 0 || i < args.length; i++) {
      if (i > 0 && args[i]?.text !== ',') {
        this.faults.add('asm-directive', "expected ',' or the end of the line", args[i] ?? end);
        return;
      }
      if (i > 0) i++;
      const negative = args[i]?.kind === 'sign' && args[i]?.text === '-';
      if (negative) i++;
      const token = args[i];
      if (token?.kind === 'number') {
        const value = negative ? -(token.value ?? 0n) : (token.value ?? 0n);
        const bits = BigInt(width * 8);
        if (value < -(1n << (bits - 1n)) || value >= 1n << bits) {
          this.faults.add('asm-range', `${String(value)} does not fit ${String(width)} bytes`, token);
        } else if (run instanceof DataRun) {
          this.addData(run, littleEndian(value, width), token);
        } else {
          run.addRaw(value);
        }
      } else if (token?.kind === 'word' && !negative && width === 8 && run instanceof DataRun) {
        run.uses.push({ off: run.sizeBytes, symbol: token });
        this.addData(run, new Uint8Array(8), token);
      } else {
        const hint = token?.kind === 'word' ? 'only .quad in data takes names' : undefined;
        this.faults.add('asm-directive', `${name} takes numbers`, token ?? end, hint);
        return;
      }
    }
  }

  private strings({ at, args, end, name }: DirectiveStatement, terminated: boolean): void {
    const run = this.dataRun(at, name);
    if (run === undefined) return;
    for (let i = 0; i === 0 || i < args.length; i += 2) {
      const token = args[i];
      const comma = args[i - 1];
      if (token?.kind !== 'string' || (comma !== undefined && comma.text !== ',')) {
        this.faults.add('asm-directive', `${name} takes strings in quotes`, token ?? end);
        return;
      }
      const bytes = token.bytes ?? new Uint8Array();
      this.addData(run, bytes, token);
      if (terminated) this.addData(run, new Uint8Array(1), token);
    }
  }

  private zero({ at, args, end, name }: DirectiveStatement): void {
    const run = this.dataRun(at, name);
    if (run === undefined) return;
    const [count] = args;
    if (count?.kind !== 'number' || !this.expectEnd(args, 1)) {
      if (count?.kind !== 'number') this.faults.add('asm-directive', '.zero takes a number of bytes', count ?? end);
      return;
    }
    const bytes = count.value ?? 0n;
    if (bytes <= BigInt(MAX_DATA_BYTES) && this.takeRoom(Number(bytes), count)) run.skip(Number(bytes));
    else if (bytes > BigInt(MAX_DATA_BYTES)) this.tooMuch(count);
  }

  private dataRun(at: Token, name: string): DataRun | undefined {
    const section = this.section();
    if (section.content.kind === 'data') return section.content.run;
    const hint = 'open a section for data first: .data, .rodata or .bss';
    this.faults.add('asm-section', `the section ${section.name} holds instructions, not ${name}`, at, hint);
    return undefined;
  }

  private addData(run: DataRun, bytes: Uint8Array, at: Token): void {
    const section = this.section();
    if (section.type === NOBITS_TYPE && bytes.some((byte) => byte !== 0)) {
      const hint = 'put initial values into .data, and use .zero here';
      this.faults.add('asm-section', `the section ${section.name} holds only zeros`, at, hint);
      return;
    }
    if (this.takeRoom(bytes.length, at)) run.add(bytes);
  }

  private takeRoom(bytes: number, at: Token): boolean {
    this.dataBytes += bytes;
    if (this.dataBytes <= MAX_DATA_BYTES) return true;
    this.tooMuch(at);
    return false;
  }

  private tooMuch(at: Token): void {
    this.faults.add('asm-range', `data ends at ${String(MAX_DATA_BYTES)} bytes`, at, undefined, {
      max: MAX_DATA_BYTES,
    });
  }

  /** Words separated by commas; empty (and reported) if they are not. */
  private expectWords({ name, args, end }: DirectiveStatement, count?: number): readonly Token[] {
    const words = args.filter((_, index) => index % 2 === 0);
    const wrong =
      words.find(({ kind }) => kind !== 'word') ?? args.find(({ text }, index) => index % 2 === 1 && text !== ',');
    if (wrong !== undefined || args.length % 2 === 0) {
      this.faults.add('asm-directive', `${name} takes names`, wrong ?? end);
      return [];
    }
    if (count !== undefined && words.length !== count) {
      this.faults.add('asm-directive', `${name} takes ${String(count)} name`, words[count] ?? end);
      return [];
    }
    return words;
  }

  private expectEnd(args: readonly Token[], count: number): boolean {
    const extra = args[count];
    if (extra === undefined) return true;
    this.faults.add('asm-directive', `expected the end of the line, found ${quote(extra.text)}`, extra);
    return false;
  }
}

const NOBITS_TYPE = newSection('.bss').type;

function namedMapValue(key: string, name: string): bigint | undefined {
  if (key === 'flags') {
    return Object.hasOwn(MAP_FLAGS, name) ? BigInt(MAP_FLAGS[name as keyof typeof MAP_FLAGS]) : undefined;
  }
  if (key !== 'type') return undefined;
  const bare = name.toLowerCase().replace(/^bpf_map_type_/, '');
  return Object.hasOwn(MAP_TYPE_ROWS, bare) ? BigInt(MAP_TYPE_ROWS[bare as keyof typeof MAP_TYPE_ROWS].id) : undefined;
}

function littleEndian(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return bytes.subarray(0, width);
}
