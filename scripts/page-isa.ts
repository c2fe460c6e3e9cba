/** docs/isa.md: every instruction, from `vm/spec/insns`. Knows only the rows. */
import { INSNS, type InsnRow } from '../vm/spec/insns.js';
import { toHex, toTable } from './markdown-table.js';

/** By the three low bits of the opcode. */
const CLASSES: readonly { readonly name: string; readonly title: string }[] = [
  { name: 'LD', title: '64-bit immediates and legacy packet loads' },
  { name: 'LDX', title: 'Loads' },
  { name: 'ST', title: 'Stores of a constant' },
  { name: 'STX', title: 'Stores of a register, atomics' },
  { name: 'ALU', title: '32-bit arithmetic' },
  { name: 'JMP', title: 'Jumps on 64 bits, calls, exit' },
  { name: 'JMP32', title: 'Jumps on 32 bits' },
  { name: 'ALU64', title: '64-bit arithmetic' },
];

const WORDS: Readonly<Record<string, string>> = {
  dst: 'rD',
  wdst: 'wD',
  xdst: 'wD',
  src: 'rS',
  wsrc: 'wS',
  xsrc: 'wS',
  mem: ' + OFF',
  plus: ' + IMM',
  array: ', OFF',
  jump: 'TARGET',
  func: 'TARGET',
  helper: 'HELPER',
  imm: 'IMM',
  imm64: 'IMM64',
  low: 'IMM',
  spaces: 'TO, FROM',
};

function toText(template: string): string {
  return template.replaceAll('\t', ' ').replace(/\{(\w+)\}/g, (_, name: string) => {
    const word = WORDS[name];
    if (word === undefined) throw new Error(`docs/isa.md has no word for {${name}}`);
    return word;
  });
}

function toOperand(row: InsnRow, field: 'src' | 'off' | 'imm'): string {
  const names = { src: ['src'], off: ['off', 'jump16'], imm: ['imm', 'imm64', 'jump32'] }[field];
  const operand = row.operands.find((each) => names.some((name) => each.split(':')[0] === name));
  if (operand !== undefined) return operand.replace(/:.*/, '');
  const value = row[field] ?? 0;
  return value < 10 ? String(value) : toHex(value, 2);
}

function toCells(row: InsnRow): readonly string[] {
  const { name, op, group, cpu, text, llvm, unsupported } = row;
  const fields = (['src', 'off', 'imm'] as const).map((field) => toOperand(row, field));
  const spelling = llvm === undefined ? `\`${toText(text)}\`` : `\`${toText(text)}\`, in LLVM \`${toText(llvm)}\``;
  return [`\`${toHex(op, 2)}\``, ...fields, spelling, `\`${name}\``, group, `v${cpu}`, unsupported ? 'no' : 'yes'];
}

export function writeIsaPage(): string {
  const rows: readonly InsnRow[] = INSNS;
  const sections = CLASSES.map(({ name, title }, bits) => {
    const ofClass = rows.filter(({ op }) => (op & 7) === bits).sort((a, b) => a.op - b.op);
    const head = ['opcode', 'src', 'off', 'imm', 'text', 'row', 'group', 'cpu', 'runs'];
    return `## ${title}\n\nClass ${name}, ${toHex(bits, 2)}.\n\n${toTable(head, ofClass.map(toCells))}`;
  });
  return `<!-- Made from vm/spec/insns.ts by \`npm run generate\`; do not edit. -->

# Instructions

The ${rows.length} instructions that skep knows: RFC 9669 and what Linux 6.18 adds to it.

An instruction takes one slot of 8 bytes, little endian: the opcode; dst in the low and src in the high four bits of a
byte; off, 16 bits; imm, 32 bits, both signed. A 64-bit immediate takes two slots, the second of which holds the high 32
bits in imm and zeros elsewhere.

- A number under src, off or imm has to be there on the wire; a name means that the field is an operand. Bytes that fit
  no row are refused, and bytes that fit one fit no other.
- text: \`rD\` and \`rS\` are the 64-bit registers named by dst and src, \`wD\` and \`wS\` their low halves. TARGET is a label
  or a number of slots from the next one.
- group: the conformance group of RFC 9669, section 2.4; \`linux\` for what only Linux defines.
- cpu: the first of LLVM's cpu versions (\`-mcpu=v1\` to \`v4\`) that has the instruction.
- runs: whether skep's engines execute it.

${sections.join('\n\n')}
`;
}
