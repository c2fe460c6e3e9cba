/** Mistakes found in a value, by those who know its type, moved to the value's place in the config. */
import type { ConfigError } from '../errors.js';
import type { ConfigPath } from './config-text.js';
import type { ConfigFile } from './config-file.js';

/** `.tag.low[3]` or `world.devices[0].mac` as steps. */
export function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name = '']) =>
    index === undefined ? name : Number(index),
  );
}

/**
 * @param path where the value stands; `data.path` of the error says where in it the mistake is
 * @param error whose message may begin with that; it then does so no more
 * @param skipped steps of `data.path` that are in `path` already
 */
export function relocate({ text }: ConfigFile, path: ConfigPath, error: ConfigError, skipped = 0): ConfigError {
  const { data, hint, message } = error;
  const inner = typeof data?.path === 'string' && data.name === undefined ? data.path : '';
  const what = typeof data?.what === 'string' ? data.what : '';
  const isUnknown = data?.unknownField !== undefined;
  const problem = error.code === 'config-unsupported' ? 'unsupported' : isUnknown ? 'unknown-key' : 'form';
  const lead = [`${what} ${inner}: `, `${what}: `, `${inner}: `].find((each) => message.startsWith(each)) ?? '';
  return text.fault([...path, ...stepsOf(inner).slice(skipped)], problem, message.slice(lead.length), {
    at: isUnknown ? 'key' : 'value',
    hint,
    cause: error,
  });
}
