/**
 * What cases over socket buffers are made of: packets, and a program of calls that leaves its results in r0, what the ctx
 * says then in cb, bytes it loaded in mark and priority. Knows no case.
 */
import { fromHex } from '../../vm/bytes.js';
import { patternBytes } from '../machine/harness.js';

export interface SkbCase {
  readonly name: string;
  readonly text: string;
  readonly packet: Uint8Array;
  /** struct __sk_buff before the run. */
  readonly ctx?: Uint8Array;
  /** BPF_F_TEST_SKB_CHECKSUM_COMPLETE. */
  readonly flags?: number;
}

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

function frame(headers: string, length: number): Uint8Array {
  const bytes = patternBytes(length);
  bytes.set(hex(headers).subarray(0, length));
  return bytes;
}

const MACS = '020000000002 020000000001';
const IPV4_TCP = '4502002812344000400600000a0000010a000002 1388005000000001000000025010200000000000';
const IPV4_UDP = '4500002e0000000040110000c0000201c0000202 0035303900100000';
const IPV6_TCP = '6020000000140640 20010db8000000000000000000000001 20010db8000000000000000000000002 1388005000000001';
const IPV6_UDP = '6000000000101140 fe800000000000000000000000000001 fe800000000000000000000000000002 0035303900100000';

export const PACKETS = {
  'ipv4 tcp': frame(`${MACS}0800${IPV4_TCP}`, 74),
  'ipv4 udp': frame(`${MACS}0800${IPV4_UDP}`, 60),
  'ipv6 tcp': frame(`${MACS}86dd${IPV6_TCP}`, 94),
  'ipv6 udp': frame(`${MACS}86dd${IPV6_UDP}`, 70),
  arp: frame(`ffffffffffff0200000000010806`, 42),
  vlan: frame(`${MACS}8100a0640800${IPV4_TCP}`, 78),
  qinq: frame(`${MACS}88a80065 81006123 0800${IPV4_UDP}`, 68),
  'short vlan': frame(`${MACS}81000001`, 17),
  'vlan of 802.3': frame(`${MACS}810000010020ffff`, 40),
  '802.3': frame(`${MACS}0020aaaa03000000`, 46),
  '802.3 raw': frame(`01005e0000010200000000010020ffff`, 46),
  'to nobody': frame(`0000000000000000000000000800${IPV4_TCP}`, 60),
  'only a header': frame(`${MACS}88b5`, 14),
  'ipv4 cut': frame(`${MACS}0800${IPV4_TCP}`, 33),
  'ipv6 cut': frame(`${MACS}86dd${IPV6_TCP}`, 53),
  'ipv4 1514': frame(`${MACS}0800${IPV4_TCP}`, 1514),
  'ipv6 3500': frame(`${MACS}86dd${IPV6_TCP}`, 3500),
} satisfies Record<string, Uint8Array>;

export type PacketName = keyof typeof PACKETS;
export const ALL = Object.keys(PACKETS) as PacketName[];
export const IP: readonly PacketName[] = ['ipv4 tcp', 'ipv6 tcp'];
export const SOME: readonly PacketName[] = ['ipv4 tcp', 'ipv6 udp', 'only a header'];

/** A call with r1 = ctx; its result is mixed into r7. */
export type Call = readonly [helper: string, ...args: readonly (number | string)[]];

function callText([helper, ...args]: Call): string {
  return `
    r1 = r6
    ${args.map((arg, i) => (arg === 'stack' ? `r${i + 2} = r10\nr${i + 2} += -64` : `r${i + 2} = ${arg}`)).join('\n')}
    call ${helper}
    r7 *= 31
    r7 += r0`;
}

const FILL = Array.from({ length: 8 }, (_, i) => `*(u64 *)(r10 - ${64 - 8 * i}) = ${0x11223344 + i * 0x01010101}`).join(
  '\n',
);

/** What the ctx and the packet's bounds say, into cb. */
const LOOK = `
  r1 = *(u32 *)(r6 + 0)
  *(u32 *)(r6 + 48) = r1
  r1 = *(u32 *)(r6 + 16)
  r2 = *(u32 *)(r6 + 4)
  r2 <<= 16
  r1 |= r2
  r2 = *(u32 *)(r6 + 20)
  r2 <<= 24
  r1 |= r2
  *(u32 *)(r6 + 52) = r1
  r1 = *(u32 *)(r6 + 24)
  r2 = *(u32 *)(r6 + 28)
  r2 <<= 16
  r1 |= r2
  *(u32 *)(r6 + 56) = r1
  r1 = *(u32 *)(r6 + 80)
  r2 = *(u32 *)(r6 + 76)
  r1 -= r2
  *(u32 *)(r6 + 60) = r1
  r1 = *(u32 *)(r6 + 68)
  *(u32 *)(r6 + 64) = r1`;

/** The stack buffer's ends, into mark and priority. */
const KEEP = `
  r1 = *(u32 *)(r10 - 64)
  *(u32 *)(r6 + 8) = r1
  r1 = *(u32 *)(r10 - 4)
  *(u32 *)(r6 + 32) = r1`;

function programText(body: string, keeps = false): string {
  return `
    r6 = r1
    r7 = 0
    ${FILL}
    ${body}
    ${LOOK}
    ${keeps ? KEEP : ''}
    r0 = r7
    exit`;
}

function sayCall([helper, ...args]: Call): string {
  return `${helper}(${args.filter((arg) => arg !== 'stack').join(', ')})`;
}

export function casesOf(
  calls: readonly Call[],
  packets: readonly PacketName[],
  more: { readonly keeps?: boolean; readonly flags?: number; readonly ctx?: Uint8Array; readonly note?: string } = {},
): SkbCase[] {
  const { keeps = false, note = '', ...rest } = more;
  return packets.map((packet) => ({
    name: `${note}${calls.map(sayCall).join(' ')} on ${packet}`,
    text: programText(calls.map(callText).join('\n'), keeps),
    packet: PACKETS[packet],
    ...rest,
  }));
}

export const COMPLETE = { flags: 4, note: 'complete: ' };
