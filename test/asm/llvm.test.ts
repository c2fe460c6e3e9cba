/**
 * Our text against LLVM 19's. Goldens hold llvm-objdump's output over our own objects; BLESS=1 records them where LLVM is
 * installed. Where it is, fresh random instructions and llvm-mc are compared as well.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { assemble, assembleObject, disassemble, formatInsn } from '../../vm/asm/index.js';
import { toHex } from '../../vm/bytes.js';
import { parseElf } from '../../vm/elf/elf.js';
import { writeElf } from '../../vm/asm/elf-writer.js';
import { encode } from '../../vm/isa/encode.js';
import type { Insn } from '../../vm/isa/insn.js';
import { INSN_ROWS } from '../../vm/spec/insns.js';
import { isInstalled, llvmAssemble, runOver } from './llvm.js';
import { insnOf, ROWS, sampleInsns } from './random-insn.js';

const GOLDENS = 'test/asm/golden';
const OBJDUMP = ['-d', '--no-show-raw-insn'];
const hasObjdump = isInstalled('llvm-objdump-19');
const hasMc = isInstalled('llvm-mc-19');
const OBJDUMP_MISSING = hasObjdump ? false : 'llvm-objdump-19 is not installed';

/** An object whose .text holds these instructions and nothing else. */
function objectOf(insns: readonly Insn[]): Uint8Array {
  const contents = encode(insns);
  const section = { name: '.text', type: 1, flags: 6, alignBytes: 8, contents, sizeBytes: contents.length };
  return writeElf([{ ...section, relocations: [] }], []);
}

/**
 * Instructions that LLVM 19 prints as `<unknown>` or takes for another: load-acquire and store-release, which it does not
 * know, and 32-bit atomics where 32-bit registers are off.
 */
function isBeyondLlvm({ name }: Insn, alu32: boolean): boolean {
  if (/^(?:load_acquire|store_release)/.test(name)) return true;
  return !alu32 && INSN_ROWS[name].group === 'atomic32' && name !== 'lock_add32';
}

