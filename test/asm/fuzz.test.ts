/** Text of any kind gives bytes or an AsmError; objects of any kind a listing or an ElfError. Never anything else. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import {
  assemble,
  assembleObject,
  AsmError,
  disassemble,
  disassembleSource,
  listAsmErrors,
} from '../../vm/asm/index.js';
import { DIRECTIVES } from '../../vm/asm/directives.js';
import { SkepError } from '../../vm/errors.js';
import { INSN_ROWS } from '../../vm/spec/insns.js';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fff_ffff));
t.comment(`SEED=${String(seed)}`);
const RUNS = 1500;

const piece = fc.oneof(
  fc.constantFrom(...Object.values(INSN_ROWS).flatMap(({ text, also = [] }) => [text, ...also])),
  fc.constantFrom(...DIRECTIVES),
  fc.constantFrom(
    'r1',
    'w2',
    'r10',
    'll',
    'map',
    'func',
    'a',
    'a:',
    'pc',
    '+',
    '-',
    '=',
    ',',
    '(',
    ')',
    '"',
    ';',
    '\n',
    '|',
  ),
  fc.constantFrom(
    '/*',
    '*/',
    '//',
    '#',
    '\\',
    '@',
    '"xdp"',
    '"ax"',
    'type=hash',
    '0x',
    '99999999999999999999',
    '-1',
    '.L',
    '.text',
  ),
  fc.integer().map(String),
  fc.string({ maxLength: 8 }),
);
const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(' ').replace(/\{\w+\}/g, 'r1'));

function check(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AsmError)) throw error;
    for (const { where } of listAsmErrors(error)) {
      if ((where.line ?? 0) < 1 || (where.col ?? 0) < 1) throw new Error(`no place: ${JSON.stringify(where)}`);
    }
  }
}

t.test('texts', (t) => {
  fc.assert(
    fc.property(text, (source) => {
      check(() => assemble(source));
      check(() => assembleObject(source));
    }),
    { seed, numRuns: RUNS },
  );
  t.pass(`${String(RUNS)} texts`);
  t.end();
});

t.test('texts that grow without measure', (t) => {
  for (const source of [
    '('.repeat(200_000),
    '9'.repeat(200_000),
    `${'a'.repeat(200_000)}: exit`,
    `call ${'b'.repeat(200_000)}`,
    'a: '.repeat(20_000),
    `.data\n${'.zero 67108864\n'.repeat(100)}`,
    `.ascii "${'\\'.repeat(200_001)}"`,
    `/*${'\n'.repeat(200_000)}`,
    Array.from({ length: 5_000 }, (_, i) => `goto x${String(i)}\nx${String(i)}:`).join('\n'),
  ]) {
    check(() => assemble(source));
    check(() => assembleObject(source));
    t.pass(source.slice(0, 20));
  }
  t.end();
});

t.test('objects', (t) => {
  const object = readFileSync('bpf/examples/subprograms.bpf.o');
  const edit = fc.record({ at: fc.nat(object.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  const cut = fc.oneof(fc.constant(object.length), fc.nat(object.length));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), cut, (edits, length) => {
      const bytes = Uint8Array.from(object.subarray(0, length));
      for (const { at, byte } of edits) if (at < length) bytes[at] = byte;
      for (const list of [
        () => disassemble(bytes, { relocations: true, source: true }),
        () => assembleObject(disassembleSource(bytes, { source: true })),
      ]) {
        try {
          list();
        } catch (error) {
          if (!(error instanceof SkepError)) throw error;
        }
      }
    }),
    { seed, numRuns: 300 },
  );
  t.pass('300 objects');
  t.end();
});
