/**
 * Maps that `.maps` declares in BTF: each variable is a struct whose members' types carry the properties. The
 * conventions are libbpf's (`__uint`, `__type`, `__array`, `__ulong` of bpf_helpers.h).
 */
import type { Btf, BtfComposite, BtfId, BtfMember } from '../btf/btf.js';
import { specialFields } from '../btf/special-fields.js';
import type { ElfSection } from '../elf/elf.js';
import { LoadError } from '../errors.js';
import { MAP_FLAGS, MAP_TYPE_ROWS, mapTypeById } from '../spec/map-types.js';
import type { MapTypeName } from '../spec/map-types.js';
import type { MapSpec } from '../object/object-spec.js';
import type { LoadContext } from './load-context.js';
import type { ObjectMaps, PendingMap } from './object-maps.js';

const MAX_INNER_DEPTH = 2;
/** libbpf knows a dozen. */
const MAX_FIELDS = 64;

/** Where a map's `values` array lies in its definition, for initialisers. */
export interface ValuesPlace {
  readonly map: number;
  readonly section: ElfSection;
  /** Byte offsets in the section; entry i lies at `startOff + 8 * i`. */
  readonly startOff: number;
  readonly endOff: number;
}

/** Adds the maps of `.maps`; returns the places of their initialisers. Throws `LoadError` 'load-map', `BtfError`. */
export function addBtfMaps(ctx: LoadContext, maps: ObjectMaps): ValuesPlace[] {
  const places: ValuesPlace[] = [];
  const [section, second] = ctx.elf.sections.filter((each) => ctx.roles[each.index] === 'btf-maps');
  if (section !== undefined) addSection(ctx, maps, section, places);
  if (second !== undefined) {
    throw new LoadError('load-map', 'there is more than one section .maps', {
      where: { section: second.name, offset: second.fileOff },
    });
  }
  return places;
}

function addSection(ctx: LoadContext, maps: ObjectMaps, section: ElfSection, places: ValuesPlace[]): void {
  const { btf } = ctx;
  const where = { section: section.name, offset: section.fileOff };
  const datasec = ctx.datasec(section.name);
  if (btf === undefined || datasec === undefined) {
    throw new LoadError('load-map', `the maps of section ${section.name} are not described in BTF`, {
      where,
      hint: 'compile with -g, and do not strip .BTF',
    });
  }
  const symbolOffs = new Map((ctx.symbols.get(section.index) ?? []).map((symbol) => [symbol.name, symbol.value]));
  for (const each of datasec.vars) {
    const variable = btf.type(each.type);
    if (variable.kind !== 'var') continue;
    const name = variable.name;
    // Before linking, BTF knows the offsets of static variables only.
    const off = (variable.linkage === 'static' ? undefined : symbolOffs.get(name)) ?? each.off;
    const definition = btf.resolved(variable.type);
    if (definition.kind !== 'struct') {
      throw new LoadError('load-map', `map ${name} is not defined by a struct`, {
        where,
        data: { map: name, kind: definition.kind },
      });
    }
    const { spec, valuesOff } = readDefinition({ ctx, btf, map: name, where }, definition, name, 0);
    const map = maps.add(section.index, off, spec);
    if (valuesOff !== undefined) {
      const sizeBytes = Math.max(each.sizeBytes, definition.sizeBytes);
      places.push({ map, section, startOff: off + valuesOff, endOff: Math.min(off + sizeBytes, section.sizeBytes) });
    }
  }
}

interface Reading {
  readonly ctx: LoadContext;
  readonly btf: Btf;
  readonly map: string;
  readonly where: { readonly section: string; readonly offset: number };
}

function bad(reading: Reading, field: string, message: string): LoadError {
  return new LoadError('load-map', `map ${reading.map}: ${message}`, {
    where: reading.where,
    data: { map: reading.map, field },
  });
}

interface Fields {
  type: number;
  maxEntries: number;
  flags: number;
  pinning: number;
  mapExtra: bigint;
  keyBytes: number | undefined;
  valueBytes: number | undefined;
  keyType?: BtfId;
  valueType?: BtfId;
  inner?: BtfComposite;
  valuesOff: number | undefined;
}

