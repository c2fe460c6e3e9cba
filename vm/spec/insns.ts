/**
 * Every eBPF instruction, one row each: RFC 9669 plus what Linux 6.18 adds. The decode table, encoder, assembler,
 * disassembler, def/use sets and docs all come from these rows. Data only; what an instruction does is written
 * in the engines and the verifier.
 *
 * A slot is 8 bytes: opcode, dst (low nibble) and src (high nibble), off (s16), imm (s32), little endian.
 * A row fixes the opcode and, where the wire says so, src, off or imm ("discriminators"); a field that is neither
 * a discriminator nor an operand must be zero.
 */

/** Conformance groups of RFC 9669 section 2.4; `linux` marks what only Linux defines. */
export type InsnGroup =
  'base32' | 'base64' | 'divmul32' | 'divmul64' | 'atomic32' | 'atomic64' | 'packet' | 'callx' | 'linux';

/** Role of a field. `dst` and `src` say whether the register is read (r), written (w) or both (rw). */
export type Operand =
  'dst:r' | 'dst:w' | 'dst:rw' | 'src:r' | 'src:w' | 'src:rw' | 'off' | 'imm' | 'imm64' | 'jump16' | 'jump32';

export interface InsnRow<N extends string = string> {
  readonly name: N;
  readonly op: number;
  readonly src?: number;
  readonly off?: number;
  readonly imm?: number;
  readonly operands: readonly Operand[];
  /**
   * The spelling: LLVM's, except where LLVM's loses what the wire says (then `llvm` gives LLVM's). Numbers are hex.
   * - `{dst}`, `{src}`: 64-bit register names; `{wdst}`, `{wsrc}`: 32-bit ones; `{xdst}`, `{xsrc}`: 32-bit ones where the
   *   32-bit registers are enabled (LLVM: `--mcpu=v3` and later), else 64-bit ones
   * - `{mem}`: off as ` + 0x4` or ` - 0x8`; `{plus}`: imm in the same form, nothing if it is 0
   * - `{imm}`: imm, signed; `{imm64}`: both words, signed; `{low}`: the low word of `imm64`, unsigned
   * - `{jump}`: a signed slot count or a label
   * - `{helper}`: a callee by name or number; `{func}`: one by its distance from the next slot, `pc+0x5`
   * - `{array}`: off as `, 0x1`, nothing if it is 0; `{spaces}`: imm as two 16-bit numbers
   */
  readonly text: string;
  /** What llvm-objdump prints, where that is not `text`. */
  readonly llvm?: string;
  /** Further spellings that the assembler reads: those of the kernel's verifier log and bpftool. */
  readonly also?: readonly string[];
  readonly group: InsnGroup;
  /** First LLVM cpu version (v1-v4) whose instruction set holds it. */
  readonly cpu: 1 | 2 | 3 | 4;
  /** Registers touched beside the operands, as bit sets of r0-r10. */
  readonly implicit?: { readonly reads: number; readonly writes: number };
  /** Set where neither engine runs it. */
  readonly unsupported?: true;
}

const R0 = 1;
const CALLER_SAVED = 0x3e;

function row<const N extends string>(
  name: N,
  op: number,
  operands: readonly Operand[],
  text: string,
  group: InsnGroup,
  cpu: 1 | 2 | 3 | 4,
  more: Partial<Omit<InsnRow, 'name'>> = {},
): InsnRow<N> {
  return { name, op, operands, text, group, cpu, ...more };
}

/** A binary ALU operation in its four forms; the 32-bit one takes group `base32` or `divmul32`. */
function alu<const N extends string>(name: N, code: number, sign: string, family: 'base' | 'divmul', off?: 1) {
  const cpu = off === undefined ? 1 : 4;
  const more = off === undefined ? {} : { off };
  return [
    row(`${name}32_k`, code | 0x04, ['dst:rw', 'imm'], `{wdst} ${sign} {imm}`, `${family}32`, cpu, more),
    row(`${name}32_x`, code | 0x0c, ['dst:rw', 'src:r'], `{wdst} ${sign} {wsrc}`, `${family}32`, cpu, more),
    row(`${name}64_k`, code | 0x07, ['dst:rw', 'imm'], `{dst} ${sign} {imm}`, `${family}64`, cpu, more),
    row(`${name}64_x`, code | 0x0f, ['dst:rw', 'src:r'], `{dst} ${sign} {src}`, `${family}64`, cpu, more),
  ] as const;
}

