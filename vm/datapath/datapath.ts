/** The library's front door: load an object, attach a program, run packets. */
import type { Value, ValueInput } from '../btf/value.js';
import { ALL_CHECKS, DEFAULT_FUEL } from '../engine/engine.js';
import { readBlockCounts } from '../engine/block-counts.js';
import type { BlockCount } from '../engine/block-counts.js';
import type { Checks, Compiled, Probe } from '../engine/engine.js';
import { ConfigError, LoadError, must } from '../errors.js';
import { storesSpecialFields } from '../hooks/special-stores.js';
import { hookOf } from '../hooks/table.js';
import { loadObject } from '../loader/load-object.js';
import type { LoadOptions as ObjectOptions } from '../loader/load-object.js';
import { decodeEvent } from '../machine/event-types.js';
import { Globals } from '../machine/globals.js';
import { layoutOf } from '../machine/layout.js';
import type { Layout, LayoutOptions } from '../machine/layout.js';
import { Machine } from '../machine/machine.js';
import type { MapHandle } from '../machine/map-table.js';
import { TypedMap } from '../machine/typed-map.js';
import type { ObjectSpec } from '../object/object-spec.js';
import { overrideMaps } from '../object/override-maps.js';
import type { MapOverrides } from '../object/override-maps.js';
import type { CtxFields } from '../packet/ctx-fields.js';
import type { MapEvent } from '../world/effects.js';
import { worldSizeOf } from '../world/world-size.js';
import type { WorldSpec } from '../world/world-spec.js';
import { Attachment } from './attachment.js';
import { chooseProgram } from './choose-program.js';
import { ENGINES, TIERED } from './engines.js';
import type { EngineName } from './engines.js';
import { TestRun } from './test-run.js';

/** Fuel and memory checks are on unless told otherwise: nothing has verified the program. */
export interface DatapathOptions extends Omit<LayoutOptions, 'worldSize' | 'counters'> {
  /** This engine, or an error; left out, `preferred`. */
  readonly engine?: EngineName;
  /** The engine where it can be used, else `interp`; default `interp`. */
  readonly preferred?: EngineName;
  /**
   * With engine `wasm`: programs that cannot run long start in `interp` and are compiled once they have executed so much that it
   * pays. What they do is the same. Default false: a program is compiled when it is first run.
   */
  readonly tiered?: boolean;
  readonly checks?: Partial<Checks>;
  /**
   * Asked once about the object as it will run, before it is compiled: which checks do its programs need? `checks` counts
   * for more. May throw to stop everything.
   */
  readonly judge?: (object: ObjectSpec) => Partial<Checks>;
  /** Instructions that one packet may cost. */
  readonly fuel?: number;
  /** Seed of bpf_get_prandom_u32. */
  readonly seed?: number;
  /** Devices, routes, neighbours, sockets, cgroups; without it there is a loopback device that forwards nothing. */
  readonly world?: WorldSpec;
  /** Other sizes of maps than the object says. */
  readonly mapOverrides?: MapOverrides;
}

export interface AttachOptions {
  /** Told of each instruction; engine `interp` only. */
  readonly probe?: Probe;
  /** What each packet carries when it comes in; socket buffers only. */
  readonly ctx?: CtxFields;
  /** Queue that packets come in on where nothing else is said; default 0. */
  readonly queue?: number;
}

/**
 * Loads an object and gives it a machine of its own.
 * @param bytes an ELF file made by `clang -target bpf`
 * @throws ElfError, BtfError, LoadError where the object cannot be loaded, is too large, or cannot run on this engine
 */
export function load(bytes: Uint8Array, options: DatapathOptions & ObjectOptions = {}): Datapath {
  return new Datapath(loadObject(bytes, options), options);
}

interface Prepared {
  readonly engine: EngineName;
  readonly note: string | undefined;
  readonly checks: Checks;
  readonly layout: Layout;
  readonly compiled: Compiled;
}

/** Lays an object out and compiles it. */
function prepare(object: ObjectSpec, options: DatapathOptions): Prepared {
  const worldSize = worldSizeOf(options.world ?? {});
  const judged = options.judge?.(object);
  const prepareFor = (engine: EngineName): Omit<Prepared, 'note'> => {
    const wanted = { ...ALL_CHECKS, ...judged, ...options.checks };
    // In `interp` such a store takes the arm of a refused access, which only checked code has.
    const needsCheck = storesSpecialFields(object);
    const mustCheck = engine === 'interp' && needsCheck;
    const checks = { ...wanted, memory: wanted.memory || mustCheck };
    const layout = layoutOf(object, { ...options, shadow: checks.memory, counters: checks.counters, worldSize });
    const startsCold = engine === 'wasm' && options.tiered === true && (checks.memory || !needsCheck);
    const compiled = (startsCold ? TIERED : ENGINES[engine]).compile(object, layout, checks);
    return { engine, checks, layout, compiled };
  };
  if (options.engine !== undefined || options.preferred !== 'wasm') {
    return { ...prepareFor(options.engine ?? 'interp'), note: undefined };
  }
  try {
    return { ...prepareFor('wasm'), note: undefined };
  } catch (error) {
    if (!(error instanceof LoadError) || error.code !== 'load-unsupported') throw error;
    return { ...prepareFor('interp'), note: `engine interp runs, since ${error.message}` };
  }
}

