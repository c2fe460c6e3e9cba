/** Values by BTF type: what each type looks like in JavaScript, what is taken for it, what is refused and in which words. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseBtf } from '../../vm/btf/btf.js';
import { decodeValue, encodeValue } from '../../vm/btf/value.js';
import type { Value, ValueInput } from '../../vm/btf/value.js';
import { fromHex, toHex } from '../../vm/bytes.js';
import { must, SkepError } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { BtfBuilder } from './build-btf.js';

const b = new BtfBuilder();
const u8 = b.int('unsigned char', 1);
const s8 = b.int('signed char', 1, true);
const char = b.int('char', 1, true);
const u16 = b.int('unsigned short', 2);
const u32 = b.int('unsigned int', 4);
const s32 = b.int('int', 4, true);
const u64 = b.int('unsigned long long', 8);
const s64 = b.int('long long', 8, true);
const u128 = b.int('unsigned __int128', 16);
const bool = b.raw('_Bool', 1, 0, 1, [(4 << 24) | 8]);
const oldBits = b.raw('unsigned int', 1, 0, 4, [(5 << 16) | 3]);
const oldSigned = b.raw('int', 1, 0, 4, [(1 << 24) | (8 << 16) | 4]);
const float = b.raw('float', 16, 0, 4);
const double = b.raw('double', 16, 0, 8);
const longDouble = b.raw('long double', 16, 0, 16);
const be16 = b.typedef('__be16', b.typedef('__u16', u16));
const be32 = b.typedef('__be32', u32);
const be64 = b.typedef('__be64', u64);
const port = b.modifier('const', b.modifier('volatile', b.typedef('port_t', be16)));
const color = b.enumeration('color', [
  ['RED', 0],
  ['GREEN', 5],
  ['VERT', 5],
]);
const sign = b.enumeration('sign', [['MINUS', -1]], true);
const big = b.raw('big', 19, 1, 8, [b.string('HUGE'), 1, 0x8000_0000]);
const ptr = b.ptr(u8);
const tagged = b.ptr(b.modifier('type_tag', u8, 'user'));
const text4 = b.array(char, u32, 4);
const bytes3 = b.array(u8, u32, 3);
const bytes4 = b.array(u8, u32, 4);
const mac = b.array(u8, u32, 6);
const octets = b.array(u8, u32, 16);
const words = b.array(u32, u32, 4);
const beWords = b.array(be32, u32, 4);
const grid = b.array(b.array(u16, u32, 2), u32, 3);
const inAddr = b.struct('in_addr', 4, [['s_addr', be32, 0]]);
const in6Addr = b.struct('in6_addr', 16, [['octets', octets, 0]]);
const fakeIn6 = b.struct('in6_addr', 4, [['x', u32, 0]]);
const wrapped = b.struct('address', 16, [['word', beWords, 0]]);
const macaddr = b.struct('macaddr', 6, [['addr', mac, 0]], 'union');
const padded = b.struct('padded', 8, [
  ['a', u8, 0],
  ['b', u32, 32],
]);
const bits = b.struct('bits', 8, [
  ['three', u32, 0, 3],
  ['minus', s32, 3, 5],
  ['kind', color, 8, 4],
  ['flag', bool, 12, 1],
  ['wide', u64, 13, 40],
  ['whole', u8, 56],
]);
const oldStyle = b.raw('old', 4, 2, 4, [b.string('a'), oldBits, 0, b.string('b'), oldSigned, 16]);
const halves = b.struct('', 4, [
  ['low', u16, 0],
  ['high', u16, 16],
]);
const whole = b.struct(
  'whole',
  4,
  [
    ['number', u32, 0],
    ['', halves, 0],
    ['first', u8, 0],
  ],
  'union',
);
const holder = b.struct('holder', 8, [
  ['tag', u32, 0],
  ['', whole, 32],
]);
const flexible = b.struct('flexible', 4, [
  ['length', u32, 0],
  ['rest', b.array(u8, u32, 0), 32],
]);
const nested = b.struct('nested', 12, [
  ['src', b.struct('end', 4, [['port', port, 0]]), 0],
  ['list', b.array(padded, u32, 1), 32],
]);
const protoType = b.raw('', 13, 0, 0);
const forward = b.raw('fwd', 7, 0, 0);
const variable = b.raw('v', 14, 0, be16, [1]);
const loop = b.struct('loop', 4, [['self', b.array(b.typedef('loop_t', 0), u32, 1), 0]]);
const outside = b.struct('outside', 4, [['far', u32, 24]]);
const btf = parseBtf(b.build());

interface Case {
  readonly name: string;
  readonly type: number;
  readonly hex: string;
  readonly value: Value;
}

/** Both ways: the bytes decode to the value, the value encodes to the bytes. */
const CASES: readonly Case[] = [
  { name: 'u8', type: u8, hex: 'ff', value: 255 },
  { name: 's8', type: s8, hex: 'ff', value: -1 },
  { name: 'u16', type: u16, hex: '3412', value: 0x1234 },
  { name: 'u32', type: u32, hex: 'fffffff0', value: 0xf0ff_ffff },
  { name: 's32', type: s32, hex: 'feffffff', value: -2 },
  { name: 'u64', type: u64, hex: '0100000000000080', value: 0x8000_0000_0000_0001n },
  { name: 's64', type: s64, hex: 'ffffffffffffffff', value: -1n },
  { name: 'u128', type: u128, hex: '01000000000000000000000000000080', value: (1n << 127n) + 1n },
  { name: 'true', type: bool, hex: '01', value: true },
  { name: 'false', type: bool, hex: '00', value: false },
  { name: 'a bool that is neither', type: bool, hex: '05', value: 5 },
  { name: 'an integer with an offset', type: oldBits, hex: '60000000', value: 3 },
  { name: 'float', type: float, hex: '0000c03f', value: 1.5 },
  { name: 'double', type: double, hex: '000000000000f8bf', value: -1.5 },
  {
    name: 'long double',
    type: longDouble,
    hex: '01'.padEnd(32, '0'),
    value: [1, ...Array<number>(15).fill(0)],
  },
  { name: 'be16', type: be16, hex: '0050', value: 80 },
  { name: 'be16 behind qualifiers', type: port, hex: '1f90', value: 8080 },
  { name: 'be16 of a variable', type: variable, hex: '0050', value: 80 },
  { name: 'be32', type: be32, hex: '0a000001', value: '10.0.0.1' },
  { name: 'be64', type: be64, hex: '0000000000000102', value: 258n },
  { name: 'enum', type: color, hex: '00000000', value: 'RED' },
  { name: 'enum with two names', type: color, hex: '05000000', value: 'GREEN' },
  { name: 'enum without a name', type: color, hex: '09000000', value: 9 },
  { name: 'signed enum', type: sign, hex: 'ffffffff', value: 'MINUS' },
  { name: 'signed enum without a name', type: sign, hex: 'feffffff', value: -2 },
  { name: 'enum64', type: big, hex: '0100000000000080', value: 'HUGE' },
  { name: 'enum64 without a name', type: big, hex: '0100000000000000', value: 1n },
  { name: 'pointer', type: ptr, hex: '0000000000c0ffff', value: 0xffff_c000_0000_0000n },
  { name: 'tagged pointer', type: tagged, hex: '0100000000000000', value: 1n },
  { name: 'text', type: text4, hex: '6f6b0000', value: 'ok' },
  { name: 'text without NUL', type: text4, hex: '61626364', value: 'abcd' },
  { name: 'no text', type: text4, hex: '00000000', value: '' },
  { name: 'text in UTF-8', type: text4, hex: 'c3bc0000', value: 'ü' },
  { name: 'not UTF-8', type: text4, hex: 'ff610000', value: [-1, 97, 0, 0] },
  { name: 'a byte order mark', type: text4, hex: 'efbbbf61', value: [-17, -69, -65, 97] },
  { name: 'something behind the NUL', type: text4, hex: '61006200', value: [97, 0, 98, 0] },
  { name: 'control characters', type: text4, hex: '611b0000', value: [97, 27, 0, 0] },
  { name: 'octets', type: bytes4, hex: '0a000001', value: [10, 0, 0, 1] },
  { name: 'rows of rows', type: grid, hex: '010002000300040005000600', value: [[1, 2], [3, 4], [5, 6]] }, // prettier-ignore
  { name: 'be32[4]', type: beWords, hex: '20010db8000000000000000000000001', value: '2001:db8::1' },
  { name: 'in_addr', type: inAddr, hex: 'c0000201', value: '192.0.2.1' },
  { name: 'in6_addr', type: in6Addr, hex: '00000000000000000000ffffc0000201', value: '::ffff:192.0.2.1' },
  { name: 'a name with another size', type: fakeIn6, hex: '01000000', value: { x: 1 } },
  { name: 'an address in a struct', type: wrapped, hex: 'fe80'.padEnd(32, '0'), value: { word: 'fe80::' } },
  { name: 'macaddr', type: macaddr, hex: '020000000001', value: '02:00:00:00:00:01' },
  { name: 'padding', type: padded, hex: '0100000002000000', value: { a: 1, b: 2 } },
  {
    name: 'bit-fields',
    type: bits,
    hex: 'fd15e0ffffff1f07',
    value: { three: 5, minus: -1, kind: 'GREEN', flag: true, wide: 0xff_ffff_ff00n, whole: 7 },
  },
  { name: 'bit-fields of the old kind', type: oldStyle, hex: '6000000e', value: { a: 3, b: -2 } },
  { name: 'union', type: whole, hex: '01020304', value: { number: 0x0403_0201, low: 0x201, high: 0x403, first: 1 } },
  {
    name: 'fields of anonymous members',
    type: holder,
    hex: '0900000001020304',
    value: { tag: 9, number: 0x0403_0201, low: 0x201, high: 0x403, first: 1 },
  },
  { name: 'flexible array', type: flexible, hex: '02000000', value: { length: 2, rest: [] } },
];

