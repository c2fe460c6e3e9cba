/**
 * RFC 9669 said a second time, from its class, code and mode bits instead of a list of instructions: the oracle that the
 * table of `vm/spec/insns` is held against. Knows nothing of that table.
 */

export interface Fields {
  readonly op: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

/** Group of an instruction as the RFC assigns it, `linux` for what the kernel adds; undefined where it is none. */
export function groupOf({ op, dst, src, off, imm }: Fields): string | undefined {
  const klass = op & 7;
  switch (klass) {
    case 0:
      return loadImmediate(op, dst, src, off, imm);
    case 1:
      return load(op, imm);
    case 2:
      return op >> 5 === 3 && src === 0 ? widthGroup(op) : undefined;
    case 3:
      return op >> 5 === 6 || op >> 5 === 3 ? store(op, imm) : undefined;
    case 4:
    case 7:
      return arithmetic(op, klass === 4 ? 32 : 64, src, off, imm);
    default:
      return jump(op, klass === 5 ? 64 : 32, dst, src, off, imm);
  }
}

const widthOf = (op: number): 8 | 16 | 32 | 64 => ([32, 16, 8, 64] as const)[((op >> 3) & 3) as 0 | 1 | 2 | 3];

function widthGroup(op: number): string {
  return widthOf(op) === 64 ? 'base64' : 'base32';
}

function loadImmediate(op: number, dst: number, src: number, off: number, imm: number): string | undefined {
  const mode = op >> 5;
  if (mode === 0) return widthOf(op) === 64 && src <= 6 && off === 0 ? 'base64' : undefined;
  const legacy = (mode === 1 && src === 0) || mode === 2;
  return legacy && widthOf(op) !== 64 && dst === 0 && off === 0 && Number.isInteger(imm) ? 'packet' : undefined;
}

function load(op: number, imm: number): string | undefined {
  if (imm !== 0) return undefined;
  if (op >> 5 === 3) return widthGroup(op);
  return op >> 5 === 4 && widthOf(op) !== 64 ? 'base64' : undefined;
}

function store(op: number, imm: number): string | undefined {
  if (op >> 5 === 3) return imm === 0 ? widthGroup(op) : undefined;
  if (imm === 0x100 || imm === 0x110) return 'linux';
  const width = widthOf(op);
  if (width !== 32 && width !== 64) return undefined;
  const plain = [0x00, 0x40, 0x50, 0xa0];
  const fetching = [...plain, 0xe0, 0xf0].map((code) => code | 1);
  return plain.includes(imm) || fetching.includes(imm) ? `atomic${width}` : undefined;
}

function arithmetic(op: number, width: 32 | 64, src: number, off: number, imm: number): string | undefined {
  const code = op >> 4;
  const register = (op & 8) !== 0;
  if (code === 0xd) {
    if (src !== 0 || off !== 0 || (width === 64 && register)) return undefined;
    return imm === 64 ? 'base64' : imm === 16 || imm === 32 ? 'base32' : undefined;
  }
  if (code > 0xd) return undefined;
  if (code === 8) return !register && src === 0 && off === 0 && imm === 0 ? `base${width}` : undefined;
  if (code === 0xb && register && width === 64 && off === 1) return 'linux';
  if (register ? imm !== 0 : src !== 0) return undefined;
  if (code === 3 || code === 9) return off === 0 || off === 1 ? `divmul${width}` : undefined;
  if (code === 2) return off === 0 ? `divmul${width}` : undefined;
  if (code === 0xb && register && (off === 8 || off === 16 || (off === 32 && width === 64))) return `base${width}`;
  return off === 0 ? `base${width}` : undefined;
}

function jump(op: number, width: 32 | 64, dst: number, src: number, off: number, imm: number): string | undefined {
  const code = op >> 4;
  const register = (op & 8) !== 0;
  if (code === 0) {
    if (register || dst !== 0 || src !== 0) return undefined;
    return (width === 64 ? imm : off) === 0 ? 'base32' : undefined;
  }
  if (code === 8) {
    if (width === 32) return undefined;
    if (register) return src === 0 && off === 0 && imm === 0 ? 'callx' : undefined;
    return dst === 0 && (src === 2 || (src <= 1 && off === 0)) ? 'base32' : undefined;
  }
  if (code === 9) return op === 0x95 && dst === 0 && src === 0 && off === 0 && imm === 0 ? 'base32' : undefined;
  if (code === 0xe) return op === 0xe5 && dst === 0 && src === 0 && imm === 0 ? 'linux' : undefined;
  if (code > 0xe) return undefined;
  return (register ? imm === 0 : src === 0) ? `base${width}` : undefined;
}
