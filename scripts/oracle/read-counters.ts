/**
 * Reads recorded counters of objects' programs, and finds each program in the objects of a directory: by the object's
 * name, the program's name and its number of instructions.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadObject } from '../../vm/loader/load-object.js';
import { describeObject } from '../../vm/object/describe.js';
import type { ObjectSpec, ProgId } from '../../vm/object/object-spec.js';
import { programFromObject } from '../../vm/verifier/verify.js';
import { ALL_CAPABILITIES } from '../../vm/verifier/verdict.js';
import { list, number, numberOrNone, object, text, textOrNone } from './fields.js';
import type { Json } from './fields.js';
import type { Row, RowFile } from './row.js';

export function isCounters(file: Json): boolean {
  return Array.isArray(file.objects);
}

/** @param folder where the objects are, or undefined: every row is then excluded */
export function readCounters(file: Json, folder: string | undefined): RowFile {
  const shelf = new ObjectShelf(folder);
  const rows = list(file.objects, 'objects').flatMap((each) => {
    const entry = object(each, 'an object');
    const name = text(entry.object, 'object').replace(/\.o$/, '');
    const options = textOrNone(entry.options, 'options');
    return list(entry.programs, 'programs').map((program) =>
      readRow(object(program, 'a program'), name, options, shelf),
    );
  });
  return { kind: 'counters', rows };
}

function readRow(row: Json, objectName: string, options: string | undefined, shelf: ObjectShelf): Row {
  const program = text(row.prog ?? row.name, 'prog');
  const insns = number(row.insns, 'insns');
  const found = shelf.find(objectName, options, program, insns);
  const kernelUs = numberOrNone(row.verif_us, 'verif_us');
  const type = typeof found === 'string' ? undefined : found.object.programs[found.prog]?.type;
  const known = type === undefined || type === 'unspec' ? 'sched_cls' : type;
  return {
    name: [options, objectName, program].filter((part) => part !== undefined).join('/'),
    type: known,
    group: /^(tracing|kprobe|perf_event|(raw_)?tracepoint.*|lsm|struct_ops|ext|syscall)$/.test(known)
      ? 'vehicle'
      : 'net',
    ...(typeof found === 'string' ? { excluded: found } : {}),
    caps: ALL_CAPABILITIES,
    live: { accepts: row.ok !== false, errno: 0, processed: number(row.processed, 'processed') },
    ...(kernelUs === undefined ? {} : { kernelUs }),
    program: () => {
      if (typeof found === 'string') throw new Error(found);
      return programFromObject(found.object, found.prog);
    },
    maps: [],
    runs: [],
  };
}

interface Found {
  readonly object: ObjectSpec;
  readonly prog: ProgId;
}

/** The objects of a directory and those below it, loaded when asked for; the last few are kept. */
class ObjectShelf {
  readonly #paths = new Map<string, string[]>();
  #loaded: { path: string; object: ObjectSpec; slots: readonly number[] }[] = [];

  constructor(folder: string | undefined) {
    if (folder === undefined) return;
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (!path.endsWith('.o')) continue;
      const name = basename(path, '.o');
      this.#paths.set(name, [...(this.#paths.get(name) ?? []), join(folder, path)]);
    }
  }

  /** The program, or why there is none. Of several builds that fit, that from the folder named like the options. */
  find(name: string, options: string | undefined, program: string, insns: number): Found | string {
    const paths = [...(this.#paths.get(name) ?? [])];
    if (paths.length === 0) return `object ${name}.o is not there`;
    const isMeant = (path: string): number => (basename(dirname(path)) === options ? 0 : 1);
    paths.sort((a, b) => isMeant(a) - isMeant(b));
    for (const path of paths) {
      const { object, slots } = this.#load(path);
      const prog = object.programs.findIndex((each, id) => each.name === program && slots[id] === insns);
      if (prog >= 0) return { object, prog };
    }
    return `${name}.o has no program ${program} of ${String(insns)} instructions`;
  }

  #load(path: string): { object: ObjectSpec; slots: readonly number[] } {
    const known = this.#loaded.find((each) => each.path === path);
    if (known !== undefined) return known;
    const object = loadObject(readFileSync(path), { name: path });
    const made = { path, object, slots: describeObject(object).programs.map(({ slots }) => slots) };
    this.#loaded = [made, ...this.#loaded].slice(0, 2);
    return made;
  }
}