for (const { name, type, hex, value } of CASES) {
  t.test(name, (t) => {
    t.strictSame(decodeValue(btf, type, fromHex(hex) ?? new Uint8Array()), value);
    t.equal(toHex(encodeValue(btf, type, value as ValueInput)), hex);
    t.end();
  });
}

const V6 = '20010db8000000000000000000000001';

/** What is taken besides. */
const ALSO: readonly (readonly [name: string, type: number, value: ValueInput, hex: string])[] = [
  ['hexadecimal text', u32, '0x1f', '1f000000'],
  ['decimal text', s32, '-2', 'feffffff'],
  ['a boolean for an integer', u8, true, '01'],
  ['text for a boolean', bool, 'true', '01'],
  ['a number for 64 bits', u64, 7, '0700000000000000'],
  ['a bigint for 32 bits', u32, 7n, '07000000'],
  ['a number for an enum', color, 5, '05000000'],
  ['another name for it', color, 'VERT', '05000000'],
  ['a number for be32, in host order', be32, 0x0a00_0001, '0a000001'],
  ['IPv4 for u32, in network order', u32, '10.0.0.1', '0a000001'],
  ['IPv4 for four octets', bytes4, '10.0.0.1', '0a000001'],
  ['MAC for six octets', mac, '02:00:00:00:00:0A', '02000000000a'],
  ['MAC with dashes', mac, '02-00-00-00-00-0a', '02000000000a'],
  ['IPv6 for 16 octets', octets, '2001:db8::1', V6],
  ['IPv6 for u32[4]', words, '2001:db8::1', V6],
  ['IPv6 for a struct around it', wrapped, '2001:db8::1', V6],
  ['IPv6 in pieces', beWords, ['32.1.13.184', 0, 0, 1], V6],
  ['the field of in_addr', inAddr, { s_addr: '10.0.0.1' }, '0a000001'],
  ['bytes for a struct', padded, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), '0102030405060708'],
  ['fields left out', padded, { b: 2 }, '0000000002000000'],
  ['a field that is undefined', padded, { a: undefined, b: 2 }, '0000000002000000'],
  ['elements left out', bytes3, [1], '010000'],
  ['one member of a union', whole, { high: 1 }, '00000100'],
  ['members that agree', whole, { low: 0x0201, first: 1 }, '01020000'],
  ['one field of an anonymous member', holder, { first: 3 }, '0000000003000000'],
];

