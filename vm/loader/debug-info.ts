/** What `.BTF` and `.BTF.ext` say about code: types, lines and decl tags of functions, and names where symbols are missing. */
import type { Btf, BtfId } from '../btf/btf.js';
import { parseBtfExt } from '../btf/btf-ext.js';
import type { CoreRelocation, FuncInfo, LineRecord } from '../btf/btf-ext.js';
import { SLOT_BYTES } from '../isa/insn.js';
import type { Code, NamedStarts } from './functions.js';
import { lastAtMost } from './last-at-most.js';
import type { LoadContext } from './load-context.js';

/** Records by section number. */
export interface DebugInfo {
  readonly funcs: ReadonlyMap<number, readonly FuncInfo[]>;
  readonly lines: ReadonlyMap<number, readonly LineRecord[]>;
  readonly core: ReadonlyMap<number, readonly CoreRelocation[]>;
}

/** Reads `.BTF.ext`. Throws `BtfError`. */
export function readDebugInfo(ctx: LoadContext): DebugInfo {
  const section = ctx.elf.sections.find((each) => each.name === '.BTF.ext' && each.sizeBytes > 0);
  if (ctx.btf === undefined) ctx.notes.add('no-btf', 'the object has no BTF: no types, no C lines');
  if (section === undefined || ctx.btf === undefined) return { funcs: new Map(), lines: new Map(), core: new Map() };
  const ext = parseBtfExt(ctx.elf.contents(section), ctx.btf, section.name);
  const indexOf = new Map<string, number>();
  for (const each of ctx.elf.sections) {
    if (ctx.roles[each.index] === 'code' && !indexOf.has(each.name)) indexOf.set(each.name, each.index);
  }
  const byIndex = <T extends { readonly off: number }>(
    groups: ReadonlyMap<string, readonly T[]>,
  ): Map<number, readonly T[]> => {
    const out = new Map<number, readonly T[]>();
    for (const [name, records] of groups) {
      const index = indexOf.get(name);
      if (index !== undefined)
        out.set(
          index,
          [...records].sort((a, b) => a.off - b.off),
        );
    }
    return out;
  };
  return { funcs: byIndex(ext.funcs), lines: byIndex(ext.lines), core: byIndex(ext.core) };
}

/** Function starts that BTF knows by name, for objects whose local symbols were stripped. */
export function namedStarts(ctx: LoadContext, debug: DebugInfo): NamedStarts {
  const starts = new Map<number, Map<number, string>>();
  for (const [section, infos] of debug.funcs) {
    const sizeBytes = ctx.elf.sections[section]?.sizeBytes ?? 0;
    const names = new Map<number, string>();
    for (const info of infos) {
      const type = ctx.btf?.type(info.type);
      if (type?.kind === 'func' && info.off < sizeBytes) names.set(info.off, type.name);
    }
    starts.set(section, names);
  }
  return starts;
}

/** Gives functions their types, lines and tags. */
export function addDebugInfo(ctx: LoadContext, code: Code, debug: DebugInfo): void {
  for (const [section, infos] of debug.funcs) {
    for (const info of infos) {
      const func = code.startingAt(section, info.off);
      if (func !== undefined) func.btfType = info.type;
    }
  }
  for (const [section, records] of debug.lines) addLines(code, section, records);
  if (ctx.btf === undefined) return;
  const tags = readDeclTags(ctx.btf);
  for (const func of code.funcs) func.declTags = func.btfType === undefined ? [] : (tags.get(func.btfType) ?? []);
}

function addLines(code: Code, section: number, records: readonly LineRecord[]): void {
  for (const func of code.sections.get(section)?.funcs ?? []) {
    const first = lastAtMost(records, func.startOff - 1, (each) => each.off) + 1;
    const last = lastAtMost(records, func.endOff - 1, (each) => each.off);
    func.lines = records.slice(first, last + 1).map(({ off, file, text, line, col }) => ({
      pc: Math.floor((off - func.startOff) / SLOT_BYTES),
      file,
      text,
      line,
      col,
    }));
  }
}

/** Type id -> tags of the declaration itself, members and parameters left out. */
function readDeclTags(btf: Btf): Map<BtfId, string[]> {
  const tags = new Map<BtfId, string[]>();
  for (let id = 1; id < btf.count; id++) {
    if (btf.kind(id) !== 'decl_tag') continue;
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.component !== -1) continue;
    const known = tags.get(tag.type);
    if (known === undefined) tags.set(tag.type, [tag.name]);
    else known.push(tag.name);
  }
  return tags;
}
