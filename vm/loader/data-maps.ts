/** Data sections as array maps with one entry. Works with and without BTF. */
import type { BtfDatasec, BtfId } from '../btf/btf.js';
import type { ElfSection } from '../elf/elf.js';
import { SHT } from '../elf/elf.js';
import type { VariableSpec } from '../object/object-spec.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import type { LoadContext } from './load-context.js';
import type { ObjectMaps } from './object-maps.js';

/** Adds a map for each data section. Its place is the section's start. */
export function addDataMaps(ctx: LoadContext, maps: ObjectMaps): void {
  const visible = new Map<BtfId, boolean>();
  for (const section of ctx.elf.sections) {
    if (ctx.roles[section.index] !== 'data') continue;
    const readOnly = section.name === '.rodata' || section.name.startsWith('.rodata.');
    const datasec = ctx.datasec(section.name);
    if (datasec !== undefined && !visible.has(datasec.id)) visible.set(datasec.id, isVisible(ctx, datasec));
    const isMappable = datasec !== undefined && visible.get(datasec.id) === true;
    maps.add(section.index, 0, {
      name: section.name,
      type: 'array',
      keyBytes: 4,
      valueBytes: section.sizeBytes,
      maxEntries: 1,
      flags: (readOnly ? MAP_FLAGS.BPF_F_RDONLY_PROG : 0) | (isMappable ? MAP_FLAGS.BPF_F_MMAPABLE : 0),
      ...(datasec === undefined ? {} : { valueType: datasec.id, variables: variablesOf(ctx, section, datasec) }),
      values: [],
      section: section.name,
      ...contentsOf(ctx, section),
      readOnly,
      pinning: 0,
    });
  }
}

/** Absent for `.bss`, which starts as zeros of any length. Copied: the spec must not change with the caller's buffer. */
function contentsOf(ctx: LoadContext, section: ElfSection): { readonly contents?: Uint8Array } {
  return section.type === SHT.NOBITS ? {} : { contents: ctx.elf.contents(section).slice() };
}

/** libbpf lets user space map sections that hold a variable visible outside the file. */
function isVisible(ctx: LoadContext, datasec: BtfDatasec): boolean {
  return datasec.vars.some((each) => {
    const variable = ctx.btf?.type(each.type);
    return variable?.kind === 'var' && variable.linkage !== 'static';
  });
}

/**
 * Where the variables lie. Clang leaves the offsets of global ones for a linker to fill in, so their symbols decide. Those
 * of static ones it knows, and their names need not be unique.
 */
function variablesOf(ctx: LoadContext, section: ElfSection, datasec: BtfDatasec): readonly VariableSpec[] {
  const offsets = new Map((ctx.symbols.get(section.index) ?? []).map(({ name, value }) => [name, value]));
  const { btf } = ctx;
  if (btf === undefined) return [];
  return datasec.vars.flatMap(({ type: id, off: recorded }) => {
    const variable = btf.type(id);
    if (variable.kind !== 'var') return [];
    const { name, type, linkage } = variable;
    const off = linkage === 'static' ? recorded : (offsets.get(name) ?? recorded);
    const sizeBytes = btf.sizeOf(type) ?? 0;
    return off + sizeBytes > section.sizeBytes ? [] : [{ name, type, off, sizeBytes }];
  });
}
