/** Text to bare instructions: spellings, comments, labels, and every kind of mistake with its place. */
import t from 'tap';
import { assemble, AsmError, listAsmErrors } from '../../vm/asm/index.js';
import { toHex } from '../../vm/bytes.js';

function hexOf(text: string): string {
  return toHex(assemble(text).bytes).replace(/.{16}(?=.)/g, '$& ');
}

const TEXTS: readonly (readonly [text: string, hex: string])[] = [
  ['', ''],
  ['exit', '9500000000000000'],
  ['r0 = 0', 'b700000000000000'],
  ['r1=-1', 'b7010000ffffffff'],
  ['r1 = - 1', 'b7010000ffffffff'],
  ['r1 = 0x10', 'b701000010000000'],
  ['w1 = 0xffffffff', 'b4010000ffffffff'],
  ['r1 = r2', 'bf21000000000000'],
  ['r1 = (s8)r2', 'bf21080000000000'],
  ['r1 = -r1', '8701000000000000'],
  ['r1 s>>= 3', 'c701000003000000'],
  ['r1 s/= r2', '3f21010000000000'],
  ['r1 = be16 r1', 'dc01000010000000'],
  ['r0 = *(u32 *)(r1 + 4)', '6110040000000000'],
  ['w0 = *(u32*)(r1+4)', '6110040000000000'],
  ['r0 = *(u32 *)(r1 +4)', '6110040000000000'],
  ['r0 = *(u32 *)(r1)', '6110000000000000'],
  ['r0 = *(u32 *)(r10 + -4)', '61a0fcff00000000'],
  ['r0 = *(s16 *)(r1 - 2)', '8910feff00000000'],
  ['*(u64 *)(r10 - 8) = -1', '7a0af8ffffffffff'],
  ['*(u8 *)(r10 - 1) = w3', '733affff00000000'],
  ['lock *(u64 *)(r1 + 0) += r2', 'db21000000000000'],
  ['r2 = atomic_fetch_or((u64 *)(r1 + 8), r2)', 'db21080041000000'],
  ['r2 = atomic64_fetch_or((u64 *)(r1 +8), r2)', 'db21080041000000'],
  ['r0 = cmpxchg_64(r1 + 0, r0, r2)', 'db210000f1000000'],
  ['w2 = load_acquire((u16 *)(r1 + 0))', 'cb12000000010000'],
  ['r0 = *(u16 *)skb[12]', '280000000c000000'],
  ['r0 = *(u16 *)skb[r3 + 2]', '4830000002000000'],
  ['r1 = 0x1122334455667788 ll', '1801000088776655 0000000044332211'],
  ['r1 = -1 ll', '18010000ffffffff 00000000ffffffff'],
  ['r1 = 18446744073709551615 ll', '18010000ffffffff 00000000ffffffff'],
  ['ld_pseudo r1, 1, 7', '1811000007000000 0000000000000000'],
  ['call 1', '8500000001000000'],
  ['call bpf_map_lookup_elem', '8500000001000000'],
  ['call map_lookup_elem', '8500000001000000'],
  ['call bpf_map_lookup_elem#1', '8500000001000000'],
  ['call pc+2', '8510000002000000'],
  ['call kfunc 9, 1', '8520010009000000'],
  ['callx r3', '8d03000000000000'],
  ['goto +5', '0500050000000000'],
  ['goto pc-2', '0500feff00000000'],
  ['goto -2', '0500feff00000000'],
  ['gotol +70000', '0600000070110100'],
  ['may_goto +1', 'e500010000000000'],
  ['if r1 == 5 goto +3', '1501030005000000'],
  ['if w1 s> 7 goto +1', '6601010007000000'],
  ['if r1 & r2 goto -1', '4d21ffff00000000'],
  // Labels, before and behind their use, with a wide load in between.
  [
    'a: if r1 != 0 goto b\nr1 = 1 ll\ngoto a\nb:\nexit',
    '5501030000000000 1801000001000000 0000000000000000 0500fcff00000000 9500000000000000',
  ],
  ['goto end\nend:', '0500000000000000'],
  ['call f\nexit\nf: exit', '8510000001000000 9500000000000000 9500000000000000'],
  ['r1 = func f ll\nexit\nf: exit', '1841000002000000 0000000000000000 9500000000000000 9500000000000000'],
  // A function hides a helper of its name.
  ['call loop\nloop: exit', '8510000000000000 9500000000000000'],
  // Comments.
  ['exit ; done', '9500000000000000'],
  ['; exit', ''],
  ['exit // done', '9500000000000000'],
  ['exit # exit', '9500000000000000'],
  ['/* a\nb */ exit /* c */', '9500000000000000'],
  ['// /*\nexit', '9500000000000000'],
  ['exit\r\n', '9500000000000000'],
];

t.test('texts', (t) => {
  for (const [text, hex] of TEXTS) t.equal(hexOf(text), hex, text);
  t.end();
});

