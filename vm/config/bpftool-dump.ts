/**
 * Files that `bpftool map dump -j` (or -p) writes, to entries. Their bytes are taken, not what bpftool made of them by
 * BTF: nothing is lost that way. Source: the output of bpftool 7.6.
 */
import { alignUp } from '../addr.js';
import { ConfigError } from '../errors.js';
import type { MapHandle } from '../machine/map-table.js';
import { rawBytes } from './map-values.js';

export interface DumpEntry {
  /** In the file, from 0. */
  readonly index: number;
  readonly key: Uint8Array;
  /** As `MapHandle.set` takes it. */
  readonly value: Uint8Array;
}

/**
 * @param name of the file, for messages
 * @param cpus of the machine: a dump of a per-CPU map has a value for each of its own
 * @throws ConfigError `config-value` where this is no such file, or of another map
 */
export function* readDump(text: string, name: string, handle: MapHandle, cpus: number): Generator<DumpEntry> {
  const { keyBytes, valueBytes } = handle.spec;
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (cause) {
    throw refuse(name, `this is no JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
  if (!Array.isArray(entries)) throw refuse(name, 'this is not what `bpftool map dump -j` writes: a list of entries');
  for (const [index, entry] of entries.entries()) {
    const what = `${name} [${String(index)}]`;
    if (!isObject(entry)) throw refuse(what, 'this is no entry');
    // Slots of arrays of maps and programs that are empty, and values that the kernel would not give.
    if (isObject(entry.value) && 'error' in entry.value) continue;
    if (entry.key === undefined) throw refuse(what, 'the entry has no key');
    const key = rawBytes(entry.key, keyBytes, `${what} key`);
    if (!handle.perCpu) {
      if (entry.value === undefined) throw refuse(what, 'the entry has no value');
      yield { index, key, value: rawBytes(entry.value, valueBytes, `${what} value`) };
      continue;
    }
    const { values } = entry;
    if (!Array.isArray(values)) throw refuse(what, 'the entry has no values of CPUs');
    const stride = alignUp(valueBytes, 8);
    const value = new Uint8Array(stride * cpus);
    for (const each of values as readonly unknown[]) {
      const cpu = isObject(each) ? each.cpu : undefined;
      if (!isObject(each) || typeof cpu !== 'number' || !Number.isInteger(cpu) || cpu < 0) {
        throw refuse(what, 'a value says of no CPU');
      }
      if (cpu >= cpus)
        throw refuse(what, `it has a CPU ${String(cpu)}, this machine ${String(cpus)}`, 'say cpus: in the config');
      value.set(rawBytes(each.value, valueBytes, `${what} value`), stride * cpu);
    }
    yield { index, key, value };
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(what: string, message: string, hint?: string): ConfigError {
  return new ConfigError('config-value', `${what}: ${message}`, {
    data: { what, path: '' },
    ...(hint === undefined ? {} : { hint }),
  });
}
