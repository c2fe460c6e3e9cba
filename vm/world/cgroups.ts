/** The hierarchy of control groups: numbers, parents, class ids. Knows no socket and no task. */
import { refuseWorld } from './spec-fault.js';
import type { CgroupSpec } from './world-spec.js';

export interface Cgroup {
  /** From 0 for `/`; what maps that hold something per cgroup count by. */
  readonly index: number;
  readonly path: string;
  readonly id: number;
  readonly classid: number;
  /** Undefined for `/`. */
  readonly parent: Cgroup | undefined;
  /** 0 for `/`. */
  readonly level: number;
}

const ROOT_ID = 1;
const MAX_ID = Number.MAX_SAFE_INTEGER;

export class Cgroups {
  readonly #byPath = new Map<string, Cgroup>();
  readonly #ids = new Set<number>();

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly CgroupSpec[]) {
    const given = new Map<string, { spec: CgroupSpec; at: string }>();
    for (const [index, spec] of specs.entries()) {
      const at = `cgroups[${String(index)}]`;
      if (!/^\/$|^(\/[^/]+)+$/.test(spec.path)) refuseWorld(`${at}.path`, `\`${spec.path}\` is no absolute path`);
      if (given.has(spec.path)) refuseWorld(`${at}.path`, `\`${spec.path}\` is there twice`);
      given.set(spec.path, { spec, at });
    }
    this.#add('/', undefined, given);
    for (const path of given.keys()) this.#reach(path, given);
  }

  get count(): number {
    return this.#byPath.size;
  }

  get root(): Cgroup {
    return this.mustHave('/', 'cgroups');
  }

  at(index: number): Cgroup | undefined {
    return [...this.#byPath.values()][index];
  }

  named(path: string): Cgroup | undefined {
    return this.#byPath.get(path);
  }

  withId(id: number): Cgroup | undefined {
    for (const cgroup of this.#byPath.values()) if (cgroup.id === id) return cgroup;
    return undefined;
  }

  /** @throws ConfigError `config-value` where there is none */
  mustHave(path: string, at: string): Cgroup {
    return this.named(path) ?? refuseWorld(at, `there is no cgroup \`${path}\``);
  }

  #reach(path: string, given: ReadonlyMap<string, { spec: CgroupSpec; at: string }>): Cgroup {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const end = path.lastIndexOf('/');
    return this.#add(path, this.#reach(end === 0 ? '/' : path.slice(0, end), given), given);
  }

  #add(path: string, parent: Cgroup | undefined, given: ReadonlyMap<string, { spec: CgroupSpec; at: string }>): Cgroup {
    const { spec, at = 'cgroups' } = given.get(path) ?? {};
    const id = spec?.id ?? this.#freeId();
    if (!Number.isInteger(id) || id < 1 || id > MAX_ID) refuseWorld(`${at}.id`, `${String(id)} is no cgroup id`);
    if (this.#ids.has(id)) refuseWorld(`${at}.id`, `${String(id)} is taken`);
    this.#ids.add(id);
    const cgroup: Cgroup = {
      index: this.#byPath.size,
      path,
      id,
      classid: spec?.classid ?? parent?.classid ?? 0,
      parent,
      level: parent === undefined ? 0 : parent.level + 1,
    };
    this.#byPath.set(path, cgroup);
    return cgroup;
  }

  #freeId(): number {
    let id = ROOT_ID;
    while (this.#ids.has(id)) id++;
    return id;
  }
}

/** The ancestor at a level, itself included; undefined where it is not that deep. */
export function ancestorAt(cgroup: Cgroup, level: number): Cgroup | undefined {
  let at: Cgroup | undefined = cgroup;
  while (at !== undefined && at.level > level) at = at.parent;
  return at?.level === level ? at : undefined;
}

/** Whether it is `other` or below it. */
export function isUnder(cgroup: Cgroup, other: Cgroup): boolean {
  return ancestorAt(cgroup, other.level) === other;
}
