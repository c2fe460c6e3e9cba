/** `--set VAR=value`: global variables from the command line. */
import { InvalidArgumentError } from 'commander';
import type { Datapath, ValueInput } from '../vm/index.js';

export interface GlobalSetting {
  /** A variable's name, or a part of it: `limits.low`. */
  readonly path: string;
  readonly value: ValueInput;
}

/** For commander: gathers what the option says each time that it is given. */
export function parseSetting(text: string, before: readonly GlobalSetting[] = []): readonly GlobalSetting[] {
  const [, path, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined) throw new InvalidArgumentError('give VAR=value');
  return [...before, { path, value: parseValue(value) }];
}

/** Lists and mappings are JSON; everything else is text, which the variable's type reads. */
function parseValue(text: string): ValueInput {
  if (!/^[[{"]/.test(text)) return text;
  try {
    return JSON.parse(text) as ValueInput;
  } catch {
    throw new InvalidArgumentError(`${text} is no JSON`);
  }
}

/** @throws ConfigError `config-value` where there is no such variable, or the value does not fit */
export function setGlobals(datapath: Datapath, settings: readonly GlobalSetting[] = []): void {
  for (const { path, value } of settings) datapath.setGlobal(path, value);
}
