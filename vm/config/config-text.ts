/**
 * A YAML text as plain values, with the place in the text of each: mistakes that are found later, against a schema or an
 * object, still say line and column. JSON is YAML, so it is read too. Knows no key.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, ParsedNode, YAMLMap, YAMLSeq } from 'yaml';
import { ConfigError, ConfigErrors } from '../errors.js';
import type { Where } from '../errors.js';

/** Larger texts are refused: nobody wrote them by hand. */
export const MAX_CONFIG_BYTES = 4 << 20;
const MAX_DEPTH = 64;
/** Values after aliases are followed, so that a text of a few lines cannot become gigabytes. */
const MAX_VALUES = 1_000_000;
const MAX_SYNTAX_ERRORS = 20;
/** Lines longer than this are not quoted. */
const MAX_LINE_CHARS = 400;

/** Steps from the top to a value. */
export type ConfigPath = readonly PropertyKey[];

/** What a mistake is, for programs. */
export type ConfigProblem =
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing'
  | 'type'
  | 'choice'
  | 'range'
  | 'form'
  | 'unknown-name'
  | 'refused'
  | 'unsupported';

export interface FaultDetails {
  readonly at?: 'key' | 'value';
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Where values of a config stand. */
export interface ConfigPlaces {
  readonly file: string;
  /**
   * @param at `key`: the key that leads there
   * @returns the place of a value; where the path leaves the text, that of the last one on the way
   */
  where(path: ConfigPath, at?: 'key' | 'value'): Where;
  /** A mistake at a value or its key. */
  fault(path: ConfigPath, problem: ConfigProblem, message: string, details?: FaultDetails): ConfigError;
}

interface Spot {
  readonly keyOff: number;
  readonly valueOff: number;
  readonly children: Map<string, Spot>;
}

type Node = ParsedNode | YAMLMap | YAMLSeq | null | undefined;

export class ConfigText implements ConfigPlaces {
  readonly file: string;
  readonly value: unknown;
  /** Mistakes that leave the rest readable: keys that come twice, unknown tags. */
  readonly faults: readonly ConfigError[];
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #root: Spot;
  #values = 0;

