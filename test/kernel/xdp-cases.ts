/**
 * Programs over XDP packets that are asked of the kernel and of skep, and must be answered alike: packets in one piece and in
 * fragments, with metadata and without, and the contexts that BPF_PROG_TEST_RUN takes. Knows neither side.
 */
import { patternBytes } from '../machine/harness.js';

export interface XdpCase {
  readonly name: string;
  readonly text: string;
  readonly packet: Uint8Array;
  /** struct xdp_md before the run. */
  readonly ctx?: Uint8Array;
  readonly flags?: number;
}

type Call = readonly [helper: string, ...args: readonly (number | string)[]];

/** Buffer of bytes on the stack, and a word. */
const BUFFER = -256;
const WORD = -264;

function callText([helper, ...args]: Call): string {
  const load = (arg: number | string, r: string): string =>
    arg === 'buffer'
      ? `${r} = r10\n${r} += ${BUFFER}`
      : arg === 'word'
        ? `${r} = r10\n${r} += ${WORD}`
        : `${r} = ${arg}`;
  return `
    r1 = r6
    ${args.map((arg, i) => load(arg, `r${i + 2}`)).join('\n')}
    call ${helper}
    r7 *= 31
    r7 += r0`;
}

/** Results in r0; the buffer's words and the geometry are mixed in. */
function programText(calls: readonly Call[], word = 0): string {
  const words = Array.from({ length: 30 }, (_, i) => BUFFER + 8 * i);
  return `
    r6 = r1
    r7 = 0
    ${words.map((at, i) => `*(u64 *)(r10 - ${-at}) = ${0x11223344 + i * 0x01010101}`).join('\n')}
    *(u64 *)(r10 - ${-WORD}) = ${word}
    ${calls.map(callText).join('\n')}
    ${[...words, WORD].map((at) => `r1 = *(u64 *)(r10 - ${-at})\nr7 *= 17\nr7 += r1`).join('\n')}
    r1 = *(u32 *)(r6 + 4)
    r2 = *(u32 *)(r6 + 0)
    r1 -= r2
    r7 *= 31
    r7 += r1
    r3 = *(u32 *)(r6 + 8)
    r2 -= r3
    r7 *= 31
    r7 += r2
    r0 = r7
    r0 >>= 32
    r0 ^= r7
    exit`;
}

function sayCall([helper, ...args]: Call): string {
  return `${helper}(${args.filter((arg) => arg !== 'buffer' && arg !== 'word').join(', ')})`;
}

function ctxOf(data: number, dataEnd: number, more: readonly number[] = []): Uint8Array {
  return new Uint8Array(
    Uint32Array.of(data, dataEnd, ...more, ...Array.from({ length: 4 - more.length }, () => 0)).buffer,
  );
}

/** Lengths, with where metadata ends and where fragments begin. */
const SHAPES = {
  '60': [60],
  '1514': [1514],
  '3520': [3520],
  '3521': [3521],
  '5000': [5000],
  '7616': [7616],
  '9000': [9000],
  '70000': [65000],
  '64 cut at 14': [64, 0, 14],
  '64 cut at 13': [64, 0, 13],
  '64 cut at 0': [64, 0, 0],
  '300 cut at 100 behind 32': [300, 32, 100],
  '9000 cut at 60 behind 4': [9000, 4, 60],
  '4200 cut at 100': [4200, 0, 100],
  '4196 cut at 100': [4196, 0, 100],
} as const satisfies Record<string, readonly number[]>;
type Shape = keyof typeof SHAPES;
const ALL = Object.keys(SHAPES) as Shape[];
const PIECES: readonly Shape[] = ['60', '3521', '9000', '64 cut at 14', '300 cut at 100 behind 32', '4200 cut at 100'];

function caseOf(calls: readonly Call[], shape: Shape, word = 0): XdpCase {
  const [length, data = 0, end]: readonly [number, number?, number?] = SHAPES[shape];
  return {
    name: `${calls.map(sayCall).join(' ')}${word === 0 ? '' : ` of ${word}`} on ${shape}`,
    text: programText(calls, word),
    packet: patternBytes(length),
    ...(end === undefined ? {} : { ctx: ctxOf(data, end) }),
  };
}

function byteCases(): XdpCase[] {
  const cases: XdpCase[] = [];
  cases.push(...ALL.map((shape) => caseOf([['xdp_get_buff_len']], shape)));
  for (const helper of ['xdp_load_bytes', 'xdp_store_bytes'] as const) {
    for (const [off, bytes] of [
      [0, 4],
      [0, 64],
      [10, 8],
      [13, 240],
      [60, 1],
      [50, 14],
      [51, 14],
      [96, 8],
      [3516, 8],
      [3519, 2],
      [3520, 200],
      [7600, 32],
      [8999, 1],
      [9000, 1],
      [64990, 10],
      [65535, 1],
      [65536, 1],
      [0x7fffffff, 4],
      [-4, 8],
      ['0x100000000 ll', 8],
    ] as const) {
      for (const shape of off === 0 || off === 10 || off === 96 || off === 3516 || off === 9000 ? ALL : PIECES) {
        cases.push(caseOf([[helper, off, 'buffer', bytes]], shape));
      }
    }
  }
  return cases;
}

