/** The library's front door: load an object, attach a program, run packets. */
import { DEFAULT_FUEL } from '../engine/engine.js';
import type { Checks, Probe } from '../engine/engine.js';
import { ConfigError, must } from '../errors.js';
import { hookOf } from '../hooks/table.js';
import { loadObject } from '../loader/load-object.js';
import type { LoadOptions as ObjectOptions } from '../loader/load-object.js';
import { layoutOf } from '../machine/layout.js';
import type { LayoutOptions } from '../machine/layout.js';
import { Machine } from '../machine/machine.js';
import type { MapHandle } from '../machine/map-table.js';
import { READ, WRITE } from '../memory/shadow.js';
import type { Rights } from '../memory/shadow.js';
import type { ObjectSpec } from '../object/object-spec.js';
import { Attachment } from './attachment.js';
import { chooseProgram } from './choose-program.js';
import { ENGINES } from './engines.js';
import type { EngineName } from './engines.js';

/** Fuel and memory checks are on unless told otherwise: nothing has verified the program. */
export interface DatapathOptions extends LayoutOptions {
  readonly engine?: EngineName;
  readonly checks?: Partial<Checks>;
  /** Instructions that one packet may cost. */
  readonly fuel?: number;
  /** Seed of bpf_get_prandom_u32. */
  readonly seed?: number;
}

export interface AttachOptions {
  /** Told of each instruction; engine `interp` only. */
  readonly probe?: Probe;
}

/**
 * Loads an object and gives it a machine of its own.
 * @param bytes an ELF file made by `clang -target bpf`
 * @throws ElfError, BtfError, LoadError where the object cannot be loaded, is too large, or cannot run on this engine
 */
export function load(bytes: Uint8Array, options: DatapathOptions & ObjectOptions = {}): Datapath {
  return new Datapath(loadObject(bytes, options), options);
}

export class Datapath {
  readonly object: ObjectSpec;
  readonly machine: Machine;
  readonly engine: EngineName;
  readonly checks: Checks;
  readonly #compiled;

  constructor(object: ObjectSpec, options: DatapathOptions = {}) {
    this.object = object;
    this.engine = options.engine ?? 'interp';
    this.checks = { fuel: true, memory: true, stackInit: false, ...options.checks };
    const layout = layoutOf(object, { ...options, shadow: this.checks.memory });
    this.#compiled = ENGINES[this.engine].compile(object, layout, this.checks);
    this.machine = new Machine(object, layout, options.seed === undefined ? {} : { seed: options.seed });
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
   * Puts a program on its hook.
   * @param program its name or section; may be left out where only one can be meant
   * @throws ConfigError where no such program exists, several fit, or its type is unsupported
   */
  attach(program?: string, options: AttachOptions = {}): Attachment {
    const spec = must(this.object.programs[chooseProgram(this.object, program)], 'a program');
    const hook = must(hookOf(spec.type), 'a hook');
    const { layout, shadow } = this.machine;
    const mark = (ranges: readonly (readonly [number, number])[], rights: Rights): void => {
      for (const [off, bytes] of ranges) shadow.mark(layout.ctx + off, bytes, rights);
    };
    mark(hook.readable, READ);
    mark(hook.writable, (READ | WRITE) as Rights);
    return new Attachment(this.machine, this.#compiled.bind(this.machine, options.probe), spec, hook);
  }
}
