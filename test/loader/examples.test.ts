/** What the loader makes of each committed object, against what its C source says. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseElf } from '../../vm/elf/elf.js';
import { loadObject, type LoadOptions } from '../../vm/loader/load-object.js';
import type { FunctionSpec, ObjectSpec, Ref } from '../../vm/object/object-spec.js';

function load(name: string, options: LoadOptions = {}): ObjectSpec {
  return loadObject(new Uint8Array(readFileSync(`bpf/${name}.bpf.o`)), options);
}

function func(spec: ObjectSpec, name: string): FunctionSpec {
  const found = spec.functions.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}

function refs(spec: ObjectSpec, name: string): Ref[] {
  return [...func(spec, name).refs.values()];
}

/** Names of the functions that a program reaches. */
function reached(spec: ObjectSpec, program: string): string[] {
  const found = spec.programs.find((each) => each.name === program);
  return (found?.functions ?? []).map((id) => spec.functions[id]?.name ?? '?');
}

t.test('two instructions', (t) => {
  const spec = load('examples/pass');
  t.match(spec.programs, [
    { name: 'pass', section: 'xdp', type: 'xdp', attachType: 'xdp', flags: 0, func: 0, functions: [0] },
  ]);
  t.same(
    spec.functions[0]?.insns.map((insn) => [insn.pc, insn.name, insn.imm]),
    [
      [0, 'mov32_k', 2],
      [1, 'exit', 0],
    ],
  );
  t.equal(spec.license, 'Dual BSD/GPL');
  t.same(spec.maps, []);
  t.same(spec.notes, []);
  t.end();
});

t.test('C lines and function types', (t) => {
  const spec = load('examples/pass');
  const { lines, btfType } = func(spec, 'pass');
  t.match(lines[0], { pc: 0, text: /XDP_PASS/ });
  t.match(lines[0]?.file, /pass\.bpf\.c$/);
  t.match(spec.btf?.type(btfType ?? 0), { kind: 'func', name: 'pass' });
  t.end();
});

t.test('maps in BTF', (t) => {
  const spec = load('examples/maps-btf');
  const byName = new Map(spec.maps.map((map) => [map.name, map]));
  t.match(byName.get('flows'), { type: 'hash', keyBytes: 16, valueBytes: 8, maxEntries: 128, flags: 1, pinning: 0 });
  t.match(byName.get('by_size'), { type: 'array', keyBytes: 4, valueBytes: 24, maxEntries: 4, keyType: undefined });
  t.match(byName.get('per_cpu'), { type: 'percpu_array', maxEntries: 2 });
  t.match(byName.get('settings'), { flags: 0x80, readOnly: true });
  t.match(byName.get('pinned'), { pinning: 1 });
  t.same([byName.get('left')?.maxEntries, byName.get('right')?.maxEntries], [16, 16]);
  t.match(spec.btf?.type(byName.get('flows')?.keyType ?? 0), { kind: 'struct', name: 'flow' });
  t.match(spec.notes, [{ code: 'pinning-ignored' }]);
  const used = refs(spec, 'count').map((ref) => (ref.kind === 'map' ? spec.maps[ref.map]?.name : ref.kind));
  t.same(new Set(used), new Set(byName.keys()));
  t.ok(func(spec, 'count').insns.some((insn) => insn.name === 'ld_map_fd'));
  t.end();
});

t.test('maps before BTF', (t) => {
  const spec = load('examples/maps-legacy');
  t.match(spec.maps, [
    { name: 'sizes', type: 'hash', keyBytes: 4, valueBytes: 8, maxEntries: 64, flags: 1 },
    { name: 'totals', type: 'percpu_array', keyBytes: 4, valueBytes: 8, maxEntries: 1, flags: 0 },
  ]);
  t.same(new Set(refs(spec, 'count_sizes').map((ref) => (ref.kind === 'map' ? ref.map : -1))), new Set([0, 1]));
  t.end();
});

t.test('maps of maps', (t) => {
  const spec = load('examples/map-in-map');
  const id = (name: string): number => spec.maps.findIndex((map) => map.name === name);
  t.match(spec.maps[id('by_parity')], {
    type: 'array_of_maps',
    keyBytes: 4,
    valueBytes: 4,
    inner: { type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 2 },
    values: [
      { index: 0, kind: 'map', map: id('even') },
      { index: 2, kind: 'map', map: id('odd') },
    ],
  });
  t.match(spec.maps[id('by_tenant')], { type: 'hash_of_maps', values: [{ index: 0, kind: 'map', map: id('tenant') }] });
  t.match(spec.maps[id('empty')], { values: [], inner: { type: 'hash', keyBytes: 8, valueBytes: 4, maxEntries: 8 } });
  t.end();
});

t.test('program arrays', (t) => {
  const spec = load('examples/tail-calls');
  const filled = spec.maps.filter((map) => map.type === 'prog_array' && map.values.length > 0);
  t.ok(filled.length > 0);
  for (const map of filled) {
    for (const value of map.values) t.match(value, { kind: 'func' });
    const named = map.values.map((value) =>
      value.kind === 'func' ? spec.programs.some((each) => each.func === value.func) : false,
    );
    t.ok(named.every(Boolean), 'each entry is a program');
  }
  t.end();
});

