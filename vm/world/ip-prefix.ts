/** Addresses and prefixes of either family in bytes, from text. Knows no table. */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../address-text.js';

export interface IpPrefix {
  /** 4 or 16 bytes, host bits included. */
  readonly address: Uint8Array;
  /** Bits. */
  readonly length: number;
}

/** The 4 or 16 bytes of an address, or undefined. */
export function parseIp(text: string): Uint8Array | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

export function formatIp(address: Uint8Array): string {
  return address.length === 4 ? formatIpv4(address) : formatIpv6(address);
}

/** `10.0.0.1/24`; without a length it is all of the address. */
export function parsePrefix(text: string): IpPrefix | undefined {
  const match = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const address = parseIp(match?.[1] ?? '');
  if (address === undefined) return undefined;
  const length = match?.[2] === undefined ? 8 * address.length : Number(match[2]);
  return length <= 8 * address.length ? { address, length } : undefined;
}

/** The address with the bits behind the first `length` set to those of `rest` (0 or 255). */
export function withHostBits(address: Uint8Array, length: number, rest: 0 | 255): Uint8Array {
  return address.map((byte, index) => {
    const bits = Math.min(Math.max(length - 8 * index, 0), 8);
    const mask = (0xff00 >> bits) & 0xff;
    return (byte & mask) | (rest & ~mask & 0xff);
  });
}

export function contains({ address, length }: IpPrefix, other: Uint8Array): boolean {
  if (other.length !== address.length) return false;
  const network = withHostBits(address, length, 0);
  return withHostBits(other, length, 0).every((byte, index) => byte === network[index]);
}

/** The network address as a key, the same for all addresses of the network. */
export function networkKey(address: Uint8Array, length: number): string {
  return String.fromCharCode(...withHostBits(address, length, 0));
}