export class Datapath {
  readonly object: ObjectSpec;
  readonly machine: Machine;
  readonly engine: EngineName;
  readonly checks: Checks;
  /** Why another engine runs than was preferred, if one does. */
  readonly note: string | undefined;
  readonly #compiled;

  constructor(compiled: ObjectSpec, options: DatapathOptions = {}) {
    const object = options.mapOverrides === undefined ? compiled : overrideMaps(compiled, options.mapOverrides);
    this.object = object;
    const { engine, note, checks, layout, compiled: code } = prepare(object, options);
    this.engine = engine;
    this.note = note;
    this.checks = checks;
    this.#compiled = code;
    this.machine = new Machine(object, layout, {
      world: options.world,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
    this.machine.setFuel(options.fuel ?? DEFAULT_FUEL);
  }

  /**
   * A map by name.
   * @throws ConfigError `config-value` where the object has none of that name
   */
  map(name: string): MapHandle {
    const id = this.machine.maps.idOf(name);
    if (id === undefined) {
      const names = this.object.maps.map((map) => map.name).join(', ');
      throw new ConfigError('config-value', `${this.object.name} has no map \`${name}\``, {
        hint: names === '' ? 'it has no maps' : `it has ${names}`,
      });
    }
    return this.machine.maps.handle(id);
  }

  /**
   * Makes a fresh map from the template of a map of maps, to be filled and put in by `setMap` of the outer map's handle.
   * @param outer name of the map of maps
   * @param maxEntries where the kernel allows another capacity than the template's
   * @throws ConfigError `config-value` where there is no such map, no template, or no such capacity
   * @throws LoadError `load-memory` where there is no room for another
   */
  createInnerMap(outer: string, maxEntries?: number): MapHandle {
    const { maps } = this.machine;
    return maps.handle(maps.createInner(this.map(outer).id, maxEntries));
  }

  /**
   * A map by name, whose keys and values are plain JavaScript by the BTF types of its definition.
   * @throws ConfigError `config-value` where the object has none of that name, `config-unsupported` where it has no types
   */
  typedMap(name: string): TypedMap {
    return new TypedMap(this.object, this.map(name));
  }

  /** Global variables by name; `getGlobal` and `setGlobal` say how. */
  get globals(): Globals {
    return new Globals(this.object, this.machine.maps);
  }

  /**
   * A global variable's value.
   * @param path its name, or a part of it: `limits.low`, `table[3]`
   * @throws ConfigError `config-value` where there is none
   */
  getGlobal(path: string): Value {
    return this.globals.get(path);
  }

  /**
   * Sets a global variable, `const volatile` ones too. Fields and elements that are left out stay as they are.
   * @param path its name, or a part of it: `limits.low`, `table[3]`
   * @throws ConfigError `config-value` where there is none, or the value does not fit its type
   */
  setGlobal(path: string, value: ValueInput): void {
    this.globals.set(path, value);
  }

  /**
   * A sample of a ring buffer or perf buffer by BTF type. Bytes behind the type's are not looked at.
   * @param typeName such as `event` or `struct event`; may be left out where the map's definition gives a struct as value
   *   type, or global variables point to one struct only
   * @throws ConfigError `config-value` where the type is unknown or the sample is shorter
   */
  decodeEvent(event: MapEvent, typeName?: string): Value {
    return decodeEvent(this.object, event, typeName);
  }

  /** How often each basic block was entered, in the order of functions; none without the check `counters`. */
  blockCounts(): readonly BlockCount[] {
    return readBlockCounts(this.machine);
  }

  /**
   * Puts a program on its hook.
   * @param program its name or section; may be left out where only one can be meant
   * @throws ConfigError where no such program exists, several fit, or its type is unsupported
   */
  attach(program?: string, options: AttachOptions = {}): Attachment {
    const spec = must(this.object.programs[chooseProgram(this.object, program)], 'a program');
    const hook = must(hookOf(spec.type, spec.attachType), 'a hook');
    this.machine.enter(hook);
    return new Attachment(this.machine, this.#compiled.bind(this.machine, options.probe), spec, hook, options);
  }

  /**
   * A way to run programs of this object as the command BPF_PROG_TEST_RUN does.
   * @param probe told of each instruction; engine `interp` only
   */
  testRun(probe?: Probe): TestRun {
    return new TestRun(this.machine, this.#compiled.bind(this.machine, probe));
  }
}
