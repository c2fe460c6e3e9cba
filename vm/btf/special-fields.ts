/**
 * The objects in a map's values that only helpers may touch: locks, timers, kernel pointers. Found by the names of their
 * types. Knows no maps.
 */
import type { Btf } from './btf.js';

export type FieldKind =
  | 'bpf_spin_lock'
  | 'bpf_res_spin_lock'
  | 'bpf_timer'
  | 'bpf_wq'
  | 'bpf_list_head'
  | 'bpf_list_node'
  | 'bpf_rb_root'
  | 'bpf_rb_node'
  | 'bpf_refcount'
  | 'bpf_task_work'
  | 'kptr';

const SIZES: Readonly<Record<FieldKind, number>> = {
  bpf_spin_lock: 4,
  bpf_res_spin_lock: 8,
  bpf_timer: 16,
  bpf_wq: 16,
  bpf_list_head: 16,
  bpf_list_node: 24,
  bpf_rb_root: 16,
  bpf_rb_node: 32,
  bpf_refcount: 4,
  bpf_task_work: 8,
  kptr: 8,
};

export interface SpecialField {
  readonly kind: FieldKind;
  readonly off: number;
  readonly bytes: number;
}

const KPTR_TAGS: ReadonlySet<string> = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr', 'uptr']);
/** Members that are looked at in all, so that nested arrays cannot take for ever. */
const MAX_MEMBERS = 4096;
const MAX_DEPTH = 8;

/** In order of their offsets. */
export function specialFields(btf: Btf, type: number): readonly SpecialField[] {
  const fields: SpecialField[] = [];
  let budget = MAX_MEMBERS;
  const walk = (id: number, off: number, depth: number): void => {
    if (depth > MAX_DEPTH || budget-- <= 0) return;
    const tag = pointerTag(btf, id);
    if (tag !== undefined) {
      fields.push({ kind: 'kptr', off, bytes: 8 });
      return;
    }
    const resolved = btf.resolved(id);
    if (resolved.kind === 'array') {
      const bytes = btf.sizeOf(resolved.type) ?? 0;
      const element = btf.resolved(resolved.type);
      const mayHold = element.kind === 'struct' || element.kind === 'array' || element.kind === 'ptr';
      for (let i = 0; mayHold && i < resolved.count && budget > 0; i++) walk(resolved.type, off + i * bytes, depth + 1);
      return;
    }
    if (resolved.kind !== 'struct') return;
    if (Object.hasOwn(SIZES, resolved.name)) {
      const kind = resolved.name as FieldKind;
      fields.push({ kind, off, bytes: SIZES[kind] });
      return;
    }
    for (const member of resolved.members) walk(member.type, off + (member.bitOff >> 3), depth + 1);
  };
  walk(type, 0, 0);
  return fields.sort((a, b) => a.off - b.off);
}

/** The type tag between a pointer and what it points to, if it makes the pointer one of the kernel's. */
function pointerTag(btf: Btf, id: number): string | undefined {
  const type = btf.resolved(id);
  if (type.kind !== 'ptr') return undefined;
  const target = btf.type(type.type);
  return target.kind === 'type_tag' && KPTR_TAGS.has(target.name) ? target.name : undefined;
}
