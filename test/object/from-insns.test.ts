/** Objects from bare instruction bytes. */
import t from 'tap';
import { encode } from '../../vm/isa/encode.js';
import type { Insn } from '../../vm/isa/insn.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { MapSpec } from '../../vm/object/object-spec.js';

function insn(name: Insn['name'], more: Partial<Insn> = {}): Insn {
  return { name, dst: 0, src: 0, off: 0, imm: 0, immHi: 0, pc: 0, ...more };
}

const exit = insn('exit');
const array: MapSpec = {
  name: 'm',
  type: 'array',
  keyBytes: 4,
  valueBytes: 8,
  maxEntries: 1,
  flags: 0,
  values: [],
  readOnly: false,
  pinning: 0,
};

t.test('one function', (t) => {
  const spec = objectFromInsns(encode([insn('mov64_k', { imm: 1 }), exit]), { name: 'two', type: 'sched_cls' });
  t.match(spec.programs, [{ name: 'two', type: 'sched_cls', func: 0, functions: [0] }]);
  t.same(
    spec.functions[0]?.insns.map((each) => each.name),
    ['mov64_k', 'exit'],
  );
  t.end();
});

t.test('functions start where calls and function pointers lead', (t) => {
  // 0: call 5; 1-2: callback 7; 3: exit; 4: exit (dead, still of main); 5: call 5 itself; 6: exit; 7: exit
  const spec = objectFromInsns(
    encode([
      insn('call_local', { src: 1, imm: 4 }),
      insn('ld_func', { src: 4, imm: 5 }),
      exit,
      exit,
      insn('call_local', { src: 1, imm: -1 }),
      exit,
      exit,
    ]),
  );
  t.same(
    spec.functions.map((func) => [func.sectionOff, func.insns.map((each) => each.pc)]),
    [
      [0, [0, 1, 3, 4]],
      [40, [0, 1]],
      [56, [0]],
    ],
  );
  t.same(
    [...(spec.functions[0]?.refs ?? [])],
    [
      [0, { kind: 'call', func: 1 }],
      [1, { kind: 'func', func: 2 }],
    ],
  );
  t.same([...(spec.functions[1]?.refs ?? [])], [[0, { kind: 'call', func: 1 }]]);
  t.same(new Set(spec.programs[0]?.functions), new Set([0, 1, 2]));
  t.end();
});

t.test('maps are named by index', (t) => {
  const bytes = encode([
    insn('ld_map_fd', { src: 1, imm: 0 }),
    insn('ld_map_value', { src: 2, imm: 0, immHi: 4 }),
    insn('ld_map_fd', { src: 1, imm: 9 }),
    exit,
  ]);
  t.match(
    [...(objectFromInsns(bytes, { maps: [array] }).functions[0]?.refs.values() ?? [])],
    [{ kind: 'map', map: 0 }, { kind: 'map-value', map: 0, off: 4 }, { kind: 'unsupported' }],
  );
  t.end();
});

t.test('refused', (t) => {
  const cases: [string, Uint8Array, string, number][] = [
    ['nothing', new Uint8Array(0), 'load-insn', 0],
    ['half an instruction', new Uint8Array(4), 'load-insn', 0],
    ['unknown opcode', encode([exit]).map((byte) => (byte === 0x95 ? 0xff : byte)), 'load-insn', 0],
    ['a call out of the program', encode([insn('call_local', { src: 1, imm: 5 }), exit]), 'load-relocation', 0],
    ['a call backwards out of it', encode([exit, insn('call_local', { src: 1, imm: -3 })]), 'load-relocation', 8],
    [
      'a call into a 64-bit load',
      encode([insn('call_local', { src: 1, imm: 1 }), insn('lddw'), exit]),
      'load-relocation',
      0,
    ],
  ];
  for (const [name, bytes, code, offset] of cases) {
    t.throws(() => objectFromInsns(bytes), { name: 'LoadError', code, where: { offset } }, name);
  }
  t.end();
});
