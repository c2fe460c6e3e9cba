/** Mistakes found in a value, by those who know its type, moved to the value's place in the config. */
import type { ConfigError } from '../errors.js';
import type { ConfigPath } from './config-text.js';
import type { ConfigFile } from './read-config.js';

/** `.tag.low[3]` or `world.devices[0].mac` as steps. */
export function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name = '']) =>
    index === undefined ? name : Number(index),
  );
}

/** @param path where the value stands; `data.path` of the error says where in it the mistake is */
export function relocate({ text }: ConfigFile, path: ConfigPath, error: ConfigError): ConfigError {
  const { data, hint } = error;
  const steps = typeof data?.path === 'string' ? stepsOf(data.path) : [];
  const isUnknown = data?.unknownField !== undefined;
  const problem = error.code === 'config-unsupported' ? 'unsupported' : isUnknown ? 'unknown-key' : 'form';
  return text.fault([...path, ...steps], problem, error.message, {
    at: isUnknown ? 'key' : 'value',
    hint,
    cause: error,
  });
}
