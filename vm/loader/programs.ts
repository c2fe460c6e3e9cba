/** Programs: which functions they are, what their section says of them, and which functions they reach. */
import { LoadError } from '../errors.js';
import type { FuncId, ProgramSpec } from '../object/object-spec.js';
import { PROG_FLAGS } from '../spec/prog-types.js';
import type { ProgTypeName } from '../spec/prog-types.js';
import { programTypeOf } from '../spec/sections.js';
import type { Code, Func } from './functions.js';
import type { LoadContext } from './load-context.js';

/** So that programs sharing their functions cannot multiply into gigabytes; real objects have a few thousand. */
const MAX_REACHED = 1_000_000;

/**
 * Functions that are programs: as for libbpf and ebpf-go those outside `.text`. An object that has none of them (a sample
 * of somebody's verifier, assembled code) offers the functions of `.text` that nothing else calls.
 */
function programFuncs(code: Code): Func[] {
  const marked = code.funcs.filter((func) => func.marked);
  const programs = marked.filter((func) => func.section.name !== '.text');
  if (programs.length > 0) return programs;
  const called = new Set<FuncId>();
  for (const func of code.funcs) {
    for (const ref of func.refs.values()) if (ref.kind === 'call' || ref.kind === 'func') called.add(ref.func);
  }
  return marked.filter((func) => func.linkage === 'global' && !called.has(func.id));
}

/** Makes the program specs, in the order of the functions. Throws `LoadError` 'load-program'. */
export function makePrograms(ctx: LoadContext, code: Code, defaultType?: ProgTypeName): readonly ProgramSpec[] {
  const programs: ProgramSpec[] = [];
  let reached = 0;
  for (const func of programFuncs(code)) {
    const functions = reachableFrom(code, func.id);
    reached += functions.length;
    if (reached > MAX_REACHED) {
      throw new LoadError('load-program', 'the programs of the object share too many functions', { data: { reached } });
    }
    programs.push(makeProgram(ctx, func, functions, defaultType));
  }
  return programs;
}

function makeProgram(
  ctx: LoadContext,
  func: Func,
  functions: readonly FuncId[],
  defaultType: ProgTypeName | undefined,
): ProgramSpec {
  const section = func.section.name;
  const common = { name: func.name, section, func: func.id, functions, declTags: func.declTags };
  const meaning = programTypeOf(section);
  if (meaning === undefined && defaultType !== undefined) return { ...common, type: defaultType, flags: 0 };
  if (meaning === undefined) {
    const unsupported = `section ${section} names no program type of Linux 6.18`;
    ctx.notes.add('unsupported-section', unsupported);
    return { ...common, type: 'unspec', flags: 0, unsupported };
  }
  const { row, target, autoload } = meaning;
  return {
    ...common,
    type: row.type,
    ...(row.attach === undefined ? {} : { attachType: row.attach }),
    ...(target === '' ? {} : { attachTo: target }),
    ...(autoload ? {} : { autoload }),
    flags: (row.frags === true ? PROG_FLAGS.xdpHasFrags : 0) | (row.sleepable === true ? PROG_FLAGS.sleepable : 0),
  };
}

/** Functions reached by calls and function pointers, breadth first, `first` included. */
function reachableFrom(code: Code, first: FuncId): FuncId[] {
  const seen = new Set<FuncId>([first]);
  for (const id of seen) {
    for (const ref of code.funcs[id]?.refs.values() ?? []) {
      if (ref.kind === 'call' || ref.kind === 'func') seen.add(ref.func);
    }
  }
  return [...seen];
}
