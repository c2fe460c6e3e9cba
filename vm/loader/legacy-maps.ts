/**
 * Maps of the sections `maps` and `maps/*`, from before BTF: one C struct each, whose length depends on the loader that
 * it was written for. All forms start with type, key size, value size and capacity.
 */
import type { ElfSection, ElfSymbol } from '../elf/elf.js';
import { viewOf } from '../bytes.js';
import { LoadError } from '../errors.js';
import type { MapId } from '../object/object-spec.js';
import { mapTypeById } from '../spec/map-types.js';
import type { LoadContext } from './load-context.js';
import type { ObjectMaps, PendingMap } from './object-maps.js';

/** `struct bpf_map_def` at its shortest, without and with flags. */
const MIN_BYTES = 16;
const FLAGS_END = 20;
/** The kernel samples' form adds inner_map_idx and numa_node. */
const SAMPLES_BYTES = 28;
/** iproute2's `struct bpf_elf_map` adds id, pinning, inner_id, inner_idx. */
const IPROUTE2_BYTES = 36;

interface LegacyMap {
  readonly map: MapId;
  /** Number by which iproute2's maps refer to each other; 0 is none. */
  readonly id: number;
  readonly innerId: number;
  /** Entry of the outer map that this one is put into, or all ones. */
  readonly innerIndex: number;
  /** Position in the section of the inner map, for the samples' form. */
  readonly innerPosition: number;
}

/** Adds the maps of all legacy sections. Throws `LoadError` 'load-map'. */
export function addLegacyMaps(ctx: LoadContext, maps: ObjectMaps): void {
  for (const section of ctx.elf.sections) {
    if (ctx.roles[section.index] !== 'legacy-maps') continue;
    const legacy = readSection(ctx, maps, section);
    linkSamples(maps, legacy);
    linkIproute2(maps, legacy);
  }
}

function readSection(ctx: LoadContext, maps: ObjectMaps, section: ElfSection): LegacyMap[] {
  const byOff = new Map<number, ElfSymbol>();
  for (const symbol of ctx.symbols.get(section.index) ?? []) {
    if ((symbol.type === 'object' || symbol.type === 'notype') && !byOff.has(symbol.value))
      byOff.set(symbol.value, symbol);
  }
  const symbols = [...byOff.values()].sort((a, b) => a.value - b.value);
  const view = viewOf(ctx.elf.contents(section));
  return symbols.map((symbol, index) => {
    const end = Math.min(symbols[index + 1]?.value ?? section.sizeBytes, section.sizeBytes);
    const sizeBytes = end - symbol.value;
    if (sizeBytes < MIN_BYTES) {
      throw new LoadError('load-map', `map ${symbol.name} is defined by ${String(sizeBytes)} bytes, 16 are the least`, {
        where: { section: section.name, offset: section.fileOff + symbol.value },
        data: { map: symbol.name, sizeBytes },
      });
    }
    const field = (off: number): number => (off + 4 <= sizeBytes ? view.getUint32(symbol.value + off, true) : 0);
    const row = mapTypeById(field(0));
    if (row === undefined) {
      throw new LoadError('load-map', `map ${symbol.name}: Linux 6.18 has no map type ${String(field(0))}`, {
        where: { section: section.name, offset: section.fileOff + symbol.value },
        data: { map: symbol.name, type: field(0) },
      });
    }
    const isIproute2 = sizeBytes === IPROUTE2_BYTES;
    const pinning = isIproute2 ? field(FLAGS_END + 4) : 0;
    if (pinning !== 0) ctx.notes.add('pinning-ignored', `map ${symbol.name}: pinning is ignored`);
    const spec: PendingMap = {
      name: symbol.name,
      type: row.name,
      keyBytes: field(4),
      valueBytes: field(8),
      maxEntries: field(12),
      flags: field(16),
      ...annotatedTypes(ctx, symbol.name),
      values: [],
      readOnly: false,
      pinning,
    };
    return {
      map: maps.add(section.index, symbol.value, spec),
      id: isIproute2 ? field(FLAGS_END) : 0,
      innerId: isIproute2 ? field(28) : 0,
      innerIndex: isIproute2 ? field(32) : 0xffff_ffff,
      innerPosition: sizeBytes === SAMPLES_BYTES && row.holds === 'map' ? field(FLAGS_END) : -1,
    };
  });
}

/** BPF_ANNOTATE_KV_PAIR records a map's types in a struct of this name. */
function annotatedTypes(ctx: LoadContext, name: string): { readonly keyType?: number; readonly valueType?: number } {
  const id = ctx.btf?.idsNamed(`____btf_map_${name}`)[0];
  const type = id === undefined ? undefined : ctx.btf?.type(id);
  if (type?.kind !== 'struct' || type.members.length !== 2) return {};
  const keyType = type.members.find((member) => member.name === 'key')?.type;
  const valueType = type.members.find((member) => member.name === 'value')?.type;
  return { ...(keyType === undefined ? {} : { keyType }), ...(valueType === undefined ? {} : { valueType }) };
}

function setInner(maps: ObjectMaps, outer: MapId, inner: MapId): void {
  const spec = maps.specs[outer];
  const template = maps.specs[inner];
  if (spec === undefined || template === undefined || outer === inner) return;
  maps.specs[outer] = { ...spec, inner: { ...template, values: [] } };
}

function linkSamples(maps: ObjectMaps, legacy: readonly LegacyMap[]): void {
  for (const each of legacy) {
    const inner = each.innerPosition < 0 ? undefined : legacy[each.innerPosition];
    if (inner !== undefined) setInner(maps, each.map, inner.map);
  }
}

function linkIproute2(maps: ObjectMaps, legacy: readonly LegacyMap[]): void {
  const byId = new Map(legacy.filter((each) => each.id !== 0).map((each) => [each.id, each]));
  const byInnerId = new Map<number, LegacyMap>();
  for (const outer of legacy) {
    const inner = outer.innerId === 0 ? undefined : byId.get(outer.innerId);
    if (inner === undefined) continue;
    setInner(maps, outer.map, inner.map);
    byInnerId.set(outer.innerId, outer);
  }
  for (const inner of legacy) {
    const outer = inner.id === 0 ? undefined : byInnerId.get(inner.id);
    if (outer === undefined || outer === inner || inner.innerIndex === 0xffff_ffff) continue;
    maps.specs[outer.map]?.values.push({ index: inner.innerIndex, kind: 'map', map: inner.map });
  }
}
