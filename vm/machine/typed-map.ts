/**
 * A map whose keys and values are plain JavaScript, by the BTF types of its definition. A layer over `MapHandle`: the
 * same operations, the same errnos.
 */
import { alignUp } from '../addr.js';
import { parseIpv4, parseIpv6 } from '../address-text.js';
import type { Btf, BtfId } from '../btf/btf.js';
import { decodeValue, encodeValue } from '../btf/value.js';
import type { Value, ValueInput } from '../btf/value.js';
import { concatBytes } from '../bytes.js';
import { ConfigError } from '../errors.js';
import type { ObjectSpec } from '../object/object-spec.js';
import type { MapHandle } from './map-table.js';

export class TypedMap {
  /** The same map in bytes. */
  readonly bytes: MapHandle;
  readonly #btf: Btf;
  readonly #keyType: BtfId;
  readonly #valueType: BtfId;

  /** @throws ConfigError `config-unsupported` where the map's definition names no types */
  constructor(object: ObjectSpec, bytes: MapHandle) {
    const { spec } = bytes;
    const { btf } = object;
    const { keyType, valueType } = spec;
    if (btf === undefined || keyType === undefined || valueType === undefined) {
      throw new ConfigError('config-unsupported', `map \`${spec.name}\` has no BTF types for its keys and values`, {
        data: { map: spec.name },
        hint:
          spec.section === undefined
            ? 'use bytes, or define it with __type(key, ...) and __type(value, ...)'
            : 'its variables are globals: read and set them by name',
      });
    }
    this.bytes = bytes;
    this.#btf = btf;
    this.#keyType = keyType;
    this.#valueType = valueType;
  }

  get name(): string {
    return this.bytes.spec.name;
  }

  /**
   * @returns the value, of per-CPU maps an array with each CPU's; undefined where the key has none
   * @throws ConfigError `config-value` where the key does not fit its type
   */
  get(key: ValueInput): Value | undefined {
    const value = this.bytes.get(this.encodeKey(key));
    return value === undefined ? undefined : this.decode(value);
  }

  /**
   * Fields that are left out are 0.
   * @param value of per-CPU maps an array with a value for each CPU
   * @param flags BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2
   * @returns 0 or a negative errno
   * @throws ConfigError `config-value` where key or value do not fit their types
   */
  set(key: ValueInput, value: ValueInput, flags = 0): number {
    return this.bytes.set(this.encodeKey(key), this.encode(value), flags);
  }

  /** @returns 0 or a negative errno */
  delete(key: ValueInput): number {
    return this.bytes.delete(this.encodeKey(key));
  }

  /** Live entries in the map's own order. Changing the map on the way is allowed. */
  *entries(): Generator<readonly [key: Value, value: Value]> {
    for (const [key, value] of this.bytes.entries()) yield [this.decodeKey(key), this.decode(value)];
  }

  /** The key of an lpm_trie may be written as text: `10.0.0.0/8`, `2001:db8::/32`. */
  encodeKey(key: ValueInput): Uint8Array {
    if (this.bytes.spec.type === 'lpm_trie' && typeof key === 'string') return this.#prefix(key);
    return encodeValue(this.#btf, this.#keyType, key, { what: `${this.name} key` });
  }

  decodeKey(key: Uint8Array): Value {
    return decodeValue(this.#btf, this.#keyType, key, `${this.name} key`);
  }

  /** A value as `MapHandle.set` takes it. */
  encode(value: ValueInput): Uint8Array {
    const what = `${this.name} value`;
    if (!this.bytes.perCpu) return encodeValue(this.#btf, this.#valueType, value, { what });
    const count = this.bytes.valueBytes / this.#stride;
    if (!Array.isArray(value) || value.length !== count) {
      throw new ConfigError('config-value', `${what}: an array with a value for each CPU is needed`, {
        data: { what, path: '', cpus: count },
        hint: `this machine has ${count} CPU${count === 1 ? '' : 's'}`,
      });
    }
    const padded = (value as readonly (ValueInput | undefined)[]).map((each, cpu) => {
      const bytes = new Uint8Array(this.#stride);
      if (each !== undefined) {
        bytes.set(encodeValue(this.#btf, this.#valueType, each, { what: `${what} of CPU ${cpu}` }));
      }
      return bytes;
    });
    return concatBytes(padded);
  }

  /** A value as `MapHandle.get` gives it. */
  decode(value: Uint8Array): Value {
    const what = `${this.name} value`;
    if (!this.bytes.perCpu) return decodeValue(this.#btf, this.#valueType, value, what);
    return Array.from({ length: value.length / this.#stride }, (_, cpu) => {
      const at = cpu * this.#stride;
      return decodeValue(this.#btf, this.#valueType, value.subarray(at, at + this.bytes.spec.valueBytes), what);
    });
  }

  get #stride(): number {
    return alignUp(this.bytes.spec.valueBytes, 8);
  }

  #prefix(text: string): Uint8Array {
    const [, host = '', digits = ''] = /^([^/]*)\/(\d{1,3})$/.exec(text) ?? [];
    const { keyBytes } = this.bytes.spec;
    const address = keyBytes === 8 ? parseIpv4(host) : keyBytes === 20 ? parseIpv6(host) : undefined;
    const length = Number(digits);
    if (address === undefined || length > 8 * address.length) {
      const what = `${this.name} key`;
      throw new ConfigError('config-value', `${what}: "${text}" is not an address with the length of its prefix`, {
        data: { what, path: '' },
        hint: keyBytes === 8 ? 'as in 10.0.0.0/8' : keyBytes === 20 ? 'as in 2001:db8::/32' : 'write it as an object',
      });
    }
    const bytes = new Uint8Array(keyBytes);
    new DataView(bytes.buffer).setUint32(0, length, true);
    bytes.set(address, 4);
    return bytes;
  }
}
