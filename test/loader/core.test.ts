/** CO-RE: the answers that core.bpf.o gets from a target made for the test, and what happens where there is none. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseBtfExt } from '../../vm/btf/btf-ext.js';
import { nameOf, parseBtf } from '../../vm/btf/btf.js';
import { parseElf } from '../../vm/elf/elf.js';
import type { Insn } from '../../vm/isa/insn.js';
import { CORE_KINDS, fieldValue } from '../../vm/loader/core/core-values.js';
import { patchInsn, type Patch } from '../../vm/loader/core/core-patch.js';
import { essentialName } from '../../vm/loader/core/essential-name.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { BtfBuilder } from '../btf/build-btf.js';

const bytes = new Uint8Array(readFileSync('bpf/examples/core.bpf.o'));

/** "kind type access" -> what the instruction holds after relocation, in the order of the relocations. */
function answers(targetBtf?: Uint8Array): Map<string, bigint | string> {
  const spec = loadObject(bytes, targetBtf === undefined ? {} : { targetBtf });
  const elf = parseElf(bytes);
  const section = elf.sections.find((each) => each.name === '.BTF.ext');
  if (section === undefined || spec.btf === undefined) throw new Error('no BTF');
  const out = new Map<string, bigint | string>();
  for (const [name, relocations] of parseBtfExt(elf.contents(section), spec.btf).core) {
    for (const relocation of relocations) {
      for (const func of spec.functions) {
        const index = func.insns.findIndex((insn) => func.sectionOff + 8 * insn.pc === relocation.off);
        const insn = func.insns[index];
        if (func.section !== name || insn === undefined) continue;
        const key = `${CORE_KINDS[relocation.kind] ?? '?'} ${nameOf(spec.btf.type(relocation.type))} ${relocation.access}`;
        out.set(key, func.refs.get(index)?.kind ?? heldBy(insn));
      }
    }
  }
  return out;
}

function heldBy(insn: Insn): bigint {
  if (insn.name === 'lddw') return (BigInt(insn.immHi >>> 0) << 32n) | BigInt(insn.imm >>> 0);
  return BigInt(insn.name.startsWith('ldx') ? insn.off : insn.imm >>> 0);
}

/** A kernel whose types are laid out otherwise than core.bpf.c believes. */
function target(change?: (b: BtfBuilder, i32: number) => void): Uint8Array {
  const b = new BtfBuilder();
  const i32 = b.int('int', 4, true);
  const u64 = b.int('long unsigned int', 8);
  const u32 = b.int('unsigned int', 4);
  const chars = b.array(b.int('char', 1, true), i32, 24);
  const listHead = b.struct('list_head', 16, [
    ['next', 6 + 1, 0],
    ['prev', 6 + 1, 64],
  ]);
  b.ptr(listHead);
  const nested = b.struct('', 16, [
    ['pid', i32, 0],
    ['tgid', i32, 32],
  ]);
  b.struct('task_struct', 200, [
    ['state', u64, 0],
    ['', nested, 800],
    ['comm', chars, 64],
    ['tasks', listHead, 320],
    ['in_execve', u32, 1000, 1],
  ]);
  b.enumeration('pid_type', [['PIDTYPE_PID', 41]]);
  b.struct('xdp_md', 40, [
    ['data', u32, 0],
    ['data_end', u32, 32],
    ['rx_queue_index', u64, 128],
  ]);
  change?.(b, i32);
  return b.build();
}

