/** Keys and values of maps as a config writes them, to bytes. Knows no file. */
import { ConfigError } from '../errors.js';

/**
 * Bytes of a key or value without types: hexadecimal text, a list of bytes, or a number where it has 8 bytes at most,
 * which then is little-endian.
 * @throws ConfigError `config-value`
 */
export function rawBytes(value: unknown, want: number, what: string): Uint8Array {
  if (value instanceof Uint8Array) return sized(value, want, what);
  if (typeof value === 'string') return sized(hexBytes(value, what), want, what);
  if (typeof value === 'number' || typeof value === 'bigint') return littleEndian(value, want, what);
  if (Array.isArray(value)) {
    const bytes = value.map((each) => {
      const byte = typeof each === 'string' && /^0x[0-9a-f]{1,2}$/i.test(each) ? Number(each) : (each as unknown);
      if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < 0 || byte > 255) {
        throw refuse(what, 'a list of bytes holds whole numbers from 0 to 255');
      }
      return byte;
    });
    return sized(Uint8Array.from(bytes), want, what);
  }
  throw refuse(what, 'bytes are needed: it has no types', 'write them in hexadecimal, as in "0a 00 00 01"');
}

/** `0a000001`, `0x0a000001`, `0a 00 00 01` or `0a:00:00:01`. */
export function hexBytes(text: string, what: string): Uint8Array {
  const digits = text.replace(/^0x/i, '').replace(/[\s:]/g, '');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) throw refuse(what, 'this is not hexadecimal', 'as in "0a 00 00 01"');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function sized(bytes: Uint8Array, want: number, what: string): Uint8Array {
  if (bytes.length === want) return bytes;
  throw refuse(what, `${String(bytes.length)} bytes, must be ${String(want)}`);
}

function littleEndian(value: number | bigint, want: number, what: string): Uint8Array {
  if (want > 8 || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw refuse(what, `${String(value)} is not ${String(want)} bytes`);
  }
  const integer = BigInt(value);
  if (BigInt.asUintN(8 * want, integer) !== integer && BigInt.asIntN(8 * want, integer) !== integer) {
    throw refuse(what, `${String(value)} does not fit in ${String(want)} bytes`);
  }
  return Uint8Array.from({ length: want }, (_, index) => Number((integer >> BigInt(8 * index)) & 255n));
}

function refuse(what: string, message: string, hint?: string): ConfigError {
  return new ConfigError('config-value', `${what}: ${message}`, {
    data: { what, path: '' },
    ...(hint === undefined ? {} : { hint }),
  });
}
