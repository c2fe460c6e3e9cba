/**
 * What an object holds and whether skep can run it, as plain data for tables and JSON. What is supported, the rows of
 * `spec/` say. Knows nothing of how it is printed.
 */
import type { Insn } from '../isa/insn.js';
import { slotsOf } from '../isa/insn.js';
import { helperById } from '../spec/helpers.js';
import { INSN_ROWS } from '../spec/insns.js';
import { kfuncByName } from '../spec/kfuncs.js';
import { MAP_FLAGS, MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { MapTypeName } from '../spec/map-types.js';
import { isGplCompatible, PROG_TYPE_ROWS } from '../spec/prog-types.js';
import { typeText } from '../btf/c-text.js';
import type { FunctionSpec, MapSpec, Note, ObjectSpec, ProgramSpec } from './object-spec.js';

export interface ProgramDescription {
  readonly section: string;
  readonly name: string;
  readonly type: string;
  readonly attachType?: string;
  readonly attachTo?: string;
  /** Instruction slots of all its functions, as Linux counts them. */
  readonly slots: number;
  /** Functions reached, its own included. */
  readonly functions: number;
  readonly helpers: readonly string[];
  readonly kfuncs: readonly string[];
  readonly declTags: readonly string[];
  /** Why skep cannot run it; empty if it can. */
  readonly unsupported: readonly string[];
  /** What its instructions name but nobody has; it runs until one of them is executed. */
  readonly unresolved: readonly string[];
}

export interface MapDescription {
  readonly name: string;
  readonly type: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  /** Names of the flags; unknown bits in hexadecimal. */
  readonly flags: readonly string[];
  /** In C words, where BTF tells. */
  readonly keyType?: string;
  readonly valueType?: string;
  readonly inner?: MapDescription;
  /** Entries that the object fills in. */
  readonly initialised: number;
  readonly unsupported: readonly string[];
}

/** A helper or kfunc that the object calls. */
export interface CallDescription {
  readonly name: string;
  /** Number of a helper. */
  readonly id?: number;
  readonly calls: number;
  readonly unsupported: readonly string[];
  /** Linux 6.18 has no helper of that number. */
  readonly unknown?: true;
}

export interface ObjectDescription {
  readonly name: string;
  readonly license: string;
  readonly gplCompatible: boolean;
  readonly programs: readonly ProgramDescription[];
  readonly maps: readonly MapDescription[];
  readonly helpers: readonly CallDescription[];
  readonly kfuncs: readonly CallDescription[];
  readonly notes: readonly Note[];
}

/** A list of reasons is for people; the helpers listed are as many as Linux could have. */
const MAX_REASONS = 32;
const MAX_HELPERS = 512;

/** What one function uses. */
interface Uses {
  readonly slots: number;
  /** Helper number -> call sites. */
  readonly helpers: ReadonlyMap<number, number>;
  readonly kfuncs: ReadonlyMap<string, number>;
  readonly mapTypes: ReadonlySet<MapTypeName>;
  readonly reasons: ReadonlySet<string>;
  readonly unresolved: ReadonlySet<string>;
}

/** Describes an object. Never throws for an object that `loadObject` made, but for BTF that turns out to be broken. */
export function describeObject(spec: ObjectSpec): ObjectDescription {
  const uses = spec.functions.map((func) => usesOf(func, spec));
  return {
    name: spec.name,
    license: spec.license,
    gplCompatible: isGplCompatible(spec.license),
    programs: spec.programs.map((program) => describeProgram(program, uses)),
    maps: spec.maps.map((map) => describeMap(spec, map)),
    helpers: [...sum(uses.map((each) => each.helpers))]
      .sort(([a], [b]) => a - b)
      .map(([id, calls]) => ({
        name: helperName(id),
        id,
        calls,
        unsupported: helperReasons(id),
        ...(helperById(id) === undefined ? { unknown: true as const } : {}),
      })),
    kfuncs: [...sum(uses.map((each) => each.kfuncs))].map(([name, calls]) => ({
      name,
      calls,
      unsupported: kfuncReasons(name),
    })),
    notes: spec.notes,
  };
}

function helperName(id: number): string {
  return helperById(id)?.name ?? `helper ${id}`;
}

function helperReasons(id: number): string[] {
  const row = helperById(id);
  if (row === undefined) return [`Linux 6.18 has no helper ${id}`];
  return row.unsupported === true ? [`helper ${row.name} is unsupported by skep`] : [];
}

function kfuncReasons(name: string): string[] {
  const row = kfuncByName(name);
  if (row === undefined) return [`Linux 6.18 has no kfunc ${name}`];
  return row.unsupported === true ? [`kfunc ${name} is unsupported by skep`] : [];
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum<K>(parts: readonly ReadonlyMap<K, number>[]): Map<K, number> {
  const total = new Map<K, number>();
  for (const part of parts) for (const [key, calls] of part) total.set(key, (total.get(key) ?? 0) + calls);
  return total;
}

function usesOf(func: FunctionSpec, spec: ObjectSpec): Uses {
  const helpers = new Map<number, number>();
  const kfuncs = new Map<string, number>();
  const mapTypes = new Set<MapTypeName>();
  const reasons = new Set<string>();
  const unresolved = new Set<string>();
  let slots = 0;
  for (const [index, insn] of func.insns.entries()) {
    slots += slotsOf(insn);
    const ref = func.refs.get(index);
    if (ref?.kind === 'unsupported') unresolved.add(ref.what);
    else if (ref?.kind === 'kfunc') count(kfuncs, ref.name);
    else if (ref?.kind === 'map' || ref?.kind === 'map-value') {
      const map = spec.maps[ref.map];
      if (map !== undefined) mapTypes.add(map.type);
    }
    if (ref === undefined && insn.name === 'call_helper') count(helpers, insn.imm);
    if (isUnsupported(insn)) reasons.add(`instruction ${insn.name} is unsupported by skep`);
  }
  for (const id of helpers.keys()) for (const reason of helperReasons(id)) reasons.add(reason);
  for (const name of kfuncs.keys()) for (const reason of kfuncReasons(name)) reasons.add(reason);
  return { slots, helpers, kfuncs, mapTypes, reasons, unresolved };
}

function isUnsupported(insn: Insn): boolean {
  return INSN_ROWS[insn.name].unsupported === true;
}

function addUpTo<T>(set: Set<T>, items: Iterable<T>, max: number): void {
  for (const item of items) {
    if (set.size >= max) return;
    set.add(item);
  }
}

function mapTypeReasons(type: MapTypeName): string[] {
  return MAP_TYPE_ROWS[type].unsupported === true ? [`map type ${type} is unsupported by skep`] : [];
}

function describeProgram(program: ProgramSpec, uses: readonly Uses[]): ProgramDescription {
  const reasons = new Set<string>();
  if (program.unsupported !== undefined) reasons.add(program.unsupported);
  if (program.type !== 'unspec' && PROG_TYPE_ROWS[program.type].unsupported === true) {
    reasons.add(`program type ${program.type} is unsupported by skep`);
  }
  const unresolved = new Set<string>();
  const helpers = new Set<number>();
  const kfuncs = new Set<string>();
  let slots = 0;
  for (const id of program.functions) {
    const used = uses[id];
    if (used === undefined) continue;
    slots += used.slots;
    addUpTo(helpers, used.helpers.keys(), MAX_HELPERS);
    addUpTo(kfuncs, used.kfuncs.keys(), MAX_HELPERS);
    addUpTo(reasons, used.reasons, MAX_REASONS);
    addUpTo(unresolved, used.unresolved, MAX_REASONS);
    for (const type of used.mapTypes) addUpTo(reasons, mapTypeReasons(type), MAX_REASONS);
  }
  return {
    section: program.section,
    name: program.name,
    type: program.type,
    ...(program.attachType === undefined ? {} : { attachType: program.attachType }),
    ...(program.attachTo === undefined ? {} : { attachTo: program.attachTo }),
    slots,
    functions: program.functions.length,
    helpers: [...helpers].sort((a, b) => a - b).map(helperName),
    kfuncs: [...kfuncs],
    declTags: program.declTags,
    unsupported: [...reasons],
    unresolved: [...unresolved],
  };
}

function describeMap(spec: ObjectSpec, map: MapSpec): MapDescription {
  const { btf } = spec;
  const isData = map.section !== undefined;
  const text = (id: number | undefined): string | undefined =>
    id === undefined || btf === undefined || isData ? undefined : typeText(btf, id);
  const keyType = text(map.keyType);
  const valueType = text(map.valueType);
  return {
    name: map.name,
    type: map.type,
    keyBytes: map.keyBytes,
    valueBytes: map.valueBytes,
    maxEntries: map.maxEntries,
    flags: flagNames(map.flags),
    ...(keyType === undefined ? {} : { keyType }),
    ...(valueType === undefined ? {} : { valueType }),
    ...(map.inner === undefined ? {} : { inner: describeMap(spec, map.inner) }),
    initialised: map.values.length,
    unsupported: mapTypeReasons(map.type),
  };
}

function flagNames(flags: number): string[] {
  const names: string[] = [];
  let rest = flags;
  for (const [name, bit] of Object.entries(MAP_FLAGS)) {
    if ((flags & bit) === 0) continue;
    names.push(name.replace(/^BPF_F_/, '').toLowerCase());
    rest &= ~bit;
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  return names;
}