t.test('what is taken besides', (t) => {
  for (const [name, type, value, hex] of ALSO) t.equal(toHex(encodeValue(btf, type, value)), hex, name);
  t.end();
});

t.test('what is left out keeps what exists', (t) => {
  const existing = Uint8Array.of(1, 0xee, 0xee, 0xee, 2, 0, 0, 0);
  t.equal(toHex(encodeValue(btf, padded, { a: 9 }, { existing })), '09eeeeee02000000');
  t.equal(existing[0], 1, 'the bytes given are not changed');
  const sparse: ValueInput = [undefined, 9];
  t.equal(toHex(encodeValue(btf, bytes3, sparse, { existing: Uint8Array.of(1, 2, 3) })), '010903');
  t.throws(() => encodeValue(btf, u8, 1, { existing: new Uint8Array(2) }), { code: 'config-value', data: { want: 1 } });
  t.end();
});

interface Refusal {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
  readonly path?: string;
  readonly says: string;
  readonly hint?: string;
}

const REFUSALS: readonly Refusal[] = [
  { name: 'too large', type: u8, value: 256, says: 'k: 256 does not fit in unsigned char' },
  { name: 'negative', type: u32, value: -1, says: 'k: -1 does not fit in unsigned int' },
  { name: 'too small', type: s8, value: -129, says: 'k: -129 does not fit in signed char' },
  { name: 'port', type: nested, value: { src: { port: 70000 } }, path: '.src.port', says: 'k .src.port: 70000 does not fit in port_t' }, // prettier-ignore
  { name: 'be32', type: be32, value: 2 ** 32, says: 'k: 4294967296 does not fit in __be32' },
  { name: 'bit-field', type: bits, value: { three: 8 }, path: '.three', says: 'k .three: 8 does not fit in unsigned int:3' }, // prettier-ignore
  { name: 'enum out of range', type: color, value: 2 ** 32, says: 'k: 4294967296 does not fit in enum color' },
  { name: 'fraction', type: u32, value: 1.5, says: 'k: 1.5 is not a whole number' },
  { name: 'not exact', type: u64, value: 2 ** 60, says: 'k: 1152921504606847000 is too large to be exact', hint: 'write it as a bigint or as text' }, // prettier-ignore
  { name: 'NaN', type: u32, value: NaN, says: 'k: NaN is not a whole number' },
  { name: 'words', type: u16, value: 'eighty', says: 'k: "eighty" is not a whole number' },
  { name: 'nothing', type: u16, value: null, says: 'k: nothing is not a whole number' },
  { name: 'an object', type: u16, value: {}, says: 'k: a value of type object is not a whole number' },
  { name: 'IPv4 for u16', type: u16, value: '10.0.0.1', says: 'k: "10.0.0.1" is not a whole number' },
  { name: 'IPv4', type: be32, value: '10.0.0.256', says: 'k: "10.0.0.256" is not an IPv4 address' },
  { name: 'leading zero', type: be32, value: '10.0.0.01', says: 'k: "10.0.0.01" is not an IPv4 address' },
  { name: 'IPv4 for IPv6', type: in6Addr, value: '10.0.0.1', says: 'k: "10.0.0.1" is not an IPv6 address', hint: 'write ::ffff:10.0.0.1 for a mapped IPv4 address' }, // prettier-ignore
  { name: 'MAC', type: mac, value: '02:00:00:00:00', says: 'k: "02:00:00:00:00" is not a MAC address' },
  { name: 'text for a struct', type: padded, value: 'x', says: 'k: "x" is not struct padded' },
  { name: 'text for octets', type: bytes3, value: 'abc', says: 'k: "abc" is not unsigned char[3]' },
  { name: 'long text', type: text4, value: 'abcde', says: 'k: "abcde" takes 5 bytes, char[4] has 4' },
  { name: 'number for a struct', type: padded, value: 1, says: 'k: 1 is not an object with the fields of struct padded' }, // prettier-ignore
  { name: 'array for a struct', type: padded, value: [1], says: 'k: an array of 1 is not an object with the fields of struct padded' }, // prettier-ignore
  { name: 'object for an array', type: bytes3, value: {}, says: 'k: a value of type object is not an array' },
  { name: 'too many elements', type: bytes3, value: [1, 2, 3, 4], says: 'k: 4 elements, unsigned char[3] has 3' },
  { name: 'elements of a flexible array', type: flexible, value: { rest: [1] }, path: '.rest', says: 'k .rest: 1 elements, unsigned char[0] has 0' }, // prettier-ignore
  { name: 'an element', type: grid, value: [[1], [2, -3]], path: '[1][1]', says: 'k [1][1]: -3 does not fit in unsigned short' }, // prettier-ignore
  { name: 'a hole that is null', type: bytes3, value: [null], path: '[0]', says: 'k [0]: nothing is not a whole number' }, // prettier-ignore
  { name: 'bytes', type: padded, value: new Uint8Array(3), says: 'k: 3 bytes, struct padded has 8' },
  { name: 'near field', type: nested, value: { scr: {} }, path: '.scr', says: 'k .scr: struct nested has no such field', hint: 'did you mean src?' }, // prettier-ignore
  { name: 'far field', type: padded, value: { zebra: 1 }, path: '.zebra', says: 'k .zebra: struct padded has no such field', hint: 'it has a, b' }, // prettier-ignore
  { name: 'prototype', type: padded, value: JSON.parse('{"__proto__": 1}'), path: '.__proto__', says: 'k .__proto__: struct padded has no such field' }, // prettier-ignore
  { name: 'constructor', type: padded, value: { constructor: 1 }, path: '.constructor', says: 'k .constructor: struct padded has no such field' }, // prettier-ignore
  { name: 'anonymous fields', type: holder, value: { lowe: 1 }, path: '.lowe', says: 'k .lowe: struct holder has no such field', hint: 'did you mean low?' }, // prettier-ignore
  { name: 'near enum', type: color, value: 'GREN', says: 'k: "GREN" is no value of enum color', hint: 'did you mean GREEN?' }, // prettier-ignore
  { name: 'far enum', type: color, value: 'purple', says: 'k: "purple" is no value of enum color', hint: 'it has RED, GREEN, VERT' }, // prettier-ignore
  { name: 'contradiction', type: whole, value: { low: 1, number: 2 }, path: '.number', says: 'k .number: contradicts another member of its union', hint: 'give one member of a union' }, // prettier-ignore
  { name: 'contradiction of anonymous members', type: holder, value: { low: 1, first: 2 }, path: '.first', says: 'k .first: contradicts another member of its union' }, // prettier-ignore
  { name: 'text for a float', type: double, value: '1.5', says: 'k: "1.5" is not a value of double' },
];

