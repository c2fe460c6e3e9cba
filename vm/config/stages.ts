/** The stages of a chain as configs of their own, each with what stands once for all of them. Knows no object. */
import { ConfigErrors } from '../errors.js';
import type { ConfigError } from '../errors.js';
import type { ConfigPath, ConfigPlaces, ConfigProblem, FaultDetails } from './config-text.js';
import type { ConfigFile } from './config-file.js';
import { SHARED_KEYS } from './schema.js';
import type { Config } from './schema.js';

/**
 * @param shared the rest of the config
 * @throws ConfigErrors where that says what only a stage can say, or two stages have one name
 */
export function splitStages(shared: Config, stages: readonly Config[], text: ConfigPlaces): readonly ConfigFile[] {
  if (stages.length === 0) return [];
  const isShared = (key: string): boolean => (SHARED_KEYS as readonly string[]).includes(key);
  const faults: ConfigError[] = Object.keys(shared)
    .filter((key) => !isShared(key))
    .map((key) =>
      text.fault([key], 'refused', 'which stage is this about?', { at: 'key', hint: 'say it in one of `stages`' }),
    );
  const names = stages.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (name === undefined || names.indexOf(name) === index) continue;
    faults.push(text.fault(['stages', index, 'name'], 'refused', `there is a stage \`${name}\` already`));
  }
  if (faults.length > 0) throw new ConfigErrors(faults);
  return stages.map((stage, index) => ({
    config: { ...shared, ...stage },
    text: new StagePlaces(text, ['stages', index], new Set(Object.keys(stage))),
    stages: [],
  }));
}

/** Places of a stage's values: below the stage, or at the top what the stage does not say itself. */
class StagePlaces implements ConfigPlaces {
  readonly #whole: ConfigPlaces;
  readonly #path: ConfigPath;
  readonly #own: ReadonlySet<PropertyKey>;

  constructor(whole: ConfigPlaces, path: ConfigPath, own: ReadonlySet<PropertyKey>) {
    this.#whole = whole;
    this.#path = path;
    this.#own = own;
  }

  get file(): string {
    return this.#whole.file;
  }

  where(path: ConfigPath, at?: 'key' | 'value') {
    return this.#whole.where(this.#absolute(path), at);
  }

  fault(path: ConfigPath, problem: ConfigProblem, message: string, details?: FaultDetails): ConfigError {
    return this.#whole.fault(this.#absolute(path), problem, message, details);
  }

  #absolute(path: ConfigPath): ConfigPath {
    const [first] = path;
    const isInherited =
      first !== undefined && !this.#own.has(first) && (SHARED_KEYS as readonly PropertyKey[]).includes(first);
    return isInherited ? path : [...this.#path, ...path];
  }
}
