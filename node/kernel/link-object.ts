/** An object's function as bpf(2) takes it: one stream of instructions with map descriptors in it. Knows no system call. */
import { slotsOf } from '../../vm/isa/insn.js';
import type { Insn } from '../../vm/isa/insn.js';
import type { FuncId, ObjectSpec } from '../../vm/object/object-spec.js';

/** One stream of a function and all that it reaches, calls as distances and maps as descriptors. */
export function linkForKernel(object: ObjectSpec, func: FuncId, maps: readonly number[]): Insn[] {
  const starts = new Map<FuncId, number>();
  const order: FuncId[] = [];
  let slots = 0;
  const place = (id: FuncId): void => {
    if (starts.has(id)) return;
    starts.set(id, slots);
    order.push(id);
    slots += (object.functions[id]?.insns ?? []).reduce((sum, insn) => sum + slotsOf(insn), 0);
  };
  place(func);
  for (const id of order) {
    for (const ref of object.functions[id]?.refs.values() ?? []) {
      if (ref.kind === 'call' || ref.kind === 'func') place(ref.func);
    }
  }
  return order.flatMap((id) => {
    const { insns = [], refs } = object.functions[id] ?? {};
    const start = starts.get(id) ?? 0;
    return insns.map((insn, index): Insn => {
      const ref = refs?.get(index);
      switch (ref?.kind) {
        case 'map':
          return { ...insn, name: 'ld_map_fd', src: 1, imm: maps[ref.map] ?? 0, immHi: 0 };
        case 'map-value':
          return { ...insn, name: 'ld_map_value', src: 2, imm: maps[ref.map] ?? 0, immHi: ref.off };
        case 'call':
          return { ...insn, imm: (starts.get(ref.func) ?? 0) - (start + insn.pc) - 1 };
        case 'func':
          return {
            ...insn,
            name: 'ld_func',
            src: 4,
            imm: (starts.get(ref.func) ?? 0) - (start + insn.pc) - 1,
            immHi: 0,
          };
        default:
          return insn;
      }
    });
  });
}
