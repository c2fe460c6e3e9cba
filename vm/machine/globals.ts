/**
 * Global variables of an object by name and BTF type. They live in the maps of its data sections, which programs read at
 * run time, so a variable may be set at any time between packets; a kernel freezes `.rodata` when the object is loaded.
 */
import { encodeValue, decodeValue } from '../btf/value.js';
import type { Value, ValueInput } from '../btf/value.js';
import type { Btf } from '../btf/btf.js';
import { typeText } from '../btf/c-text.js';
import { ConfigError, must } from '../errors.js';
import type { MapId, ObjectSpec, VariableSpec } from '../object/object-spec.js';
import { suggestion } from '../suggest.js';
import type { MapHandle, MapTable } from './map-table.js';

/** A variable, as a list of them shows it. */
export interface GlobalDescription {
  readonly name: string;
  /** As in `.rodata`. */
  readonly section: string;
  /** In C words. */
  readonly type: string;
}

interface Found {
  readonly btf: Btf;
  readonly variable: VariableSpec;
  readonly handle: MapHandle;
}

/** Entry 0 of an array map. */
const KEY = new Uint8Array(4);
const STEP = /\.([^.[\]]+)|\[(\d{1,9})\]/y;

export class Globals {
  readonly #object: ObjectSpec;
  readonly #maps: MapTable;

  constructor(object: ObjectSpec, maps: MapTable) {
    this.#object = object;
    this.#maps = maps;
  }

  list(): readonly GlobalDescription[] {
    const { btf, maps } = this.#object;
    if (btf === undefined) return [];
    return maps.flatMap(({ section = '', variables = [] }) =>
      variables.map(({ name, type }) => ({ name, section, type: typeText(btf, type) })),
    );
  }

  /**
   * @param path a variable's name, or a part of it: `limits.low`, `table[3]`
   * @throws ConfigError `config-value` where there is no such variable
   */
  get(path: string): Value {
    const { name, steps } = splitPath(this.#names(), path);
    const { btf, variable, handle } = this.#find(name);
    let value: Value | undefined = decodeValue(btf, variable.type, this.#bytes(handle, variable), name);
    for (const step of steps) {
      value = partOf(value, step);
    }
    if (value !== undefined) return value;
    throw new ConfigError('config-value', `global \`${name}\` has no part \`${path}\``, { data: { name, path } });
  }

  /**
   * Fields and elements that are left out stay as they are.
   * @param path a variable's name, or a part of it: `limits.low`, `table[3]`
   * @throws ConfigError `config-value` where there is no such variable or the value does not fit its type
   */
  set(path: string, value: ValueInput): void {
    const { name, steps } = splitPath(this.#names(), path);
    const { btf, variable, handle } = this.#find(name);
    let input = value;
    for (const step of steps.toReversed()) {
      if (typeof step === 'number') {
        const elements: (ValueInput | undefined)[] = [];
        this.#checkIndex(btf, variable, step, path);
        elements[step] = input;
        input = elements;
      } else input = Object.fromEntries([[step, input]]);
    }
    const existing = this.#bytes(handle, variable);
    const bytes = encodeValue(btf, variable.type, input, { existing, what: `global ${name}` });
    const section = must(handle.get(KEY), 'a data section');
    section.set(bytes, variable.off);
    handle.set(KEY, section);
  }

  /** No array of the variable can have so many elements as it has bytes and one more. */
  #checkIndex(btf: Btf, variable: VariableSpec, index: number, path: string): void {
    if (index < (btf.sizeOf(variable.type) ?? 0)) return;
    throw new ConfigError('config-value', `global \`${variable.name}\` has no part \`${path}\``, {
      data: { name: variable.name, path },
    });
  }

  #bytes(handle: MapHandle, variable: VariableSpec): Uint8Array {
    return must(handle.get(KEY), 'a data section').slice(variable.off, variable.off + variable.sizeBytes);
  }

  #names(): readonly string[] {
    return this.#object.maps.flatMap(({ variables = [] }) => variables.map(({ name }) => name));
  }

  #find(name: string): Found {
    const { btf, name: file, maps } = this.#object;
    if (btf === undefined) {
      throw new ConfigError('config-unsupported', `${file} has no BTF, its variables have no names`, {
        hint: 'compile with -g, or use the bytes of its data sections',
      });
    }
    const found = maps.flatMap(({ variables = [] }, map: MapId) =>
      variables.filter((each) => each.name === name).map((variable) => ({ variable, map })),
    );
    const [only] = found;
    if (only === undefined || found.length > 1) {
      const names = this.#names();
      throw new ConfigError(
        'config-value',
        only === undefined ? `${file} has no global \`${name}\`` : `${file} has several globals \`${name}\``,
        {
          data: { name },
          hint: suggestion(name, names) ?? (names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`),
        },
      );
    }
    return { btf, variable: only.variable, handle: this.#maps.handle(only.map) };
  }
}

function partOf(value: Value | undefined, step: string | number): Value | undefined {
  if (typeof value !== 'object' || Array.isArray(value) !== (typeof step === 'number')) return undefined;
  return Object.hasOwn(value, step) ? (value as Readonly<Record<string, Value>>)[step] : undefined;
}

/** The variable's name (static ones of functions have dots in theirs) and the steps into it. */
function splitPath(names: readonly string[], path: string): { name: string; steps: readonly (string | number)[] } {
  if (names.includes(path)) return { name: path, steps: [] };
  const name = names.find((each) => path.startsWith(`${each}.`) || path.startsWith(`${each}[`));
  if (name === undefined) return { name: path.split(/[.[]/, 1)[0] ?? path, steps: [] };
  const steps: (string | number)[] = [];
  STEP.lastIndex = name.length;
  while (STEP.lastIndex < path.length) {
    const [, field, index] = STEP.exec(path) ?? [];
    if (field === undefined && index === undefined) {
      throw new ConfigError('config-value', `global \`${path}\` is not a name with .fields and [indices]`, {
        data: { name, path },
      });
    }
    steps.push(field ?? Number(index));
  }
  return { name, steps };
}
