/**
 * `-c skep.yaml` and `--set`: reads the files that a config names, and gives the datapath that it describes. Paths in a
 * config are relative to it. Loaded only where there is a config: yaml and zod take long to load.
 */
import { dirname, resolve } from 'node:path';
import { readInput } from '../node/read-input.js';
import { configure, dumpsOf, readConfig } from '../vm/config/index.js';
import type { Config, Configured, ConfigureOptions } from '../vm/config/index.js';
import { ConfigError, ConfigErrors, SkepError } from '../vm/index.js';
import { joinControl } from './config-control.js';

export interface ConfiguredRun extends Configured {
  readonly config: Config;
  /** The object's path as the config or the command line says it. */
  readonly object: string;
}

/**
 * @param object path from the command line; absent: the config's
 * @param options what the command line says comes before what the config says
 */
export async function loadWithConfig(
  path: string,
  object: string | undefined,
  options: ConfigureOptions,
): Promise<ConfiguredRun> {
  const file = readConfig(new TextDecoder().decode(await readInput(path)), path);
  const { config, text } = file;
  const beside = (name: string): string => resolve(dirname(path), name);
  if (object === undefined && config.object === undefined) {
    throw new ConfigErrors([
      text.fault([], 'missing', 'which object?', { hint: 'say object: in the config, or give it on the command line' }),
    ]);
  }
  const read = async (name: string, at: readonly PropertyKey[]): Promise<Uint8Array> => {
    try {
      return await readInput(beside(name));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw text.fault(at, 'refused', `\`${name}\`: ${error.message}`, { cause: error });
    }
  };
  const faults: ConfigError[] = [];
  const dumps = new Map<string, string>();
  let bytes: Uint8Array | undefined;
  for (const { name, path: at } of dumpsOf(file)) {
    await read(name, at).then(
      (contents) => dumps.set(name, new TextDecoder().decode(contents)),
      (error: unknown) => faults.push(mustBeConfigError(error)),
    );
  }
  if (object !== undefined) bytes = await readInput(object);
  else {
    bytes = await read(config.object ?? '', ['object']).catch((error: unknown) => {
      faults.push(mustBeConfigError(error));
      return undefined;
    });
  }
  if (faults.length > 0 || bytes === undefined) throw new ConfigErrors(faults);
  const name = object ?? config.object ?? path;
  const configured = configure(bytes, file, { ...options, name, dumps });
  joinControl(configured.datapath, file);
  return { ...configured, config, object: name };
}

function mustBeConfigError(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  throw error instanceof SkepError ? (error as SkepError) : error;
}