t.test('data sections', (t) => {
  const spec = load('examples/globals');
  const bySection = new Map(spec.maps.map((map) => [map.section, map]));
  const contents = (name: string): number[] => [...(bySection.get(name)?.contents ?? [])];
  t.match(bySection.get('.rodata'), { type: 'array', keyBytes: 4, maxEntries: 1, readOnly: true });
  t.same(contents('.rodata.config'), [1, 0, 2, 0, 2, 0, 1, 0]);
  t.same(contents('.data.pattern'), [1, 2, 3, 4, 5, 6, 7, 8]);
  t.match(bySection.get('.data'), { readOnly: false, valueBytes: contents('.data').length });
  t.match(bySection.get('.bss.scratch'), { valueBytes: 128, contents: undefined });
  t.match(bySection.get('.rodata.str1.1'), { readOnly: true, valueType: undefined });
  t.equal(String.fromCharCode(...contents('.rodata.str1.1')), 'skep\0');
  // Global symbols are named by themselves: verdict, then the members of limits.
  const rodata = refs(spec, 'globals').flatMap((ref) =>
    ref.kind === 'map-value' && spec.maps[ref.map]?.section === '.rodata' ? [ref.off] : [],
  );
  t.same(new Set(rodata), new Set([0, 8]));
  // Local symbols are named by section and offset: balance lies behind threshold.
  const offs = refs(spec, 'globals').flatMap((ref) =>
    ref.kind === 'map-value' && spec.maps[ref.map]?.section === '.data' ? [ref.off] : [],
  );
  t.same(new Set(offs), new Set([0, 8]));
  t.end();
});

t.test('without BTF', (t) => {
  const spec = load('examples/no-btf');
  t.equal(spec.btf, undefined);
  t.match(spec.notes, [{ code: 'no-btf' }]);
  t.ok(spec.maps.some((map) => map.section?.startsWith('.rodata.cst')));
  t.end();
});

t.test('kernel configuration', (t) => {
  const value = (spec: ObjectSpec): DataView => {
    const contents = spec.maps.find((map) => map.section === '.kconfig')?.contents ?? new Uint8Array(0);
    return new DataView(contents.buffer, contents.byteOffset, contents.length);
  };
  const off = (spec: ObjectSpec, index: number): number => {
    const kconfig = spec.maps.findIndex((map) => map.section === '.kconfig');
    const offs = refs(spec, 'configured').flatMap((ref) =>
      ref.kind === 'map-value' && ref.map === kconfig ? [ref.off] : [],
    );
    return [...new Set(offs)][index] ?? -1;
  };
  const bare = load('examples/kconfig');
  t.ok(
    [...new Uint8Array(value(bare).buffer)].some((byte) => byte !== 0),
    'the version is always there',
  );
  const given = load('examples/kconfig', {
    kconfig: { CONFIG_HZ: '1000', CONFIG_BPF: 'm', CONFIG_DEFAULT_HOSTNAME: 'skep' },
  });
  t.equal(value(given).getBigUint64(off(given, 0), true), 1000n);
  t.equal(value(given).getUint32(off(given, 1), true), 2);
  t.equal(value(given).getUint8(off(given, 2)), 's'.charCodeAt(0));
  t.equal(off(given, 0) % 8, 0, 'aligned as C has it');
  t.throws(() => load('examples/kconfig', { kconfig: { CONFIG_HZ: 'often' } }), { code: 'load-symbol' });
  t.match(
    bare.maps.find((map) => map.section === '.kconfig'),
    { readOnly: true, maxEntries: 1 },
  );
  t.end();
});

t.test('kfuncs and kernel symbols', (t) => {
  const spec = load('examples/kfunc');
  t.same(refs(spec, 'locked'), [
    { kind: 'kfunc', name: 'bpf_rcu_read_lock' },
    { kind: 'kfunc', name: 'bpf_rcu_read_unlock' },
  ]);
  t.match(refs(spec, 'weak'), [{ kind: 'unsupported' }]);
  t.ok(func(spec, 'weak').insns.some((insn) => insn.name === 'lddw' && insn.imm === 0 && insn.immHi === 0));
  t.match(
    refs(spec, 'symbols').find((ref) => ref.kind === 'unsupported'),
    { what: /tcp_v4_rcv/ },
  );
  t.end();
});

t.test('subprograms', (t) => {
  const spec = load('examples/subprograms');
  t.same(reached(spec, 'deep'), ['deep', 'frame_2', 'frame_3', 'frame_4', 'frame_5', 'frame_6', 'frame_7', 'frame_8']);
  t.same(new Set(reached(spec, 'arguments')), new Set(['arguments', 'sum', 'clamp', 'swap']));
  t.equal(func(spec, 'clamp').linkage, 'global');
  t.equal(func(spec, 'sum').linkage, 'static');
  t.same(
    spec.programs.map((program) => program.name),
    ['arguments', 'deep'],
    'functions in .text are no programs',
  );
  for (const each of spec.functions) t.equal(each.insns[0]?.pc, 0, `${each.name} counts from 0`);
  t.end();
});