t.test('against a target', (t) => {
  const found = answers(target());
  const taskId = 9;
  const expected: [string, bigint | string][] = [
    ['field-byte-off task_struct 0:0', 100n],
    ['field-byte-size task_struct 0:0', 4n],
    ['field-byte-size task_struct 0:2', 24n],
    ['field-byte-off task_struct 0:3:1', 48n],
    ['field-byte-off task_struct 0:2:3', 11n],
    ['field-exists task_struct 0:0', 1n],
    ['field-exists task_struct___old 0:0', 1n],
    ['type-exists task_struct 0', 1n],
    ['type-exists no_such_struct 0', 0n],
    ['type-exists no_such_typedef 0', 0n],
    ['type-id-target task_struct 0', BigInt(taskId)],
    ['enumval-value pid_type 0', 41n],
    ['type-matches list_head 0', 1n],
    ['type-size task_struct 0', 200n],
    ['enumval-exists pid_type 0', 1n],
    ['enumval-exists pid_type 1', 0n],
    // Bit 1000 lies in the 4-byte unit at 124, 8 bits from its start.
    ['field-byte-size task_struct 0:4', 4n],
    ['field-lshift-u64 task_struct 0:4', 55n],
    ['field-rshift-u64 task_struct 0:4', 63n],
    ['field-signed task_struct 0:4', 0n],
    ['field-exists no_such_struct 0:0', 0n],
    ['field-byte-off no_such_struct 0:0', 'unsupported'],
    ['field-byte-off xdp_md___mine 0:0', 16n],
    ['field-byte-off xdp_md___mine 0:1', 0n],
    ['field-byte-off xdp_md___mine 0:2', 4n],
  ];
  for (const [key, value] of expected) t.equal(found.get(key), value, key);
  t.equal(found.size, expected.length + 1, 'and the local type id');
  t.end();
});

t.test('loads follow the width of an unsigned field', (t) => {
  const spec = loadObject(bytes, { targetBtf: target() });
  const context = spec.functions.find((func) => func.name === 'context');
  t.ok(context?.insns.some((insn) => insn.name === 'ldxdw' && insn.off === 16));
  t.notOk(context?.insns.some((insn) => insn.name === 'ldxw' && insn.off === 16));
  t.end();
});

t.test('candidates that disagree answer nothing', (t) => {
  const twice = target((b, i32) => b.struct('task_struct___second', 300, [['pid', i32, 64]]));
  const found = answers(twice);
  t.equal(found.get('field-byte-off task_struct 0:0'), 'unsupported');
  t.equal(found.get('field-byte-size task_struct 0:0'), 4n, 'where they agree there is no doubt');
  t.equal(found.get('field-byte-size task_struct 0:2'), 24n, 'a candidate without the field does not count');
  t.end();
});

t.test('a field of another kind is not the field', (t) => {
  const found = answers(
    (() => {
      const b = new BtfBuilder();
      const i32 = b.int('int', 4, true);
      b.struct('task_struct', 8, [['pid', b.ptr(i32), 0]]);
      b.struct('list_head', 8, [['next', i32, 0]]);
      return b.build();
    })(),
  );
  t.equal(found.get('field-exists task_struct 0:0'), 0n);
  t.equal(found.get('field-byte-off task_struct 0:0'), 'unsupported');
  t.equal(found.get('type-matches list_head 0'), 0n);
  t.equal(found.get('type-exists task_struct 0'), 1n);
  t.end();
});

t.test('without a target everything stays as compiled', (t) => {
  const found = answers();
  t.equal(found.get('field-byte-off task_struct 0:0'), 0n);
  t.equal(found.get('field-byte-off task_struct 0:3:1'), 32n);
  t.equal(found.get('enumval-value pid_type 0'), 7n);
  t.equal(found.get('field-exists no_such_struct 0:0'), 1n);
  t.notOk([...found.values()].includes('unsupported'));
  t.match(loadObject(bytes).notes, [{ code: 'core' }]);
  t.end();
});

t.test('types nested beyond reason end the work, not the machine', (t) => {
  const b = new BtfBuilder();
  const i32 = b.int('int', 4, true);
  let inner = b.struct('', 4, [['other', i32, 0]], 'union');
  for (let depth = 0; depth < 30; depth++) {
    inner = b.struct(
      '',
      4,
      [
        ['', inner, 0],
        ['', inner, 0],
        ['', inner, 0],
      ],
      'union',
    );
  }
  b.struct('task_struct', 4, [['', inner, 0]]);
  t.throws(() => loadObject(bytes, { targetBtf: b.build() }), { code: 'btf-core' });
  t.end();
});

t.test('flavours', (t) => {
  const cases = [
    ['task_struct', 'task_struct'],
    ['task_struct___old', 'task_struct'],
    ['a___b___c', 'a___b'],
    ['___x', '___x'],
    ['a____b', 'a____b'],
    ['a___', 'a___'],
  ] as const;
  for (const [name, essential] of cases) t.equal(essentialName(name), essential, name);
  t.end();
});

