/** The ELF container: what is read from a real object, and what is refused with which code where. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseElf } from '../../vm/elf/elf.js';
import { ElfError } from '../../vm/errors.js';

const good = new Uint8Array(readFileSync('bpf/examples/maps-btf.bpf.o'));
const view = new DataView(good.buffer, good.byteOffset, good.byteLength);
const headers = Number(view.getBigUint64(40, true));
const elf = parseElf(good);

/** File offset of a field in a section's header. */
function headerField(name: string, fieldOff: number): number {
  const section = elf.sections.find((each) => each.name === name);
  if (section === undefined) throw new Error(`no section ${name}`);
  return headers + 64 * section.index + fieldOff;
}

function patched(...patches: readonly (readonly [off: number, bytes: readonly number[]])[]): Uint8Array {
  const copy = good.slice();
  for (const [off, bytes] of patches) copy.set(bytes, off);
  return copy;
}

t.test('sections, symbols and relocations', (t) => {
  const names = elf.sections.map((section) => section.name);
  for (const name of ['xdp', '.relxdp', '.maps', 'license', '.BTF', '.BTF.ext', '.symtab'])
    t.ok(names.includes(name), name);
  const section = elf.sections.find((each) => each.name === 'xdp');
  if (section === undefined) throw new Error('no section xdp');
  t.equal(elf.contents(section).length, section.sizeBytes);
  t.match(
    elf.symbols.find((symbol) => symbol.name === 'count'),
    { type: 'func', binding: 'global', section: section.index, value: 0 },
  );
  const relocations = elf.relocations(section.index);
  t.ok(relocations.every((each) => each.type === 1 && each.off % 8 === 0));
  t.same(
    new Set(relocations.map((each) => each.symbol.name)),
    new Set(['flows', 'settings', 'by_size', 'per_cpu', 'left', 'right', 'pinned']),
  );
  t.same(elf.relocations(999), []);
  t.end();
});

t.test('refused', (t) => {
  const symtab = elf.sections.find((each) => each.name === '.symtab');
  if (symtab === undefined) throw new Error('no symbols');
  const rel = elf.sections.find((each) => each.name === '.relxdp');
  if (rel === undefined) throw new Error('no relocations');
  const ff = [0xff, 0xff, 0xff, 0xff];
  const cases: [string, Uint8Array, ElfError['code'], number][] = [
    ['empty', new Uint8Array(0), 'elf-truncated', 0],
    ['three bytes of ELF', good.subarray(0, 3), 'elf-truncated', 3],
    ['text', new TextEncoder().encode('#!/bin/sh'), 'elf-not-elf', 0],
    ['header only', good.subarray(0, 64), 'elf-truncated', 40],
    ['cut in the section headers', good.subarray(0, good.length - 1), 'elf-truncated', headers],
    ['32 bit', patched([4, [1]]), 'elf-class', 4],
    ['big endian', patched([5, [2]]), 'elf-big-endian', 5],
    ['a byte order that is none', patched([5, [3]]), 'elf-header', 5],
    ['x86-64', patched([18, [62, 0]]), 'elf-machine', 18],
    ['an executable', patched([16, [2, 0]]), 'elf-header', 16],
    ['no section headers', patched([40, [0, 0, 0, 0, 0, 0, 0, 0]]), 'elf-header', 40],
    ['section headers beyond 2^53', patched([40, [...ff, ...ff]]), 'elf-truncated', 40],
    ['section header size', patched([58, [40, 0]]), 'elf-header', 58],
    ['section count', patched([60, [0xff, 0xff]]), 'elf-truncated', headers],
    ['name section', patched([62, [0xfe, 0]]), 'elf-header', 62],
    ['contents beyond the end', patched([headerField('xdp', 32), ff]), 'elf-truncated', headerField('xdp', 24)],
    [
      'sections that overlap',
      patched(
        [headerField('.BTF', 24), [0, 0, 0, 0]],
        [headerField('.BTF', 32), [good.length & 0xff, good.length >> 8]],
      ),
      'elf-section',
      headers,
    ],
    ['symbol table of odd size', patched([headerField('.symtab', 32), [25]]), 'elf-symbol', symtab.fileOff],
    ['symbol in no section', patched([symtab.fileOff + 24 + 6, [0xfe, 0]]), 'elf-symbol', symtab.fileOff + 24 + 6],
    ['symbol names elsewhere', patched([headerField('.symtab', 40), [0xfe]]), 'elf-string', headerField('.symtab', 40)],
  ];
  for (const [name, bytes, code, offset] of cases) {
    t.throws(() => parseElf(bytes), { name: 'ElfError', code, where: { offset } }, name);
  }
  const badRelocation = parseElf(patched([rel.fileOff + 12, ff]));
  t.throws(() => badRelocation.relocations(rel.info), { code: 'elf-relocation', where: { offset: rel.fileOff + 12 } });
  t.end();
});

t.test('no prefix of a file crashes the reader', (t) => {
  let refused = 0;
  for (let length = 0; length < good.length; length++) {
    try {
      parseElf(good.subarray(0, length));
      t.fail(`${length} bytes were taken for a whole file`);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      refused++;
    }
  }
  t.equal(refused, good.length);
  t.end();
});

t.test('extended section numbering', (t) => {
  const copy = good.slice();
  const out = new DataView(copy.buffer);
  out.setBigUint64(headers + 32, BigInt(elf.sections.length), true);
  out.setUint32(headers + 40, view.getUint16(62, true), true);
  out.setUint16(60, 0, true);
  out.setUint16(62, 0xffff, true);
  t.same(
    parseElf(copy).sections.map((section) => section.name),
    elf.sections.map((section) => section.name),
  );
  t.end();
});
