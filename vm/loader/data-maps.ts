/** Data sections as array maps with one entry. Works with and without BTF. */
import type { BtfDatasec, BtfId } from '../btf/btf.js';
import type { ElfSection } from '../elf/elf.js';
import { SHT } from '../elf/elf.js';
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
      ...(datasec === undefined ? {} : { valueType: datasec.id }),
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
