/** A config file's text to its values, with every mistake that its schema knows. Knows no object. */
import type * as z from 'zod';
import { ConfigErrors } from '../errors.js';
import type { ConfigError } from '../errors.js';
import { suggestion } from '../suggest.js';
import { ConfigText } from './config-text.js';
import type { ConfigPath } from './config-text.js';
import type { ConfigFile } from './config-file.js';
import { configSchema, keysAt } from './schema.js';
import { splitStages } from './stages.js';

type Issue = z.core.$ZodIssue;

const MAX_SHOWN_CHARS = 40;
const MAX_LISTED = 16;

/** What zod calls things, in words of people who write YAML. */
const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/**
 * Reads a config: YAML 1.2 or JSON.
 * @param file its name, for messages
 * @throws ConfigErrors with all mistakes, each with line and column
 */
export function readConfig(text: string, file: string): ConfigFile {
  const source = new ConfigText(text, file);
  const value = source.value ?? {};
  const result = configSchema.safeParse(value);
  const faults = [...source.faults];
  if (!result.success) {
    for (const issue of result.error.issues) faults.push(...faultsOf(issue, issue.path, source, value));
  }
  if (faults.length > 0 || !result.success) throw new ConfigErrors(faults);
  const { stages = [], ...config } = result.data;
  return { config, text: source, stages: splitStages(config, stages, source) };
}

function faultsOf(issue: Issue, path: ConfigPath, source: ConfigText, root: unknown): ConfigError[] {
  const value = valueAt(root, path);
  const not = `not ${show(value)}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = keysAt(path);
        const hint = suggestion(key, known) ?? `it may be ${list(known)}`;
        return source.fault([...path, key], 'unknown-key', 'there is no such key', { at: 'key', hint });
      });
    case 'invalid_type':
      if (value === undefined) return [source.fault(path, 'missing', 'this is needed')];
      if (typeof value === 'bigint') return [source.fault(path, 'range', `${String(value)} is too large`)];
      return [source.fault(path, 'type', `must be ${WORDS[issue.expected] ?? issue.expected}, ${not}`)];
    case 'invalid_value': {
      if (value === undefined) return [source.fault(path, 'missing', 'this is needed')];
      const values = issue.values.map(String);
      const hint = typeof value === 'string' ? suggestion(value, values) : undefined;
      return [source.fault(path, 'choice', `must be ${list(values, ' or ')}, ${not}`, { hint })];
    }
    case 'too_small':
    case 'too_big': {
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const what = issue.origin === 'string' ? 'characters' : issue.origin === 'array' ? 'elements' : '';
      return [source.fault(path, 'range', `must ${what === '' ? `be ${bound}` : `have ${bound} ${what}`}, ${not}`)];
    }
    case 'invalid_format':
      return [source.fault(path, 'form', `must be a size such as 256M, ${not}`)];
    case 'invalid_union': {
      if (value === undefined) return [source.fault(path, 'missing', 'this is needed')];
      const branch = meantBranch(issue.errors);
      if (branch !== undefined) {
        return branch.flatMap((each) => faultsOf(each, [...path, ...each.path], source, root));
      }
      const types = issue.errors.flatMap(([first]) => (first === undefined ? [] : [wanted(first)]));
      return [source.fault(path, 'type', `must be ${[...new Set(types)].join(' or ')}, ${not}`)];
    }
    default:
      return [source.fault(path, 'form', `${show(value)} is ${issue.message}`)];
  }
}

/** The alternative whose outermost type fits, so that its complaints are those that help. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) =>
    issues.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')),
  );
}

function wanted(issue: Issue): string {
  if (issue.code === 'invalid_type') return WORDS[issue.expected] ?? issue.expected;
  return issue.code === 'invalid_value' ? list(issue.values.map(String), ' or ') : issue.message;
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<PropertyKey, unknown>>)[step]
        : undefined,
    root,
  );
}

function list(words: readonly string[], between = ', '): string {
  return words.length > MAX_LISTED ? `${words.slice(0, MAX_LISTED).join(between)}, ...` : words.join(between);
}

function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_SHOWN_CHARS ? `${value.slice(0, MAX_SHOWN_CHARS)}...` : value);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${String(value.length)}`;
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'number' || typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}
