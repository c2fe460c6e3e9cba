/** Tunnel keys and options: sequences of set and get, with what comes back in the packet. */
import { le } from '../machine/harness.js';
import { PACKETS, type SkbCase } from './skb-case.js';

/** What is set lies here, and comes back there. */
const SET = -64;
const GOT = -128;
const AREA_BYTES = 64;

type Step =
  | readonly ['key', bytes: number, flags: number | string]
  | readonly ['get', bytes: number, flags: number | string]
  | readonly ['opt', bytes: number]
  | readonly ['getopt', bytes: number];

const HELPERS = {
  key: ['skb_set_tunnel_key', SET],
  get: ['skb_get_tunnel_key', GOT],
  opt: ['skb_set_tunnel_opt', SET],
  getopt: ['skb_get_tunnel_opt', GOT],
} as const;

/** Each step's result times 31 into r7; the area that `get` fills goes over the packet's bytes from 14 on. */
function text(key: Uint8Array, steps: readonly Step[]): string {
  const word = (at: number): string =>
    `0x${Buffer.from(key.subarray(at, at + 8))
      .readBigUInt64LE()
      .toString(16)} ll`;
  const words = Array.from({ length: AREA_BYTES / 8 }, (_, i) => 8 * i);
  return `
    r6 = r1
    r7 = 0
    ${words.map((at) => `r2 = ${word(at)}\n*(u64 *)(r10 - ${-SET - at}) = r2`).join('\n')}
    r2 = 0x5a5a5a5a5a5a5a5a ll
    ${words.map((at) => `*(u64 *)(r10 - ${-GOT - at}) = r2`).join('\n')}
    ${steps
      .map(
        ([what, bytes, flags = 0]) => `
    r1 = r6
    r2 = r10
    r2 += ${HELPERS[what][1]}
    r3 = ${bytes}
    r4 = ${flags}
    call ${HELPERS[what][0]}
    r7 *= 31
    r7 += r0`,
      )
      .join('\n')}
    r1 = *(u32 *)(r6 + 76)
    r2 = *(u32 *)(r6 + 80)
    r3 = r1
    r3 += ${14 + AREA_BYTES}
    if r3 > r2 goto out
    ${words.map((at) => `r2 = *(u64 *)(r10 - ${-GOT - at})\n*(u64 *)(r1 + ${14 + at}) = r2`).join('\n')}
  out:
    r0 = r7
    exit`;
}

function keyBytes(ext: number, label: number): Uint8Array {
  const key = Uint8Array.from({ length: AREA_BYTES }, (_, i) => (0x21 + 5 * i) & 0xff);
  key.set(le(ext, 2), 22);
  key.set(le(label, 4), 24);
  return key;
}

const KEYS = {
  plain: keyBytes(0, 0),
  'with a label': keyBytes(0, 0x12345678),
  'with ext': keyBytes(1, 0),
};

const LENGTHS = [1, 4, 7, 8, 9, 12, 20, 21, 22, 23, 24, 25, 26, 28, 32, 40, 43, 44, 45, 64];
const FLAGS = [0, 1, 2, 4, 8, 16, 17, 31, 32, 33, 64, 256, -1, '0x100000000 ll'];

export function tunnelCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  const packet = PACKETS['ipv6 tcp'];
  const add = (name: keyof typeof KEYS, ...steps: readonly Step[]): void => {
    const said = steps.map(([what, ...args]) => `${what} ${args.join(' ')}`).join(', ');
    cases.push({ name: `tunnel ${name}: ${said}`, text: text(KEYS[name], steps), packet });
  };
  for (const flags of FLAGS) {
    add('plain', ['get', 44, flags]);
    add('plain', ['key', 44, 0], ['get', 44, flags]);
    add('plain', ['key', 44, 1], ['get', 44, flags]);
    for (const seen of [0, 1, 16, 17]) {
      add('plain', ['key', 44, flags], ['get', 44, seen]);
      add('with a label', ['key', 44, flags], ['get', 44, seen]);
    }
    add('with ext', ['key', 44, flags], ['get', 44, 0]);
  }
  for (const bytes of LENGTHS) {
    for (const flags of [0, 1]) {
      for (const seen of [flags, flags | 16]) add('plain', ['key', bytes, flags], ['get', 44, seen]);
      add('plain', ['key', 44, flags], ['get', bytes, flags]);
      add('plain', ['key', 44, flags], ['get', bytes, flags | 16]);
    }
    add('with ext', ['key', bytes, 0], ['get', 44, 0]);
    add('with a label', ['key', bytes, 0], ['get', 44, 0]);
    add('with a label', ['key', bytes, 1], ['get', 44, 1]);
    add('plain', ['opt', bytes], ['getopt', bytes]);
    add('plain', ['key', 44, 0], ['opt', bytes], ['getopt', 64], ['get', 44, 0]);
    add('plain', ['key', 44, 0], ['opt', 32], ['getopt', bytes]);
    add('plain', ['key', 44, 0], ['getopt', bytes]);
    add('plain', ['key', 44, 0], ['opt', bytes], ['get', 44, 16]);
  }
  add('plain', ['key', 44, 0], ['opt', 16], ['key', 44, 0], ['getopt', 64]);
  add('plain', ['key', 44, 0], ['opt', 16], ['key', 44, 32], ['getopt', 64]);
  add('plain', ['key', 44, 0], ['key', 44, 1], ['get', 44, 1]);
  add('plain', ['key', 44, 1], ['key', 8, 0], ['get', 44, 0]);
  add('plain', ['key', 44, 1], ['key', 44, 64], ['get', 44, 1]);
  add('plain', ['key', 44, 0], ['opt', 16], ['opt', 4], ['getopt', 64], ['get', 44, 16]);
  return cases;
}
