/**
 * Applies relocations: turns loads and calls that name symbols into instructions with refs to maps, map values and
 * functions. What cannot be had here becomes a ref `unsupported`, which fails only if it is executed.
 */
import type { ElfRelocation } from '../elf/elf.js';
import { LoadError } from '../errors.js';
import { isWide, SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import type { MapId, Ref } from '../object/object-spec.js';
import { kfuncByName } from '../spec/kfuncs.js';
import type { Code, CodeSection, Func } from './functions.js';
import { relocatedFunc } from './functions.js';
import type { Externs } from './externs.js';
import { externOf } from './externs.js';
import type { LoadContext } from './load-context.js';
import { relocationError, sectionOf, symbolText } from './load-context.js';
import type { ObjectMaps } from './object-maps.js';

const SRC_LOCAL_CALL = 1;
const SRC_KFUNC_CALL = 2;
const SRC_MAP_FD = 1;
const SRC_MAP_VALUE = 2;
const SRC_FUNC = 4;

/** Everything that a symbol may lead to. */
export interface Targets {
  readonly ctx: LoadContext;
  readonly code: Code;
  readonly maps: ObjectMaps;
  readonly externs: Externs;
}

/** Links all functions in place. Throws `LoadError` 'load-relocation'. */
export function relocate(targets: Targets): void {
  for (const section of targets.code.sections.values()) {
    for (const relocation of section.relocations.values()) {
      const place = targets.code.locate(section.section.index, relocation.off);
      const insn = place?.func.insns[place.index];
      // Between functions lies padding, in which nothing needs linking.
      if (place === undefined || insn === undefined) continue;
      const linked = link(targets, section, relocation, insn);
      place.func.insns[place.index] = linked.insn;
      if (linked.ref !== undefined) place.func.refs.set(place.index, linked.ref);
    }
    for (const func of section.funcs) linkRelative(targets.code, section, func);
  }
}

interface Linked {
  readonly insn: Insn;
  readonly ref?: Ref;
}

function link(targets: Targets, from: CodeSection, relocation: ElfRelocation, insn: Insn): Linked {
  const { ctx } = targets;
  const { symbol } = relocation;
  const addend = relocation.addend ?? insn.imm;
  const isCall = insn.name === 'call_local' || insn.name === 'call_helper' || insn.name === 'call_kfunc';
  if (!isCall && !isWide(insn.name)) {
    throw relocationError(
      from.section,
      relocation,
      `${insn.name} is neither a call nor a 64-bit load, it cannot name a symbol`,
    );
  }
  const section = sectionOf(ctx, symbol);
  if (section === undefined)
    return isCall ? linkExternCall(targets, relocation, insn) : linkExternLoad(targets, relocation, insn);
  const role = ctx.roles[section.index];
  if (role === 'code') {
    const func = relocatedFunc(ctx, targets.code, from, relocation, insn).id;
    if (!isCall)
      return { insn: { ...insn, name: 'ld_func', src: SRC_FUNC, imm: 0, immHi: 0 }, ref: { kind: 'func', func } };
    return { insn: { ...insn, name: 'call_local', src: SRC_LOCAL_CALL, imm: -1 }, ref: { kind: 'call', func } };
  }
  if (isCall)
    throw relocationError(from.section, relocation, `a call to ${symbolText(ctx, symbol)}, which is not code`);
  if (role === 'btf-maps' || role === 'legacy-maps') {
    const map = targets.maps.at(section.index, symbol.value + addend);
    if (map === undefined) {
      throw relocationError(
        from.section,
        relocation,
        `${symbolText(ctx, symbol)} + ${String(addend)} is not where a map starts`,
      );
    }
    return { insn: { ...insn, name: 'ld_map_fd', src: SRC_MAP_FD, imm: 0, immHi: 0 }, ref: { kind: 'map', map } };
  }
  if (role === 'data') {
    const map = targets.maps.at(section.index, 0);
    const off = symbol.value + addend;
    if (map !== undefined && off >= 0 && off < section.sizeBytes) return mapValue(insn, map, off);
    throw relocationError(
      from.section,
      relocation,
      `${symbolText(ctx, symbol)} + ${String(addend)} lies outside section ${section.name} (${String(section.sizeBytes)} bytes)`,
    );
  }
  return unsupported(
    ctx,
    insn,
    `${symbolText(ctx, symbol)} in section ${section.name}, which is neither maps, data nor code`,
  );
}

function mapValue(insn: Insn, map: MapId, off: number): Linked {
  return {
    insn: { ...insn, name: 'ld_map_value', src: SRC_MAP_VALUE, imm: 0, immHi: off | 0 },
    ref: { kind: 'map-value', map, off },
  };
}

function unsupported(ctx: LoadContext, insn: Insn, what: string): Linked {
  ctx.notes.add('unsupported-symbol', what);
  return { insn, ref: { kind: 'unsupported', what } };
}

function linkExternCall(targets: Targets, relocation: ElfRelocation, insn: Insn): Linked {
  const name = relocation.symbol.name;
  const extern = externOf(targets.externs, relocation.symbol);
  if (extern.kind === 'kfunc' && extern.weak && kfuncByName(name) === undefined) {
    return unsupported(targets.ctx, insn, `weak kfunc ${name} is not there`);
  }
  if (extern.kind === 'kfunc') {
    return { insn: { ...insn, name: 'call_kfunc', src: SRC_KFUNC_CALL, off: 0, imm: 0 }, ref: { kind: 'kfunc', name } };
  }
  return unsupported(targets.ctx, insn, `function ${name} is called but not defined in the object`);
}

function linkExternLoad(targets: Targets, relocation: ElfRelocation, insn: Insn): Linked {
  const name = relocation.symbol.name;
  const extern = externOf(targets.externs, relocation.symbol);
  if (extern.kind === 'kconfig') return mapValue(insn, extern.map, extern.off);
  if (!extern.weak) {
    const what = extern.kind === 'undefined' ? 'symbol' : extern.kind === 'kfunc' ? 'kfunc' : 'kernel symbol';
    return unsupported(targets.ctx, insn, `the address of ${what} ${name} is not known`);
  }
  // What a kernel without the symbol gives, too.
  targets.ctx.notes.add('weak-symbol', `weak symbol ${name} is not there: its address is 0`);
  return { insn: { ...insn, name: 'lddw', src: 0, imm: 0, immHi: 0 } };
}

/** Calls and function pointers that need no relocation because they stay in their section. */
function linkRelative(code: Code, section: CodeSection, func: Func): void {
  for (const [index, insn] of func.insns.entries()) {
    if ((insn.name !== 'call_local' && insn.name !== 'ld_func') || func.refs.has(index)) continue;
    const off = func.startOff + (insn.pc + insn.imm + 1) * SLOT_BYTES;
    const callee = code.startingAt(section.section.index, off);
    if (callee === undefined) {
      throw new LoadError(
        'load-relocation',
        `no function starts at ${section.section.name}${off < 0 ? '-' : '+'}0x${Math.abs(off).toString(16)}`,
        {
          where: {
            section: section.section.name,
            offset: section.section.fileOff + func.startOff + insn.pc * SLOT_BYTES,
            func: func.name,
            pc: insn.pc,
          },
          data: { off },
        },
      );
    }
    func.refs.set(index, { kind: insn.name === 'ld_func' ? 'func' : 'call', func: callee.id });
  }
}