/** A conditional jump in its four forms. */
function jump<const N extends string>(name: N, code: number, sign: string, cpu: 1 | 2) {
  return [
    row(`${name}64_k`, code | 0x05, ['dst:r', 'imm', 'jump16'], `if {dst} ${sign} {imm} goto {jump}`, 'base64', cpu),
    row(`${name}64_x`, code | 0x0d, ['dst:r', 'src:r', 'jump16'], `if {dst} ${sign} {src} goto {jump}`, 'base64', cpu),
    row(`${name}32_k`, code | 0x06, ['dst:r', 'imm', 'jump16'], `if {wdst} ${sign} {imm} goto {jump}`, 'base32', 3),
    row(`${name}32_x`, code | 0x0e, ['dst:r', 'src:r', 'jump16'], `if {wdst} ${sign} {wsrc} goto {jump}`, 'base32', 3),
  ] as const;
}

/** An atomic read-modify-write, plain and with fetch, in both widths. */
function atomic<const N extends string>(name: N, code: number, sign: string) {
  const plain = ['dst:r', 'src:r', 'off'] as const;
  const fetch = ['dst:r', 'src:rw', 'off'] as const;
  const cpu = name === 'add' ? 1 : 3;
  return [
    row(
      `lock_${name}32`,
      0xc3,
      plain,
      `lock *(u32 *)({dst}{mem}) ${sign} ${name === 'add' ? '{xsrc}' : '{wsrc}'}`,
      'atomic32',
      cpu,
      { imm: code },
    ),
    row(`lock_${name}64`, 0xdb, plain, `lock *(u64 *)({dst}{mem}) ${sign} {src}`, 'atomic64', cpu, { imm: code }),
    row(`fetch_${name}32`, 0xc3, fetch, `{wsrc} = atomic_fetch_${name}((u32 *)({dst}{mem}), {wsrc})`, 'atomic32', 3, {
      imm: code | 1,
      also: [`{src} = atomic_fetch_${name}((u32 *)({dst}{mem}), {src})`],
    }),
    row(`fetch_${name}64`, 0xdb, fetch, `{src} = atomic_fetch_${name}((u64 *)({dst}{mem}), {src})`, 'atomic64', 3, {
      imm: code | 1,
      also: [`{src} = atomic64_fetch_${name}((u64 *)({dst}{mem}), {src})`],
    }),
  ] as const;
}

/** Load-acquire and store-release of one width (Linux 6.15). */
function ordered<const N extends 8 | 16 | 32 | 64>(bits: N, op: number) {
  const src = bits === 64 ? '{src}' : '{wsrc}';
  const dst = bits === 64 ? '{dst}' : '{wdst}';
  return [
    row(
      `load_acquire${bits}`,
      op,
      ['dst:w', 'src:r', 'off'],
      `${dst} = load_acquire((u${bits} *)({src}{mem}))`,
      'linux',
      4,
      {
        imm: 0x100,
      },
    ),
    row(
      `store_release${bits}`,
      op,
      ['dst:r', 'src:r', 'off'],
      `store_release((u${bits} *)({dst}{mem}), ${src})`,
      'linux',
      4,
      {
        imm: 0x110,
      },
    ),
  ] as const;
}

/** Loads and stores of one width: `b`, `h`, `w` or `dw`. */
function memory<const N extends string>(suffix: N, bits: 8 | 16 | 32 | 64, size: number) {
  const group = bits === 64 ? 'base64' : 'base32';
  const reg = bits === 64 ? '{src}' : '{xsrc}';
  const into = bits === 64 ? '{dst}' : '{xdst}';
  return [
    row(`ldx${suffix}`, 0x61 | size, ['dst:w', 'src:r', 'off'], `${into} = *(u${bits} *)({src}{mem})`, group, 1),
    row(`stx${suffix}`, 0x63 | size, ['dst:r', 'src:r', 'off'], `*(u${bits} *)({dst}{mem}) = ${reg}`, group, 1),
    row(`st${suffix}`, 0x62 | size, ['dst:r', 'off', 'imm'], `*(u${bits} *)({dst}{mem}) = {imm}`, group, 1),
  ] as const;
}

/** Legacy packet loads: r6 holds the skb, r0 takes the value, r1-r5 are lost. */
function packetLoad<const N extends string>(suffix: N, bits: 8 | 16 | 32, size: number) {
  const implicit = { reads: 1 << 6, writes: R0 | CALLER_SAVED };
  return [
    row(`ldabs${suffix}`, 0x20 | size, ['imm'], `r0 = *(u${bits} *)skb[{imm}]`, 'packet', 1, { implicit }),
    row(`ldind${suffix}`, 0x40 | size, ['src:r', 'imm'], `r0 = *(u${bits} *)skb[{src}{plus}]`, 'packet', 1, {
      implicit,
      llvm: `r0 = *(u${bits} *)skb[{src}]`,
    }),
  ] as const;
}