/** The same by our text. */
function isLineBeyondLlvm(line: string, alu32: boolean): boolean {
  if (/\t(?:.* = load_acquire|store_release)\(/.test(line)) return true;
  return !alu32 && /\((?:u32 \*\)).*, w|xchg32_32\(|lock \*\(u32 \*\)\(.*\) [|&^]= w/.test(line);
}

/** LLVM's listing with our lines in place of those that it cannot print, and how many they are. */
function forgive(ours: string, llvms: string, alu32: boolean): { text: string; forgiven: number } {
  const ourLines = ours.split('\n');
  let forgiven = 0;
  const lines = llvms.split('\n').map((line, index) => {
    const our = ourLines[index] ?? '';
    if (!isLineBeyondLlvm(our, alu32) || !/\t(?:<unknown>|lock .*)$/.test(line)) return line;
    forgiven++;
    return our;
  });
  return { text: lines.join('\n'), forgiven };
}

interface Listing {
  readonly name: string;
  readonly object: Uint8Array;
  readonly args: readonly string[];
  readonly options: Parameters<typeof disassemble>[1];
  readonly alu32: boolean;
  /** How many lines LLVM cannot print. */
  readonly beyond: number;
}

const samples = sampleInsns(4);
const tour = assembleObject(readFileSync('test/asm/golden/tour.s', 'utf8'), { file: 'tour.s' });

const LISTINGS: readonly Listing[] = [
  ...[false, true].map((alu32) => ({
    name: alu32 ? 'insns-v4' : 'insns',
    object: objectOf(samples),
    args: alu32 ? ['--mcpu=v4'] : [],
    options: {},
    alu32,
    beyond: samples.filter((insn) => isBeyondLlvm(insn, alu32)).length,
  })),
  {
    name: 'tour',
    object: tour,
    args: ['-r', '-S'],
    options: { relocations: true, source: true },
    alu32: false,
    beyond: 0,
  },
];

t.test('listings equal those of llvm-objdump', (t) => {
  for (const { name, object, args, options, alu32, beyond } of LISTINGS) {
    const path = `${GOLDENS}/${name}.txt`;
    if (process.env.BLESS === '1' && hasObjdump) {
      mkdirSync(GOLDENS, { recursive: true });
      writeFileSync(path, runOver('llvm-objdump-19', [...OBJDUMP, ...args], object));
    }
    const ours = disassemble(object, { name: 'in', alu32, ...options });
    const golden = forgive(ours, readFileSync(path, 'utf8'), alu32);
    t.equal(ours, golden.text, name);
    t.equal(golden.forgiven, beyond, `${name}: lines beyond LLVM`);
  }
  t.end();
});

t.test('random instructions of every row', { skip: OBJDUMP_MISSING }, (t) => {
  for (const alu32 of [false, true]) {
    const rows = ROWS.map((row) => fc.array(insnOf(row), { minLength: 1, maxLength: 20, size: 'max' }));
    fc.assert(
      fc.property(fc.tuple(...rows), (groups) => {
        const object = objectOf(groups.flat());
        const ours = disassemble(object, { name: 'in', alu32 });
        const llvms = runOver('llvm-objdump-19', [...OBJDUMP, ...(alu32 ? ['--mcpu=v4'] : [])], object);
        const { text } = forgive(ours, llvms, alu32);
        if (text !== ours) throw new Error(firstDifference(ours, text));
      }),
      { numRuns: 3 },
    );
    t.pass(`alu32 ${String(alu32)}`);
  }
  t.end();
});

function firstDifference(ours: string, llvms: string): string {
  const ourLines = ours.split('\n');
  const index = ourLines.findIndex((line, at) => line !== llvms.split('\n')[at]);
  return `ours ${JSON.stringify(ourLines[index])}, LLVM's ${JSON.stringify(llvms.split('\n')[index])}`;
}

t.test('committed objects', { skip: OBJDUMP_MISSING }, (t) => {
  for (const folder of ['bpf', 'bpf/examples']) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.o') && !name.includes('big-endian'))) {
      const bytes = readFileSync(`${folder}/${file}`);
      for (const alu32 of [false, true]) {
        const args = [...OBJDUMP, ...(alu32 ? ['--mcpu=v4'] : [])];
        const ours = disassemble(bytes, { name: 'in', alu32 });
        const golden = forgive(ours, runOver('llvm-objdump-19', args, bytes), alu32);
        t.equal(ours, golden.text, `${folder}/${file}`);
        if (alu32) t.equal(golden.forgiven, 0, `${folder}/${file}: no line is forgiven`);
      }
    }
  }
  t.end();
});

t.test('llvm-mc assembles our text to the same bytes', { skip: hasMc ? false : 'llvm-mc-19 is not installed' }, (t) => {
  // Not read by LLVM 19 (of gotol, only labels and short distances), or spelled otherwise because its text is not enough.
  const isForeign = (insn: Insn): boolean => {
    if (insn.name === 'gotol') return insn.imm !== (insn.imm << 16) >> 16;
    return /^(?:load_acquire|store_release|call_kfunc|call_local|ldind)/.test(insn.name);
  };
  for (const alu32 of [false, true]) {
    // LLVM drops the high word of ld_pseudo.
    const insns = samples
      .filter((insn) => !isForeign(insn))
      .map((insn) => (insn.name.startsWith('ld_') ? { ...insn, immHi: 0 } : insn));
    // LLVM knows helpers by number only.
    const lines = insns.map((insn) =>
      formatInsn(insn, { alu32, ...(insn.name === 'call_helper' ? { style: 'llvm' as const } : {}) }),
    );
    const file = parseElf(llvmAssemble(`${lines.join('\n')}\n`));
    const section = file.sections.find(({ name }) => name === '.text');
    t.ok(section, 'there is a .text section');
    if (section === undefined) continue;
    t.equal(
      toHex(file.contents(section), '').replace(/.{16}/g, '$&\n'),
      toHex(encode(insns)).replace(/.{16}/g, '$&\n'),
    );
    t.same(assemble(lines.join('\n')).bytes, encode(insns), 'and ours');
  }
  t.end();
});