for (const { name, type, value, path = '', says, hint } of REFUSALS) {
  t.test(`refused: ${name}`, (t) => {
    t.throws(() => encodeValue(btf, type, value as ValueInput, { what: 'k' }), {
      code: 'config-value',
      message: says,
      data: { what: 'k', path },
      ...(hint === undefined ? {} : { hint }),
    });
    t.end();
  });
}

t.test('types without values', (t) => {
  for (const type of [0, protoType, forward]) {
    t.throws(() => encodeValue(btf, type, 0), { code: 'config-unsupported' });
    t.throws(() => decodeValue(btf, type, new Uint8Array()), { code: 'config-unsupported' });
  }
  t.throws(() => decodeValue(btf, u32, new Uint8Array(3), 'k'), { code: 'config-value', data: { bytes: 3, want: 4 } });
  t.end();
});

t.test('BTF that contradicts itself', (t) => {
  t.throws(() => decodeValue(btf, loop, new Uint8Array(4)), { code: 'btf-layout' });
  t.throws(() => decodeValue(btf, outside, new Uint8Array(4)), { code: 'btf-layout' });
  t.throws(() => encodeValue(btf, outside, { far: 1 }), { code: 'btf-layout' });

  const hostile = new BtfBuilder();
  const word = hostile.int('u32', 4);
  const self = hostile.struct('self', 4, [
    ['left', 2, 0],
    ['right', 2, 0],
  ]);
  const nothing = hostile.struct('nothing', 0, []);
  const many = hostile.array(nothing, word, 0xffff_ffff);
  const huge = hostile.array(word, word, 0x3fff_ffff);
  const wide = hostile.raw('wide', 1, 0, 4, [200]);
  let twice = word;
  for (let i = 0; i < 30; i++) {
    twice = hostile.struct(`level${i}`, 4, [
      ['a', twice, 0],
      ['b', twice, 0],
    ]);
  }
  const bad = parseBtf(hostile.build());
  t.throws(() => decodeValue(bad, self, new Uint8Array(4)), { code: 'btf-layout' });
  t.throws(() => decodeValue(bad, twice, new Uint8Array(4)), { code: 'btf-layout' }, 'a billion members are not read');
  t.throws(() => decodeValue(bad, wide, new Uint8Array(4)), { code: 'btf-layout' });
  t.throws(() => encodeValue(bad, wide, 1), { code: 'btf-layout' });
  t.strictSame(decodeValue(bad, many, new Uint8Array()), []);
  t.throws(() => encodeValue(bad, huge, []), { code: 'config-unsupported' });
  t.end();
});