interface Mistake {
  readonly text: string;
  readonly code: AsmError['code'];
  readonly line?: number;
  readonly col: number;
  readonly hint?: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  { text: 'ext', code: 'asm-syntax', col: 1, hint: /\bexit\b/ },
  { text: 'r1 = ', code: 'asm-syntax', col: 6 },
  { text: 'r1 += q', code: 'asm-syntax', col: 7 },
  { text: 'r1 += 1 2', code: 'asm-syntax', col: 9 },
  { text: 'r1 += r2 r3', code: 'asm-syntax', col: 10 },
  { text: 'r1 = *(u23 *)(r2 + 0)', code: 'asm-syntax', col: 8, hint: /u32/ },
  { text: 'lok *(u32 *)(r1 + 4) += r3', code: 'asm-syntax', col: 1, hint: /lock/ },
  { text: 'if r1 === 1 goto +1', code: 'asm-syntax', col: 9 },
  { text: 'r1 = 0ff', code: 'asm-syntax', col: 6, hint: /0x0ff/ },
  { text: 'r1 = 1 @', code: 'asm-syntax', col: 8 },
  { text: 'r1 = é', code: 'asm-syntax', col: 6 },
  { text: 'exit\n/* open', code: 'asm-syntax', line: 2, col: 1 },
  { text: 'r0 = 1; exit', code: 'asm-syntax', col: 7, hint: /one instruction a line/ },
  { text: '       0:\tr1 = 1', code: 'asm-syntax', col: 8, hint: /--asm/ },
  { text: 'r11 = 1', code: 'asm-register', col: 1 },
  { text: 'w1 += w99', code: 'asm-register', col: 7 },
  { text: 'r01 = 1', code: 'asm-register', col: 1 },
  { text: 'r1 = -r2', code: 'asm-register', col: 7 },
  { text: 'r2 = atomic_fetch_add((u64 *)(r1 + 0), r3)', code: 'asm-register', col: 40 },
  { text: 'r1 = 0x80000000', code: 'asm-range', col: 6, hint: /ll/ },
  { text: 'r1 += -2147483649', code: 'asm-range', col: 7 },
  { text: 'w1 = 0x100000000', code: 'asm-range', col: 6 },
  { text: 'r1 = *(u8 *)(r2 + 32768)', code: 'asm-range', col: 17 },
  { text: 'r1 = 0x1ffffffffffffffff ll', code: 'asm-range', col: 6 },
  { text: `r1 = ${'9'.repeat(1000)} ll`, code: 'asm-range', col: 6 },
  { text: 'goto +32768', code: 'asm-range', col: 6, hint: /gotol/ },
  { text: `goto a\n${'exit\n'.repeat(32768)}a: exit`, code: 'asm-range', col: 6, hint: /gotol/ },
  { text: 'r1 = addr_space_cast(r2, 65536, 0)', code: 'asm-range', col: 26 },
  { text: 'a: exit\ngoto aa', code: 'asm-label', line: 2, col: 6, hint: /\ba\b/ },
  { text: 'r1 = nothing ll', code: 'asm-label', col: 6 },
  { text: 'a: exit\na: exit', code: 'asm-duplicate', line: 2, col: 1 },
  { text: 'call bpf_map_lookup_elm', code: 'asm-helper', col: 6, hint: /bpf_map_lookup_elem/ },
  { text: 'call map_lokup_elem', code: 'asm-helper', col: 6, hint: /did you mean map_lookup_elem/ },
  { text: '.sction "x"', code: 'asm-directive', col: 1, hint: /\.section/ },
  { text: '.section "x"', code: 'asm-directive', col: 1, hint: /object/ },
  { text: 'r1 = map m ll', code: 'asm-map', col: 10 },
];

t.test('mistakes', (t) => {
  for (const { text, code, line = 1, col, hint } of MISTAKES) {
    const name = text.slice(0, 60);
    const lineText = text.split('\n')[line - 1];
    const where = { file: 'a.s', line, col, text: lineText };
    const error = t.throws(() => assemble(text, { file: 'a.s' }), { code, where }, name);
    if (hint !== undefined && error instanceof AsmError) t.match(error.hint, hint, `${name}: hint`);
  }
  t.end();
});

t.test('several mistakes at once, at most twenty', (t) => {
  try {
    assemble(Array.from({ length: 30 }, (_, i) => `r${String(i)}0 = 1`).join('\n'));
    t.fail('should have thrown');
  } catch (error) {
    if (!(error instanceof AsmError)) throw error;
    const errors = listAsmErrors(error);
    t.equal(errors.length, 20);
    // r00 is wrong, r10 is a register.
    t.same(
      errors.slice(0, 3).map(({ where }) => where.line),
      [1, 3, 4],
    );
  }
  t.end();
});

t.test('labels and lines', (t) => {
  const { labels, lines } = assemble('a:\nr1 = 1 ll\n\nb: exit');
  t.same(
    [...labels],
    [
      ['a', 0],
      ['b', 2],
    ],
  );
  t.same(
    [...lines],
    [
      [0, 2],
      [2, 4],
    ],
  );
  t.end();
});