t.test('the load that holds a bit-field', (t) => {
  const b = new BtfBuilder();
  const u8 = b.int('unsigned char', 1);
  const u64 = b.int('unsigned long', 8);
  const btf = parseBtf(b.build());
  const cases: [type: number, bitOff: number, bits: number, off: bigint, sizeBytes: bigint, shift: bigint][] = [
    [u8, 3, 5, 0n, 1n, 56n],
    // Crosses a byte: the 2 bytes at 0. Crosses those too: the 4 bytes at 0.
    [u8, 5, 6, 0n, 2n, 53n],
    [u8, 12, 8, 0n, 4n, 44n],
    [u64, 70, 10, 8n, 8n, 48n],
  ];
  for (const [type, bitOff, bits, off, sizeBytes, shift] of cases) {
    const place = { type, bitOff, member: { name: 'f', type, bitOff, bits } };
    const name = `${bits} bits at ${bitOff}`;
    t.equal(fieldValue(btf, place, 'field-byte-off').value, off, name);
    t.equal(fieldValue(btf, place, 'field-byte-size').value, sizeBytes, name);
    t.equal(fieldValue(btf, place, 'field-lshift-u64').value, shift, name);
    t.equal(fieldValue(btf, place, 'field-rshift-u64').value, BigInt(64 - bits), name);
  }
  const wide = { type: u64, bitOff: 30, member: { name: 'f', type: u64, bitOff: 30, bits: 60 } };
  t.throws(() => fieldValue(btf, wide, 'field-byte-off'), { code: 'btf-core' });
  t.end();
});

t.test('what fits which instruction', (t) => {
  const insn = (name: Insn['name'], more: Partial<Insn> = {}): Insn => ({
    name,
    dst: 1,
    src: 2,
    off: 0,
    imm: 0,
    immHi: 0,
    pc: 0,
    ...more,
  });
  const u32 = { sizeBytes: 4, resizable: 'unsigned' } as const;
  const s32 = { sizeBytes: 4, resizable: undefined } as const;
  const u64 = { sizeBytes: 8, resizable: 'unsigned' } as const;
  const u24 = { sizeBytes: 3, resizable: 'unsigned' } as const;
  const cases: [string, Insn, Patch, Partial<Insn> | undefined][] = [
    ['immediate', insn('mov64_k', { imm: 4 }), { value: 9n, expected: 4n }, { imm: 9 }],
    ['immediate that is not what was compiled', insn('mov64_k', { imm: 5 }), { value: 9n, expected: 4n }, undefined],
    ['negative immediate', insn('mov64_k'), { value: -1n, expected: undefined }, { imm: -1 }],
    ['64-bit immediate', insn('lddw'), { value: 0x1_8000_0000n, expected: 0n }, { imm: -0x8000_0000, immHi: 1 }],
    ['offset', insn('ldxw', { off: 4 }), { value: 8n, expected: 4n, from: u32, to: u32 }, { name: 'ldxw', off: 8 }],
    ['wider', insn('ldxw', { off: 4 }), { value: 8n, expected: 4n, from: u32, to: u64 }, { name: 'ldxdw', off: 8 }],
    ['wider store', insn('stxdw'), { value: 8n, expected: 0n, from: u64, to: u32 }, { name: 'stxw', off: 8 }],
    ['wider, but signed', insn('ldxw'), { value: 8n, expected: 0n, from: s32, to: u64 }, undefined],
    ['no such width', insn('ldxw'), { value: 8n, expected: 0n, from: u32, to: u24 }, undefined],
    ['offset too large', insn('ldxw'), { value: 0x8000n, expected: 0n }, undefined],
    ['nothing to relocate', insn('exit'), { value: 1n, expected: undefined }, undefined],
  ];
  for (const [name, before, patch, after] of cases) {
    const result = patchInsn(before, patch);
    if (after === undefined) t.equal(result.ok, false, name);
    else t.match(result, { ok: true, insn: after }, name);
  }
  t.end();
});