/** Sign extension: `to` is the width of the register written. */
function movsx<const N extends 8 | 16 | 32, const T extends 32 | 64>(bits: N, to: T) {
  const [op, text, group] =
    to === 32
      ? ([0xbc, `{wdst} = (s${bits}){wsrc}`, 'base32'] as const)
      : ([0xbf, `{dst} = (s${bits}){src}`, 'base64'] as const);
  return row(`movsx${bits}_${to}`, op, ['dst:w', 'src:r'], text, group, 4, { off: bits });
}

function swap<const N extends string, const B extends 16 | 32 | 64>(name: N, op: number, bits: B, cpu: 1 | 4) {
  const group = bits === 64 ? 'base64' : 'base32';
  return row(`${name}${bits}`, op, ['dst:rw'], `{dst} = ${name}${bits} {dst}`, group, cpu, { imm: bits });
}

/** A 64-bit immediate load that stands for something else, which src says. Objects name it by a relocation instead. */
function wide<const N extends string>(name: N, src: number, more: { unsupported?: true } = {}) {
  const pseudo = `0x${String(src)}`;
  return row(name, 0x18, ['dst:w', 'imm64'], `ld_pseudo\t{dst}, ${pseudo}, {imm64}`, 'base64', 1, {
    src,
    llvm: `ld_pseudo\t{dst}, ${pseudo}, {low}`,
    ...more,
  });
}

