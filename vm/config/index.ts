/**
 * `skep/config`: configs (`skep.yaml`) for programs that use the library. Apart from `skep` because it needs yaml and zod,
 * which take 150 to 300 ms to load. Re-exports only.
 */
export { readConfig } from './read-config.js';
export type { ConfigFile } from './config-file.js';
export { configure, dumpsOf, goesOnOf } from './configure.js';
export type { Configured, ConfigureOptions } from './configure.js';
export { MAX_CONFIG_BYTES } from './config-text.js';
export type { ConfigPath, ConfigPlaces, ConfigProblem, FaultDetails } from './config-text.js';
export { relocate } from './relocate.js';
export type { Config } from './schema.js';
export { writeJsonSchema } from './json-schema.js';