  /** @throws ConfigErrors `config-value` where the text is no YAML, nests too deeply or explodes */
  constructor(text: string, file: string) {
    this.file = file;
    this.#text = text;
    if (text.length > MAX_CONFIG_BYTES) {
      throw new ConfigError('config-file', `${String(text.length)} bytes are more than skep reads of a config`, {
        where: { file },
        data: { bytes: text.length, most: MAX_CONFIG_BYTES },
      });
    }
    this.#document = this.#parse();
    const isBroken = this.#document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
    this.faults = [...this.#document.errors, ...this.#document.warnings]
      .slice(0, MAX_SYNTAX_ERRORS)
      .map(({ code, message, pos }) =>
        this.#fault(pos[0], code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'syntax', message.split('\n')[0] ?? message),
      );
    if (isBroken) throw new ConfigErrors(this.faults);
    this.#root = { keyOff: 0, valueOff: 0, children: new Map() };
    this.value = this.#read(this.#document.contents, this.#root, 0);
  }

  where(path: ConfigPath, at: 'key' | 'value' = 'value'): Where {
    let spot = this.#root;
    let left = path.length;
    for (const step of path) {
      const next = spot.children.get(String(step));
      if (next === undefined) break;
      spot = next;
      left--;
    }
    return this.#whereAt(at === 'key' || left > 0 ? spot.keyOff : spot.valueOff);
  }

  fault(path: ConfigPath, problem: ConfigProblem, message: string, details: FaultDetails = {}): ConfigError {
    const { at, hint, cause } = details;
    const name = pathText(path);
    return new ConfigError(
      problem === 'unsupported' ? 'config-unsupported' : 'config-value',
      `${name === '' ? '' : `${name}: `}${message}`,
      {
        data: { path: name, problem },
        where: this.where(path, at),
        ...(hint === undefined ? {} : { hint }),
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }

  #parse(): Document.Parsed {
    const options = {
      lineCounter: this.#lines,
      prettyErrors: false,
      intAsBigInt: true,
      schema: 'core',
      logLevel: 'error',
    } as const;
    try {
      return parseDocument(this.#text, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new ConfigErrors([this.#fault(0, 'syntax', 'this nests too deeply')]);
    }
  }

  #fault(off: number, problem: ConfigProblem, message: string): ConfigError {
    return new ConfigError('config-value', message, { data: { path: '', problem }, where: this.#whereAt(off) });
  }

  #whereAt(off: number): Where {
    // Errors at the end of the text lie behind its last character.
    const { line, col } = this.#lines.linePos(Math.min(off, this.#text.length));
    const start = this.#lines.lineStarts[line - 1] ?? 0;
    const text = /^[^\r\n]*/.exec(this.#text.slice(start, start + MAX_LINE_CHARS + 1))?.[0] ?? '';
    // One for one, so that the column stays right; a terminal must not obey a config.
    const quote = text.length > MAX_LINE_CHARS ? {} : { text: text.replace(/(?!\t)\p{Cc}/gu, '\u00b7') };
    return { file: this.file, line: Math.max(line, 1), col: Math.max(col, 1), ...quote };
  }

  #read(node: Node, spot: Spot, depth: number): unknown {
    if (node === null || node === undefined) return null;
    const off = node.range?.[0] ?? spot.valueOff;
    if (++this.#values > MAX_VALUES) throw this.#refuse(spot.keyOff, 'aliases make too many values of this');
    if (depth > MAX_DEPTH) throw this.#refuse(off, 'this nests too deeply');
    if (isAlias(node)) {
      const target = node.resolve(this.#document) as Node;
      if (target === undefined) throw this.#refuse(off, `there is no anchor \`${node.source}\` above`);
      return this.#read(target, spot, depth + 1);
    }
    if (isScalar(node)) return scalarOf(node.value);
    if (isSeq(node)) {
      return node.items.map((item, index) => this.#child(item as Node, spot, String(index), undefined, depth));
    }
    if (isMap(node)) return this.#readMap(node, spot, depth);
    throw this.#refuse(off, 'this is no value');
  }

  #readMap(node: YAMLMap, spot: Spot, depth: number): unknown {
    const result: Record<string, unknown> = {};
    const merged: Node[] = [];
    for (const { key, value } of node.items) {
      const keyNode = key as Node;
      const off = keyNode?.range?.[0] ?? spot.valueOff;
      const target = isAlias(keyNode) ? keyNode.resolve(this.#document) : keyNode;
      if (!isScalar(target)) throw this.#refuse(off, 'a key must be a text or a number');
      const name = String(target.value);
      if (name === '__proto__') throw this.#refuse(off, `unknown key \`${name}\``);
      if (name === '<<') merged.push(value as Node);
      // What a key that comes twice says first counts; the second has been complained about.
      else if (!Object.hasOwn(result, name)) result[name] = this.#child(value as Node, spot, name, off, depth);
    }
    for (const each of merged) {
      for (const source of isSeq(each) ? each.items : [each]) this.#merge(source as Node, result, spot, depth);
    }
    return result;
  }

  /** `<<: *base`: keys of another mapping that are not given here. */
  #merge(node: Node, into: Record<string, unknown>, spot: Spot, depth: number): void {
    const from: Spot = { keyOff: spot.valueOff, valueOff: spot.valueOff, children: new Map() };
    const value = this.#read(node, from, depth + 1);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#refuse(node?.range?.[0] ?? spot.valueOff, '`<<` takes mappings');
    }
    for (const [name, each] of Object.entries(value)) {
      if (Object.hasOwn(into, name)) continue;
      into[name] = each;
      const place = from.children.get(name);
      if (place !== undefined) spot.children.set(name, place);
    }
  }

  #child(node: Node, spot: Spot, name: string, keyOff: number | undefined, depth: number): unknown {
    const target = isAlias(node) ? (node.resolve(this.#document) as Node) : node;
    // What is not written stands where its key does.
    const isNothing = isScalar(target) && target.value === null && target.source === '';
    const valueOff = (isNothing ? keyOff : target?.range?.[0]) ?? keyOff ?? spot.valueOff;
    const child: Spot = { keyOff: keyOff ?? valueOff, valueOff, children: new Map() };
    spot.children.set(name, child);
    return this.#read(node, child, depth + 1);
  }

  #refuse(off: number, message: string): ConfigErrors {
    return new ConfigErrors([this.#fault(off, 'form', message)]);
  }
}

function scalarOf(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** `services[0].vip` */
export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${String(step)}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}
