/** A config once it is read. Types only. */
import type { ConfigPlaces } from './config-text.js';
import type { Config } from './schema.js';

/** A config that is well formed. Whether it fits an object, `configure` says. */
export interface ConfigFile {
  readonly config: Config;
  /** Says where in the file a value stands. */
  readonly text: ConfigPlaces;
  /** Programs one behind the other, each with a config of its own; empty where the config is about one. */
  readonly stages: readonly ConfigFile[];
}