function readDefinition(
  reading: Reading,
  definition: BtfComposite,
  name: string,
  depth: number,
): { readonly spec: PendingMap; readonly valuesOff: number | undefined } {
  const fields: Fields = {
    type: 0,
    maxEntries: 0,
    flags: 0,
    pinning: 0,
    mapExtra: 0n,
    keyBytes: undefined,
    valueBytes: undefined,
    valuesOff: undefined,
  };
  if (definition.members.length > MAX_FIELDS)
    throw bad(reading, '', `a struct of ${String(definition.members.length)} members defines no map`);
  for (const member of definition.members) readField(reading, member, fields, depth);
  const row = mapTypeById(fields.type);
  if (row === undefined) throw bad(reading, 'type', `Linux 6.18 has no map type ${String(fields.type)}`);
  if (fields.pinning !== 0) reading.ctx.notes.add('pinning-ignored', `map ${reading.map}: pinning is ignored`);
  const inner = fields.inner === undefined ? undefined : innerOf(reading, fields.inner, name, depth);
  const { btf } = reading.ctx;
  const special = btf === undefined || fields.valueType === undefined ? [] : specialFields(btf, fields.valueType);
  const spec: PendingMap = {
    name,
    type: row.name,
    ...sizesOf(row.name, fields),
    maxEntries: fields.maxEntries,
    flags: fields.flags,
    ...(fields.mapExtra === 0n ? {} : { mapExtra: fields.mapExtra }),
    ...(fields.keyType === undefined ? {} : { keyType: fields.keyType }),
    ...(fields.valueType === undefined ? {} : { valueType: fields.valueType }),
    ...(special.length === 0 ? {} : { special }),
    ...(inner === undefined ? {} : { inner }),
    values: [],
    readOnly: (fields.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0,
    pinning: fields.pinning,
  };
  return { spec, valuesOff: fields.valuesOff };
}

function innerOf(reading: Reading, definition: BtfComposite, name: string, depth: number): MapSpec {
  if (depth + 1 >= MAX_INNER_DEPTH) throw bad(reading, 'values', 'maps are nested more than two deep');
  return readDefinition(reading, definition, `${name}.inner`, depth + 1).spec;
}

/**
 * Event maps have no values of the program's own: a type that a definition gives them says what the events are, and its size
 * is not the map's.
 */
function sizesOf(type: MapTypeName, fields: Fields): { readonly keyBytes: number; readonly valueBytes: number } {
  const isEvents = type === 'perf_event_array' || type === 'ringbuf' || type === 'user_ringbuf';
  const given = isEvents ? undefined : fields;
  return {
    keyBytes: given?.keyBytes ?? defaultKeyBytes(type),
    valueBytes: given?.valueBytes ?? defaultValueBytes(type),
  };
}

/** Maps of programs, maps and perf events may leave their sizes out. */
function defaultKeyBytes(type: MapTypeName): number {
  const rule = MAP_TYPE_ROWS[type].key;
  return typeof rule === 'number' && MAP_TYPE_ROWS[type].holds !== undefined ? rule : 0;
}

function defaultValueBytes(type: MapTypeName): number {
  const { holds, value } = MAP_TYPE_ROWS[type];
  return holds !== undefined && (value === 4 || value === '4|8') ? 4 : 0;
}

function readField(reading: Reading, member: BtfMember, fields: Fields, depth: number): void {
  const { btf } = reading;
  switch (member.name) {
    case 'type':
      fields.type = readU32(reading, member);
      break;
    case 'max_entries':
      fields.maxEntries = readU32(reading, member);
      break;
    case 'map_flags':
      fields.flags = readU32(reading, member);
      break;
    case 'pinning':
      fields.pinning = readU32(reading, member);
      break;
    case 'map_extra':
      fields.mapExtra = readNumber(reading, member);
      break;
    case 'numa_node':
      fields.flags |= MAP_FLAGS.BPF_F_NUMA_NODE;
      break;
    case 'key_size':
      fields.keyBytes = agree(reading, member, fields.keyBytes, readU32(reading, member));
      break;
    case 'value_size':
      fields.valueBytes = agree(reading, member, fields.valueBytes, readU32(reading, member));
      break;
    case 'key':
      fields.keyType = pointee(reading, member);
      fields.keyBytes = agree(reading, member, fields.keyBytes, sizeOf(reading, member, fields.keyType));
      break;
    case 'value':
      fields.valueType = pointee(reading, member);
      fields.valueBytes = agree(reading, member, fields.valueBytes, sizeOf(reading, member, fields.valueType));
      break;
    case 'values': {
      const array = btf.resolved(member.type);
      const pointer = array.kind === 'array' ? btf.resolved(array.type) : undefined;
      if (pointer?.kind !== 'ptr') throw bad(reading, 'values', '"values" is not an array of pointers');
      const target = btf.resolved(pointer.type);
      if (target.kind === 'struct') fields.inner = target;
      if (depth === 0) fields.valuesOff = member.bitOff / 8;
      break;
    }
    default:
      // What Cilium or a loader of somebody's own reads; it does not change the map.
      reading.ctx.notes.add('map-field', `map ${reading.map}: field "${member.name}" is unknown and ignored`);
  }
}

function agree(reading: Reading, member: BtfMember, known: number | undefined, size: number): number {
  if (known === undefined || known === size) return size;
  throw bad(reading, member.name, `"${member.name}" says ${String(size)} bytes, another field ${String(known)}`);
}

function pointee(reading: Reading, member: BtfMember): BtfId {
  const type = reading.btf.resolved(member.type);
  if (type.kind === 'ptr') return type.type;
  throw bad(reading, member.name, `"${member.name}" is not a pointer to a type`);
}

function sizeOf(reading: Reading, member: BtfMember, id: BtfId): number {
  const size = reading.btf.sizeOf(id);
  if (size !== undefined) return size;
  throw bad(reading, member.name, `the size of "${member.name}" is not known`);
}

/** `__uint(f, N)` is a pointer to an array of N, `__ulong(f, N)` an enum with the one value N. */
function readNumber(reading: Reading, member: BtfMember): bigint {
  const { btf } = reading;
  const type = btf.resolved(member.type);
  if (type.kind === 'ptr') {
    const array = btf.resolved(type.type);
    if (array.kind === 'array') return BigInt(array.count);
  }
  if (type.kind === 'enum' || type.kind === 'enum64') {
    const only = type.values.length === 1 ? type.values[0] : undefined;
    if (only !== undefined) return BigInt.asUintN(64, only.value);
  }
  throw bad(reading, member.name, `"${member.name}" is not an __uint or __ulong`);
}

function readU32(reading: Reading, member: BtfMember): number {
  const value = readNumber(reading, member);
  if (value <= 0xffff_ffffn) return Number(value);
  throw bad(reading, member.name, `"${member.name}" does not fit 32 bits`);
}
