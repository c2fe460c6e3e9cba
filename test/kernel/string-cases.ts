/** Numbers read from text, and texts compared. The 64 bytes that come back begin with the number. */
import { encodeText } from '../../vm/host.js';
import { MAP_FLAGS } from '../../vm/spec/map-types.js';
import { mapSpec } from '../machine/harness.js';
import { OUT, program, type RedirectCase } from './redirect-case.js';

/** Where a text lies on the stack. */
const TEXT = -256;
const MAX_TEXT_BYTES = 96;

function storeText(text: Uint8Array): string {
  const padded = new Uint8Array(MAX_TEXT_BYTES);
  padded.set(text);
  const view = new DataView(padded.buffer);
  return Array.from(
    { length: MAX_TEXT_BYTES / 4 },
    (_, i) => `*(u32 *)(r10 - ${-TEXT - 4 * i}) = ${view.getInt32(4 * i, true)}`,
  ).join('\n');
}

function byteText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function numberCase(
  helper: 'strtol' | 'strtoul',
  text: string,
  flags: number | string,
  bytes = text.length,
): RedirectCase {
  return {
    name: `${helper} ${JSON.stringify(text)} of ${bytes}, flags ${flags}`,
    type: 'xdp',
    text: program(
      'xdp',
      `${storeText(byteText(text))}
      r1 = 0x5a5a5a5a5a5a5a5a ll
      *(u64 *)(r10 - ${-OUT}) = r1
      r1 = r10
      r1 += ${TEXT}
      r2 = ${bytes}
      r3 = ${flags}
      r4 = r10
      r4 += ${OUT}
      call ${helper}`,
    ),
  };
}

function numberCases(): RedirectCase[] {
  const cases: RedirectCase[] = [];
  const texts = [
    '0',
    '7',
    '42',
    '-42',
    '--42',
    '+42',
    ' 42',
    '\t\n\v\f\r 42 ',
    '\u00a042',
    '\u008542',
    '- 42',
    '42abc',
    'abc',
    '0x2a',
    '0X2A',
    '-0x2a',
    '0x',
    '0xg',
    'x2a',
    '052',
    '08',
    '0',
    '00',
    '777',
    '789',
    'ff',
    'FFg',
    '',
    ' ',
    '-',
    ' -',
    '0\u00001',
    '12\u000034',
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775808',
    '-9223372036854775809',
    '18446744073709551615',
    '18446744073709551616',
    '-18446744073709551615',
    '99999999999999999999999',
    '0xffffffffffffffff',
    '0x10000000000000000',
    '01777777777777777777777',
    '02000000000000000000000',
    `${'0'.repeat(62)}12`,
    `${'0'.repeat(63)}12`,
    '0'.repeat(70),
    `   ${'0'.repeat(61)}1234`,
    `-${'1'.repeat(70)}`,
    '1\u00e9',
    'a',
    '0b11',
    '1_000',
  ];
  for (const helper of ['strtol', 'strtoul'] as const) {
    for (const text of texts.filter((each) => each.length > 0)) {
      for (const flags of [0, 8, 10, 16]) cases.push(numberCase(helper, text, flags));
    }
    for (const flags of [1, 2, 7, 9, 15, 17, 31, 32, 42, 64, -1, '0x100000000 ll', '0x10000000a ll']) {
      cases.push(numberCase(helper, '42', flags));
    }
    for (const bytes of [1, 2, 3, 4, 63, 64, 96]) {
      cases.push(numberCase(helper, '1234', 0, bytes), numberCase(helper, '  -7', 10, bytes));
    }
  }
  return cases;
}

function compareCase(one: string, bytes: number, other: string): RedirectCase {
  const contents = new Uint8Array(64);
  contents.set(encodeText(other));
  return {
    name: `strncmp ${JSON.stringify(one)} of ${bytes} with ${JSON.stringify(other)}`,
    type: 'xdp',
    maps: [
      mapSpec({
        type: 'array',
        name: '.rodata',
        section: '.rodata',
        valueBytes: contents.length,
        maxEntries: 1,
        flags: MAP_FLAGS.BPF_F_RDONLY_PROG,
        readOnly: true,
        contents,
      }),
    ],
    text: program(
      'xdp',
      `${storeText(byteText(one))}
      r1 = r10
      r1 += ${TEXT}
      r2 = ${bytes}
      r3 = &value0
      call strncmp`,
    ),
  };
}

function compareCases(): RedirectCase[] {
  const cases: RedirectCase[] = [];
  for (const one of ['', 'a', 'ab', 'abc', 'abd', 'abcd', 'b', 'ABC', 'ab\u0000d', '\u00ff', 'abc\u0001']) {
    for (const other of ['', 'abc', 'abcd', 'zz']) {
      for (const bytes of [1, 2, 3, 4, 5, 32]) cases.push(compareCase(one, bytes, other));
    }
  }
  return cases;
}

export function stringCases(): RedirectCase[] {
  const cases = [...numberCases(), ...compareCases()];
  return [...new Map(cases.map((each) => [each.name, each])).values()];
}