t.test('function pointers', (t) => {
  const spec = load('examples/callbacks');
  for (const program of spec.programs) {
    const own = func(spec, program.name);
    const pointers = [...own.refs].filter(([, ref]) => ref.kind === 'func');
    t.ok(pointers.length > 0, program.name);
    for (const [index] of pointers) t.equal(own.insns[index]?.name, 'ld_func');
    t.ok(program.functions.length > 1, 'callbacks are reached');
  }
  t.end();
});

t.test('what libbpf refuses', (t) => {
  const spec = load('examples/loose');
  t.same(
    spec.maps.map((map) => map.name),
    ['hidden'],
  );
  t.match(refs(spec, 'local_program'), [{ kind: 'map', map: 0 }]);
  t.equal(func(spec, 'local_program').linkage, 'static');
  t.same(reached(spec, 'calls_program'), ['calls_program', 'by_size']);
  t.same(reached(spec, 'calls_other_section'), ['calls_other_section', 'by_size']);
  t.match(
    spec.programs.find((program) => program.name === 'unknown_type'),
    { type: 'unspec', unsupported: /mystery/ },
  );
  t.match(spec.notes, [{ code: 'unsupported-section' }]);
  const typed = load('examples/loose', { progType: 'sched_cls' });
  t.match(
    typed.programs.find((program) => program.name === 'unknown_type'),
    { type: 'sched_cls', unsupported: undefined },
  );
  t.same(typed.notes, []);
  t.end();
});

t.test('sections', (t) => {
  const spec = load('examples/sections');
  const seen = spec.programs.map(({ name, type, attachType, flags, autoload }) => [
    name,
    type,
    attachType,
    flags,
    autoload,
  ]);
  t.same(
    new Set(seen.map((each) => JSON.stringify(each))),
    new Set(
      [
        ['first', 'xdp', 'xdp', 0, undefined],
        ['second', 'xdp', 'xdp', 0, undefined],
        ['fragments', 'xdp', 'xdp', 0x20, undefined],
        ['after_redirect', 'xdp', 'xdp_devmap', 0, undefined],
        ['on_other_cpu', 'xdp', 'xdp_cpumap', 0, undefined],
        ['not_by_default', 'xdp', 'xdp', 0, false],
        ['classify', 'sched_cls', undefined, 0, undefined],
      ].map((each) => JSON.stringify(each)),
    ),
  );
  t.end();
});

t.test('an object with nothing but .text offers what nobody calls', (t) => {
  const bytes = new Uint8Array(readFileSync('bpf/examples/pass.bpf.o'));
  const { sections } = parseElf(bytes);
  const header = (name: string): number => sections.find((section) => section.name === name)?.headerOff ?? 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(header('xdp'), view.getUint32(header('.text'), true), true);
  t.match(loadObject(bytes).programs, [{ name: 'pass', section: '.text', type: 'unspec', unsupported: /\.text/ }]);
  t.match(loadObject(bytes, { progType: 'xdp' }).programs, [{ name: 'pass', type: 'xdp', unsupported: undefined }]);
  t.end();
});

t.test('declaration tags', (t) => {
  const spec = load('examples/decl-tags');
  t.same(new Set(spec.programs[0]?.declTags), new Set(['tail:calls/3', 'entry']));

  // The tag of an argument is none of the function: let that of weigh's argument be one of the program's.
  const bytes = new Uint8Array(readFileSync('bpf/examples/decl-tags.bpf.o'));
  const section = parseElf(bytes).sections.find((each) => each.name === '.BTF');
  const btf = bytes.subarray(section?.fileOff ?? 0, (section?.fileOff ?? 0) + (section?.sizeBytes ?? 0));
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const stringsOff = view.getUint32(4, true) + view.getUint32(16, true);
  const nameOff = new TextDecoder('latin1').decode(btf.subarray(stringsOff)).indexOf('argument');
  let tagOff = view.getUint32(4, true);
  while (view.getUint32(tagOff, true) !== nameOff || view.getUint32(tagOff + 4, true) !== 0x1100_0000) tagOff += 4;
  view.setUint32(tagOff + 8, func(spec, 'tagged').btfType ?? 0, true);
  t.equal(view.getInt32(tagOff + 12, true), 0, 'of the first argument');
  t.same(loadObject(bytes).programs[0]?.declTags, spec.programs[0]?.declTags);
  t.end();
});

t.test('the same bytes give the same spec, whatever becomes of the buffer', (t) => {
  const bytes = new Uint8Array(readFileSync('bpf/examples/globals.bpf.o'));
  const first = loadObject(bytes);
  const second = loadObject(bytes.slice());
  bytes.fill(0xff);
  for (const key of ['functions', 'programs', 'maps', 'notes'] as const) t.same(first[key], second[key], key);
  t.end();
});

t.test('errors name the file', (t) => {
  t.throws(() => load('examples/pass-big-endian', { name: 'be.o' }), {
    code: 'elf-big-endian',
    where: { file: 'be.o', offset: 5 },
  });
  t.end();
});
