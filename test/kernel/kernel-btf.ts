/** The running kernel's own description of its enums, structures and kfuncs. Knows no table of skep. */
import { readFileSync } from 'node:fs';
import { type Btf, type BtfComposite, parseBtf } from '../../vm/btf/btf.js';

export function readKernelBtf(): Btf {
  return parseBtf(readFileSync('/sys/kernel/btf/vmlinux'), 'vmlinux');
}

/** The values of an enum, in its order. */
export function enumOf(btf: Btf, name: string): readonly { readonly name: string; readonly value: number }[] {
  for (const id of btf.idsNamed(name)) {
    const type = btf.type(id);
    if (type.kind === 'enum') return type.values.map((each) => ({ name: each.name, value: Number(each.value) }));
  }
  throw new Error(`this kernel's BTF has no enum ${name}`);
}

export interface FieldFact {
  readonly name: string;
  readonly off: number;
  readonly bytes: number;
  readonly count: number;
}

function sizeOf(btf: Btf, id: number): { bytes: number; count: number } {
  const type = btf.type(id);
  switch (type.kind) {
    case 'array':
      return { bytes: sizeOf(btf, type.type).bytes, count: type.count };
    case 'ptr':
      return { bytes: 8, count: 1 };
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return sizeOf(btf, type.type);
    default:
      if ('sizeBytes' in type) return { bytes: type.sizeBytes, count: 1 };
      throw new Error(`type ${id} has no size`);
  }
}

function* fieldsOf(btf: Btf, type: BtfComposite, base: number): Generator<FieldFact> {
  for (const member of type.members) {
    const off = base + member.bitOff / 8;
    const inner = btf.type(member.type);
    if (member.name === '' && (inner.kind === 'struct' || inner.kind === 'union')) yield* fieldsOf(btf, inner, off);
    else if (member.name !== '') yield { name: member.name, off, ...sizeOf(btf, member.type) };
  }
}

/** Size and fields of a structure, those of anonymous members lifted up. */
export function structOf(btf: Btf, name: string): { readonly bytes: number; readonly fields: readonly FieldFact[] } {
  for (const id of btf.idsNamed(name)) {
    const type = btf.type(id);
    if (type.kind === 'struct') return { bytes: type.sizeBytes, fields: [...fieldsOf(btf, type, 0)] };
  }
  throw new Error(`this kernel's BTF has no struct ${name}`);
}

/** Names of the functions tagged as kfuncs, sorted. */
export function kfuncsOf(btf: Btf): readonly string[] {
  const names = new Set<string>();
  for (let id = 1; id < btf.count; id++) {
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.name !== 'bpf_kfunc') continue;
    const target = btf.type(tag.type);
    if (target.kind === 'func') names.add(target.name);
  }
  return [...names].sort();
}