function geometryCases(): XdpCase[] {
  const cases: XdpCase[] = [];
  const tails = [
    0, 1, -1, 16, -16, -46, -47, 100, -100, 480, -480, -1480, -1481, 575, 576, 577, 3000, 3456, 3461, 4000, 4095, 4096,
    -4095, -4096, -4097, -5480, -5481, -8986, -8987, 65536, 0x7fffffff, -0x80000000,
  ];
  for (const delta of tails) {
    for (const shape of ALL) cases.push(caseOf([['xdp_adjust_tail', delta], ['xdp_get_buff_len']], shape));
  }
  for (const delta of [0, 1, -4, 14, -32, 46, 47, 50, 86, 87, 216, -216, -217, 3506, 3507, -256, 65536]) {
    for (const shape of ['3521', '9000', '64 cut at 14', '64 cut at 13', '300 cut at 100 behind 32'] as const) {
      cases.push(caseOf([['xdp_adjust_head', delta], ['xdp_get_buff_len']], shape));
      if (delta % 4 === 0) cases.push(caseOf([['xdp_adjust_meta', delta], ['xdp_get_buff_len']], shape));
    }
  }
  const sequences: readonly (readonly Call[])[] = [
    [['xdp_adjust_tail', -5480], ['xdp_adjust_tail', 20], ['xdp_get_buff_len']],
    [
      ['xdp_adjust_tail', -5500],
      ['xdp_adjust_tail', 3000],
      ['xdp_adjust_tail', 500],
    ],
    [
      ['xdp_adjust_tail', -1400],
      ['xdp_adjust_tail', 1400],
      ['xdp_load_bytes', 3600, 'buffer', 64],
    ],
    [['xdp_adjust_tail', -1000], ['xdp_adjust_tail', 4096], ['xdp_get_buff_len']],
    [
      ['xdp_adjust_head', -20],
      ['xdp_load_bytes', 3530, 'buffer', 100],
      ['xdp_adjust_tail', -1],
    ],
    [
      ['xdp_adjust_head', 100],
      ['xdp_store_bytes', 3400, 'buffer', 200],
      ['xdp_adjust_tail', 7],
    ],
    [
      ['xdp_adjust_meta', -8],
      ['xdp_adjust_tail', -1],
      ['xdp_adjust_head', 4],
    ],
    [
      ['xdp_store_bytes', 3510, 'buffer', 60],
      ['xdp_load_bytes', 3500, 'buffer', 80],
    ],
    [['xdp_adjust_tail', -8900], ['xdp_adjust_tail', 3900], ['xdp_get_buff_len']],
  ];
  for (const calls of sequences) for (const shape of ALL) cases.push(caseOf(calls, shape));
  return cases;
}

function mtuCases(): XdpCase[] {
  const cases: XdpCase[] = [];
  for (const ifindex of [0, 1, 99, -1]) {
    for (const given of [0, 1, 1500, 65535, 65536, 65537, 0x7fffffff]) {
      for (const diff of [0, 1, -1, 70000, -0x80000000]) {
        cases.push(caseOf([['check_mtu', ifindex, 'word', diff, 0]], '1514', given));
      }
    }
  }
  for (const flags of [1, 2, -1, '0x100000000 ll']) {
    for (const given of [0, 100]) cases.push(caseOf([['check_mtu', 1, 'word', 0, flags]], '60', given));
  }
  for (const diff of [0, 60000, 66000])
    for (const shape of ALL) cases.push(caseOf([['check_mtu', 0, 'word', diff, 0]], shape));
  return cases;
}

/** Contexts, lengths and flags of the command itself. */
function commandCases(): XdpCase[] {
  const cases: XdpCase[] = [];
  const add = (name: string, length: number, ctx?: Uint8Array, flags?: number): void => {
    cases.push({
      name: `command: ${name}, ${length} bytes`,
      text: programText([['xdp_get_buff_len']]),
      packet: patternBytes(length),
      ...(ctx === undefined ? {} : { ctx }),
      ...(flags === undefined ? {} : { flags }),
    });
  };
  for (const length of [0, 1, 13, 14, 15, 3519, 3520, 3521, 4096, 60000, 73153, 80000]) add('plain', length);
  for (const length of [64, 100, 5000]) {
    for (const [data, end] of [
      [0, length],
      [0, length - 1],
      [0, length + 1],
      [0, 0],
      [4, 4],
      [4, 17],
      [4, 18],
      [8, 7],
      [8, 8],
      [3, length],
      [32, length],
      [48, 64],
      [52, 64],
      [60, 64],
      [212, length],
      [216, length],
      [220, length],
      [252, length],
      [256, length],
    ] as const) {
      add(`ctx ${data} to ${end}`, length, ctxOf(data, end));
    }
  }
  for (const more of [[4], [0, 1], [0, 0, 1], [0, 1, 1], [0, 999], [0, 0, 0, 1], [0, 1, 0, 1]]) {
    add(`ctx with ${more.join(' ')}`, 64, ctxOf(0, 64, more));
  }
  for (const bytes of [4, 8, 20, 23, 24]) add(`ctx of ${bytes}`, 64, ctxOf(0, 64).subarray(0, bytes));
  for (const last of [0, 1]) {
    const ctx = new Uint8Array(28);
    ctx.set(ctxOf(0, 64));
    ctx[27] = last;
    add(`ctx of 28 ending in ${last}`, 64, ctx);
  }
  for (const flags of [1, 4, 8, 16]) add(`flags ${flags}`, 64, undefined, flags);
  return cases;
}

const CASES = [...byteCases(), ...geometryCases(), ...mtuCases(), ...commandCases()];

/** Of cases that come out twice, one. */
export const XDP_CASES: readonly XdpCase[] = [...new Map(CASES.map((each) => [each.name, each])).values()];