export const INSNS = [
  ...alu('add', 0x00, '+=', 'base'),
  ...alu('sub', 0x10, '-=', 'base'),
  ...alu('mul', 0x20, '*=', 'divmul'),
  ...alu('div', 0x30, '/=', 'divmul'),
  ...alu('sdiv', 0x30, 's/=', 'divmul', 1),
  ...alu('or', 0x40, '|=', 'base'),
  ...alu('and', 0x50, '&=', 'base'),
  ...alu('lsh', 0x60, '<<=', 'base'),
  ...alu('rsh', 0x70, '>>=', 'base'),
  ...alu('mod', 0x90, '%=', 'divmul'),
  ...alu('smod', 0x90, 's%=', 'divmul', 1),
  ...alu('xor', 0xa0, '^=', 'base'),
  ...alu('arsh', 0xc0, 's>>=', 'base'),
  row('mov32_k', 0xb4, ['dst:w', 'imm'], '{wdst} = {imm}', 'base32', 1),
  row('mov32_x', 0xbc, ['dst:w', 'src:r'], '{wdst} = {wsrc}', 'base32', 1),
  row('mov64_k', 0xb7, ['dst:w', 'imm'], '{dst} = {imm}', 'base64', 1),
  row('mov64_x', 0xbf, ['dst:w', 'src:r'], '{dst} = {src}', 'base64', 1),
  movsx(8, 32),
  movsx(16, 32),
  movsx(8, 64),
  movsx(16, 64),
  movsx(32, 64),
  row('addr_space_cast', 0xbf, ['dst:w', 'src:r', 'imm'], '{dst} = addr_space_cast({src}, {spaces})', 'linux', 4, {
    off: 1,
    unsupported: true,
  }),
  row('neg32', 0x84, ['dst:rw'], '{wdst} = -{wdst}', 'base32', 1),
  row('neg64', 0x87, ['dst:rw'], '{dst} = -{dst}', 'base64', 1),
  swap('le', 0xd4, 16, 1),
  swap('le', 0xd4, 32, 1),
  swap('le', 0xd4, 64, 1),
  swap('be', 0xdc, 16, 1),
  swap('be', 0xdc, 32, 1),
  swap('be', 0xdc, 64, 1),
  swap('bswap', 0xd7, 16, 4),
  swap('bswap', 0xd7, 32, 4),
  swap('bswap', 0xd7, 64, 4),

  ...jump('jeq', 0x10, '==', 1),
  ...jump('jgt', 0x20, '>', 1),
  ...jump('jge', 0x30, '>=', 1),
  ...jump('jset', 0x40, '&', 1),
  ...jump('jne', 0x50, '!=', 1),
  ...jump('jsgt', 0x60, 's>', 1),
  ...jump('jsge', 0x70, 's>=', 1),
  ...jump('jlt', 0xa0, '<', 2),
  ...jump('jle', 0xb0, '<=', 2),
  ...jump('jslt', 0xc0, 's<', 2),
  ...jump('jsle', 0xd0, 's<=', 2),
  row('ja', 0x05, ['jump16'], 'goto {jump}', 'base32', 1),
  row('gotol', 0x06, ['jump32'], 'gotol {jump}', 'base32', 4),
  row('may_goto', 0xe5, ['jump16'], 'may_goto {jump}', 'linux', 4),
  row('call_helper', 0x85, ['imm'], 'call {helper}', 'base32', 1, {
    llvm: 'call {imm}',
    implicit: { reads: CALLER_SAVED, writes: R0 | CALLER_SAVED },
  }),
  row('call_local', 0x85, ['imm'], 'call {func}', 'base32', 1, {
    src: 1,
    llvm: 'call {imm}',
    implicit: { reads: CALLER_SAVED, writes: R0 | CALLER_SAVED },
  }),
  row('call_kfunc', 0x85, ['off', 'imm'], 'call kfunc {imm}{array}', 'base32', 1, {
    src: 2,
    llvm: 'call {imm}',
    implicit: { reads: CALLER_SAVED, writes: R0 | CALLER_SAVED },
  }),
  row('callx', 0x8d, ['dst:r'], 'callx {dst}', 'callx', 4, {
    implicit: { reads: CALLER_SAVED, writes: R0 | CALLER_SAVED },
  }),
  row('exit', 0x95, [], 'exit', 'base32', 1, { implicit: { reads: R0, writes: 0 } }),

  ...memory('b', 8, 0x10),
  ...memory('h', 16, 0x08),
  ...memory('w', 32, 0x00),
  ...memory('dw', 64, 0x18),
  row('ldxsb', 0x91, ['dst:w', 'src:r', 'off'], '{dst} = *(s8 *)({src}{mem})', 'base64', 4),
  row('ldxsh', 0x89, ['dst:w', 'src:r', 'off'], '{dst} = *(s16 *)({src}{mem})', 'base64', 4),
  row('ldxsw', 0x81, ['dst:w', 'src:r', 'off'], '{dst} = *(s32 *)({src}{mem})', 'base64', 4),
  ...packetLoad('b', 8, 0x10),
  ...packetLoad('h', 16, 0x08),
  ...packetLoad('w', 32, 0x00),

  row('lddw', 0x18, ['dst:w', 'imm64'], '{dst} = {imm64} ll', 'base64', 1),
  wide('ld_map_fd', 1),
  wide('ld_map_value', 2),
  wide('ld_btf_id', 3, { unsupported: true }),
  wide('ld_func', 4),
  wide('ld_map_idx', 5),
  wide('ld_map_idx_value', 6),

  ...atomic('add', 0x00, '+='),
  ...atomic('or', 0x40, '|='),
  ...atomic('and', 0x50, '&='),
  ...atomic('xor', 0xa0, '^='),
  row('xchg32', 0xc3, ['dst:r', 'src:rw', 'off'], '{wsrc} = xchg32_32({dst}{mem}, {wsrc})', 'atomic32', 3, {
    imm: 0xe1,
    also: ['{src} = atomic_xchg((u32 *)({dst}{mem}), {src})'],
  }),
  row('xchg64', 0xdb, ['dst:r', 'src:rw', 'off'], '{src} = xchg_64({dst}{mem}, {src})', 'atomic64', 3, {
    imm: 0xe1,
    also: ['{src} = atomic64_xchg((u64 *)({dst}{mem}), {src})'],
  }),
  row('cmpxchg32', 0xc3, ['dst:r', 'src:r', 'off'], 'w0 = cmpxchg32_32({dst}{mem}, w0, {wsrc})', 'atomic32', 3, {
    imm: 0xf1,
    also: ['r0 = atomic_cmpxchg((u32 *)({dst}{mem}), r0, {src})'],
    implicit: { reads: R0, writes: R0 },
  }),
  row('cmpxchg64', 0xdb, ['dst:r', 'src:r', 'off'], 'r0 = cmpxchg_64({dst}{mem}, r0, {src})', 'atomic64', 3, {
    imm: 0xf1,
    also: ['r0 = atomic64_cmpxchg((u64 *)({dst}{mem}), r0, {src})'],
    implicit: { reads: R0, writes: R0 },
  }),
  ...ordered(8, 0xd3),
  ...ordered(16, 0xcb),
  ...ordered(32, 0xc3),
  ...ordered(64, 0xdb),
] as const satisfies readonly InsnRow[];

export type InsnName = (typeof INSNS)[number]['name'];

/** Name -> row. */
export const INSN_ROWS: Readonly<Record<InsnName, InsnRow<InsnName>>> = Object.fromEntries(
  INSNS.map((each) => [each.name, each]),
) as Record<InsnName, InsnRow<InsnName>>;
