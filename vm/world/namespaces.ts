/** Network namespaces by name and by the number that programs ask with. Knows no device. */
import { refuseWorld } from './spec-fault.js';
import type { NetnsSpec } from './world-spec.js';

/** What Linux gives the namespace that it starts with; programs run there. */
export const FIRST_NETNS_COOKIE = 1;

export class Namespaces {
  readonly #cookies = new Map<string, number>();
  readonly #byId = new Map<number, number>();

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly NetnsSpec[]) {
    for (const [index, { name, cookie, id }] of specs.entries()) {
      const path = `netns[${String(index)}]`;
      if (this.#cookies.has(name)) refuseWorld(`${path}.name`, `\`${name}\` is taken`);
      this.#cookies.set(name, cookie);
      if (id === undefined) continue;
      if (this.#byId.has(id)) refuseWorld(`${path}.id`, `${String(id)} is taken`);
      this.#byId.set(id, cookie);
    }
  }

  /** @throws ConfigError `config-value` where there is no such namespace */
  cookieOf(name: string | undefined, path: string): number {
    if (name === undefined) return FIRST_NETNS_COOKIE;
    return this.#cookies.get(name) ?? refuseWorld(path, `there is no namespace \`${name}\``);
  }

  /** Cookie of the namespace with this number, or undefined. */
  withId(id: number): number | undefined {
    return this.#byId.get(id);
  }
}