t.test('a struct as clang describes it', (t) => {
  const typed = must(loadObject(new Uint8Array(readFileSync('bpf/examples/typed.bpf.o'))).btf, 'BTF');
  const conn = must(
    typed.idsNamed('conn').find((id) => typed.kind(id) === 'struct'),
    'a struct',
  );
  const given = {
    packets: 7,
    balance: -3n,
    state: 'STATE_CLOSED',
    mark: 'MARK_HUGE',
    version: 5,
    delta: -16,
    fast: true,
    before: 'STATE_OPEN',
    wide: 0xff_0000_0001n,
    seen: true,
    name: 'web',
    mac: '02:00:00:00:00:01',
    via: 'fe80::1',
    grid: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    next_v4: '10.0.0.1',
    tag: { low: 1, high: 2 },
  };
  const bytes = encodeValue(typed, conn, given);
  t.strictSame(decodeValue(typed, conn, bytes), {
    ...given,
    packets: 7n,
    mac: [2, 0, 0, 0, 0, 1],
    next_v6: 'a00:1::',
    tag: { number: 0x2_0001, low: 1, high: 2, bytes: [1, 0, 2, 0] },
  });
  t.end();
});

t.test('messages are of one kind', (t) => {
  try {
    encodeValue(btf, u8, 300);
    t.fail('nothing was thrown');
  } catch (error) {
    t.ok(error instanceof SkepError && error.message === 'value: 300 does not fit in unsigned char');
  }
  t.end();
});
