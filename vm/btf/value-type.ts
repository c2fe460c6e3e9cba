/** What values of BTF types are in JavaScript. Knows no BTF. */

/** What decoding gives. */
export type Value = boolean | number | bigint | string | readonly Value[] | { readonly [field: string]: Value };

/**
 * What encoding takes: any `Value`, and more. Numbers may be written as text (`'0x1f'`), 64-bit ones as numbers that are
 * exact. `Uint8Array` stands for the bytes of a struct, union or array. An address may be written as text wherever its
 * size fits: IPv4 for 4 bytes, MAC for 6, IPv6 for 16. Fields and elements that are left out are 0.
 */
export type ValueInput =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly (ValueInput | undefined)[]
  | { readonly [field: string]: ValueInput | undefined };
