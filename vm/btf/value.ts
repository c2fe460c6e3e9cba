/**
 * Values of BTF types as plain JavaScript. The rules, which decoding and encoding share:
 *
 * - Integers of up to 32 bits are numbers, wider ones and pointers bigints, `_Bool` is a boolean. Floats are numbers.
 * - An enum is the name of its value; a value without a name is a number.
 * - Names decide what is in network byte order: `__be16` and `__be64` are numbers in host order, `__be32`, `in_addr` and
 *   `v4addr` are IPv4 text, `__be32[4]`, `in6_addr` and `v6addr` IPv6 text, `macaddr` is MAC text. Nothing is guessed
 *   from a `__u32`.
 * - An array of `char` that holds a text, its NUL and nothing behind it, is a string; any other array is an array.
 * - A struct is an object. A union is an object too, with every member of it, all read from the same bytes. Anonymous
 *   members lend their fields to what holds them. Padding is not shown.
 *
 * Knows nothing of maps or memory. Source: Linux Documentation/bpf/btf.rst.
 */
export { decodeValue } from './value-decode.js';
export { encodeValue } from './value-encode.js';
export type { EncodeOptions } from './value-encode.js';
export type { Value, ValueInput } from './value-type.js';
