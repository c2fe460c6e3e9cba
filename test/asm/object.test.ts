/** Texts to ELF objects: what the loader sees, what bpftool sees, and mistakes in directives. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { assembleObject, type AsmError } from '../../vm/asm/index.js';
import { parseBtf } from '../../vm/btf/btf.js';
import { parseBtfExt } from '../../vm/btf/btf-ext.js';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { parseElf, SHT } from '../../vm/elf/elf.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { isInstalled, runOver } from './llvm.js';

const tour = assembleObject(readFileSync('test/asm/golden/tour.s', 'utf8'), { file: 'tour.s' });

function contentsOf(bytes: Uint8Array, name: string): Uint8Array {
  const file = parseElf(bytes);
  return file.contents(
    must(
      file.sections.find((section) => section.name === name),
      name,
    ),
  );
}

t.test('what the loader makes of it', (t) => {
  const text = `
.license "GPL"
.map conns, type=lru_hash, key=4, value=8, entries=1024
.map ring, type=BPF_MAP_TYPE_RINGBUF, entries=4096
.map inside, type=array, key=4, value=8, entries=1
.map outside, type=hash_of_maps, key=4, value=4, entries=2, inner=inside, flags=BPF_F_NO_PREALLOC|BPF_F_RDONLY
.rodata
limit: .quad 42
.section "xdp/first"
first:
    r1 = conns ll
    r2 = limit ll
    call help
    r2 = func callback ll
    call loop
    exit
.section "tc"
    r0 = 0
    exit
.text
help: exit
callback: exit
`;
  const object = loadObject(assembleObject(text), { name: 'a.o' });
  t.equal(object.license, 'GPL');
  t.same(
    object.programs.map(({ name, section, type }) => [name, section, type]),
    [
      ['first', 'xdp/first', 'xdp'],
      ['tc', 'tc', 'sched_cls'],
    ],
  );
  t.same(
    object.maps.map(({ name, type, keyBytes, valueBytes, maxEntries, flags }) => [
      name,
      type,
      keyBytes,
      valueBytes,
      maxEntries,
      flags,
    ]),
    [
      ['conns', 'lru_hash', 4, 8, 1024, 0],
      ['ring', 'ringbuf', 0, 0, 4096, 0],
      ['inside', 'array', 4, 8, 1, 0],
      ['outside', 'hash_of_maps', 4, 4, 2, 9],
      ['.rodata', 'array', 4, 8, 1, 128],
    ],
  );
  t.match(object.maps[3]?.inner, { type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 1 });
  const first = must(
    object.functions.find(({ name }) => name === 'first'),
    'first',
  );
  const func = (name: string): number => object.functions.findIndex((each) => each.name === name);
  t.same(
    [...first.refs.values()],
    [
      { kind: 'map', map: 0 },
      { kind: 'map-value', map: 4, off: 0 },
      { kind: 'call', func: func('help') },
      { kind: 'func', func: func('callback') },
    ],
  );
  t.match(first.lines[0], { pc: 0, file: 'a.s', line: 11, text: '    r1 = conns ll' });
  t.end();
});

t.test('sections and data', (t) => {
  const file = parseElf(tour);
  const sizes = Object.fromEntries(file.sections.map(({ name, sizeBytes }) => [name, sizeBytes]));
  t.match(sizes, { '.bss': 64, '.data': 24, '.rodata': 32, '.data.more': 8, license: 13, xdp: 248, '.text': 56 });
  t.equal(toHex(contentsOf(tour, '.data.more')), '0102fdffff610062');
  t.equal(
    toHex(contentsOf(tour, '.rodata')),
    `${toHex(new TextEncoder().encode('hello, "world"\n\0'))}2a00000000000000ffffffffffffffff`,
  );
  t.equal(file.sections.find(({ name }) => name === '.bss')?.type, SHT.NOBITS);
  const data = must(file.sections.find(({ name }) => name === '.data')?.index, '.data');
  t.same(
    file.relocations(data).map(({ off, type, symbol }) => [off, type, symbol.name]),
    [
      [8, 2, 'conns'],
      [16, 2, 'prog'],
    ],
  );
  const symbols = Object.fromEntries(
    file.symbols.map(({ name, type, binding, sizeBytes }) => [name, [type, binding, sizeBytes]]),
  );
  t.match(symbols, {
    prog: ['func', 'global', 248],
    out: ['notype', 'local', 0],
    count: ['func', 'local', 24],
    twice: ['func', 'global', 16],
    callback: ['func', 'local', 16],
    counter: ['object', 'global', 8],
    scratch: ['object', 'local', 64],
    conns: ['object', 'global', 40],
    bpf_some_kfunc: ['notype', 'global', 0],
    maybe: ['notype', 'weak', 0],
  });
  t.end();
});

t.test('debug information can be left out', (t) => {
  const names = (text: string): string[] =>
    parseElf(assembleObject(text, { debugInfo: false })).sections.map(({ name }) => name);
  t.notOk(names('exit').includes('.BTF'));
  t.ok(names('.map a, type=array\nexit').includes('.BTF'), 'maps need it');
  t.notOk(names('.map a, type=array\nexit').includes('.BTF.ext'));
  const btf = parseBtf(contentsOf(tour, '.BTF'));
  const { lines, funcs } = parseBtfExt(contentsOf(tour, '.BTF.ext'), btf);
  t.equal(lines.get('xdp')?.length, 23);
  t.equal(funcs.get('.text')?.length, 3);
  t.end();
});

t.test('bpftool reads it', { skip: isInstalled('bpftool') ? false : 'bpftool is not installed' }, (t) => {
  // A kernel function and a map's address in data need BTF that only a compiler writes.
  const text = readFileSync('test/asm/golden/tour.s', 'utf8').replace(/^.*(?:kfunc|maybe|table:|0xffff).*$/gm, '');
  const object = assembleObject(text, { file: 'tour.s' });
  const skeleton = runOver('bpftool', ['gen', 'skeleton'], object);
  t.match(skeleton, /struct bpf_map \*outside;/);
  t.match(skeleton, /struct bpf_program \*prog;/);
  t.match(runOver('bpftool', ['btf', 'dump', 'file'], object), /DATASEC '\.maps' size=136 vlen=4/);
  t.end();
});

const MISTAKES: readonly (readonly [text: string, code: AsmError['code'], line: number, col: number])[] = [
  ['.section', 'asm-directive', 1, 9],
  ['.section "a", "q"', 'asm-directive', 1, 15],
  ['.section "a", "ax", @what', 'asm-directive', 1, 22],
  ['.section "a", "ax" "b"', 'asm-directive', 1, 20],
  ['.section "a", "aw"\n.section "a", "ax"', 'asm-section', 2, 15],
  ['.text 1', 'asm-directive', 1, 7],
  ['.data\nexit', 'asm-section', 2, 1],
  ['.byte 1', 'asm-section', 1, 1],
  ['.data\n.byte', 'asm-directive', 2, 6],
  ['.data\n.byte 1,', 'asm-directive', 2, 9],
  ['.data\n.byte 256', 'asm-range', 2, 7],
  ['.data\n.byte -129', 'asm-range', 2, 8],
  ['.data\n.long a', 'asm-directive', 2, 7],
  ['.data\n.quad a', 'asm-label', 2, 7],
  ['.data\n.ascii 1', 'asm-directive', 2, 8],
  ['.data\n.zero "a"', 'asm-directive', 2, 7],
  ['.data\n.zero 99999999999', 'asm-range', 2, 7],
  ['.bss\n.byte 1', 'asm-section', 2, 7],
  ['.license GPL', 'asm-directive', 1, 10],
  ['.license "GPL"\n.license "GPL"', 'asm-duplicate', 2, 1],
  ['.globl a', 'asm-label', 1, 8],
  ['.globl 1', 'asm-directive', 1, 8],
  ['.map', 'asm-map', 1, 5],
  ['.map a', 'asm-map', 1, 6],
  ['.map a, kind=hash', 'asm-map', 1, 9],
  ['.map a, type=hsh', 'asm-map', 1, 14],
  ['.map a, type=hash, key=x', 'asm-map', 1, 24],
  ['.map a, type=hash, key=', 'asm-map', 1, 24],
  ['.map a, type=hash, key=4, key=4', 'asm-duplicate', 1, 27],
  ['.map a, type=hash, key=4294967296', 'asm-range', 1, 24],
  ['.map a, type=hash, flags=BPF_F_NOPE', 'asm-map', 1, 26],
  ['.map a, type=array_of_maps, inner=b', 'asm-map', 1, 35],
  ['.map a, type=hash\n.map a, type=hash', 'asm-duplicate', 2, 6],
  ['a: exit\n.data\na: .byte 1', 'asm-duplicate', 3, 1],
  ['r1 = map a ll', 'asm-map', 1, 10],
  ['r1 = a ll', 'asm-label', 1, 6],
  ['.section "x"\na: exit\n.text\ngoto a', 'asm-label', 4, 6],
  ['.data\na: .byte 1\n.text\ncall a', 'asm-label', 4, 6],
  ['.map a, type=hash\nr1 = a + 0x100000000 ll', 'asm-range', 2, 6],
];

t.test('mistakes', (t) => {
  for (const [text, code, line, col] of MISTAKES) {
    t.throws(() => assembleObject(text, { file: 'a.s' }), { code, where: { file: 'a.s', line, col } }, text);
  }
  t.end();
});
