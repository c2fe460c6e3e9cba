/** Symbols that the object leaves undefined: kernel configuration, kernel symbols, kfuncs. BTF says which is which. */
import type { ElfSymbol } from '../elf/elf.js';
import type { MapId } from '../object/object-spec.js';
import type { LoadContext } from './load-context.js';

export type Extern =
  /** A variable of `.kconfig`, `off` bytes into the map's value. */
  | { readonly kind: 'kconfig'; readonly map: MapId; readonly off: number }
  | { readonly kind: 'kfunc'; readonly weak: boolean }
  | { readonly kind: 'ksym'; readonly weak: boolean }
  /** Declared nowhere: a function or variable of another object file. */
  | { readonly kind: 'undefined'; readonly weak: boolean };

/** What the undefined symbols are, by name. */
export type Externs = ReadonlyMap<string, Extern>;

export function externOf(externs: Externs, symbol: ElfSymbol): Extern {
  return externs.get(symbol.name) ?? { kind: 'undefined', weak: symbol.binding === 'weak' };
}

/** Reads the extern declarations of `.ksyms`. */
export function readKsyms(ctx: LoadContext): Map<string, Extern> {
  const externs = new Map<string, Extern>();
  const { btf } = ctx;
  if (btf === undefined) return externs;
  const weak = new Set((ctx.symbols.get(0) ?? []).filter((each) => each.binding === 'weak').map((each) => each.name));
  for (const each of ctx.datasec('.ksyms')?.vars ?? []) {
    const type = btf.type(each.type);
    if (type.kind === 'func') externs.set(type.name, { kind: 'kfunc', weak: weak.has(type.name) });
    if (type.kind === 'var') externs.set(type.name, { kind: 'ksym', weak: weak.has(type.name) });
  }
  return externs;
}
