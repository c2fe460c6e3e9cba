/**
 * Programs over socket buffers that are asked of the kernel and of skep, and must be answered alike: calls times their
 * arguments times packets. Knows neither side.
 */
import { must } from '../../vm/errors.js';
import { patternBytes } from '../machine/harness.js';
import { ALL, casesOf, COMPLETE, IP, PACKETS, SOME, type Call, type SkbCase } from './skb-case.js';
import { mtuCases } from './skb-mtu-cases.js';
import { tunnelCases } from './skb-tunnel-cases.js';

function byteCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  for (const [off, bytes] of [
    [0, 4],
    [12, 2],
    [13, 64],
    [14, 20],
    [14, 1],
    [30, 64],
    [58, 16],
    [73, 1],
    [74, 1],
    [0x7fffffff, 4],
    ['0x80000000 ll', 1],
    [-1, 4],
    ['0x10000000e ll', 4],
  ] as const) {
    cases.push(...casesOf([['skb_load_bytes', off, 'stack', bytes]], SOME, { keeps: true }));
    for (const header of [0, 1]) {
      cases.push(
        ...casesOf([['skb_load_bytes_relative', off, 'stack', bytes, header]], ['ipv4 tcp', 'vlan'], { keeps: true }),
      );
    }
  }
  for (const off of [0, 60, 0xffff, 0x10000]) {
    for (const header of [0, 1, 2, -1]) {
      cases.push(...casesOf([['skb_load_bytes_relative', off, 'stack', 4, header]], ['ipv4 1514'], { keeps: true }));
    }
  }
  for (const [off, bytes, flags] of [
    [0, 12, 0],
    [14, 20, 0],
    [14, 20, 1],
    [15, 7, 1],
    [23, 1, 3],
    [70, 4, 1],
    [71, 4, 1],
    [0x7fffffff, 4, 0],
    [-4, 4, 0],
    [20, 4, 2],
    [20, 4, 4],
    [20, 4, -1],
    [12, 2, 0],
  ] as const) {
    const call: Call = ['skb_store_bytes', off, 'stack', bytes, flags];
    cases.push(...casesOf([['set_hash', 0x5eed], call], SOME), ...casesOf([call], ['ipv4 tcp'], COMPLETE));
  }
  for (const bytes of [0, 1, 14, 15, 60, 74, 75, 1514, 0xffff, -1])
    cases.push(...casesOf([['skb_pull_data', bytes]], SOME));
  for (const load of ['skb[0]', 'skb[12]', 'skb[73]', 'skb[74]', 'skb[r7+26]', 'skb[r7+73]', 'skb[r7-1]']) {
    for (const width of ['u8', 'u16', 'u32']) {
      cases.push({
        name: `${width} ${load}`,
        text: `r6 = r1\nr7 = 0\nr0 = 5\nr0 = *(${width} *)${load}\nr0 += 1\nexit`,
        packet: PACKETS['ipv4 tcp'],
      });
    }
  }
  return cases;
}

function checksumCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  const values = [
    [0, 0],
    [0x1234, 0x4321],
    [0x0a000001, 0x0a0000fe],
    [0xffff, 0],
    [0, 0xffff],
    [-1, 0x7fffffff],
    ['0x1ffffffff ll', '0xfedcba9876543210 ll'],
  ] as const;
  for (const helper of ['l3_csum_replace', 'l4_csum_replace'] as const) {
    for (const [from, to] of values) {
      for (const size of [2, 4]) {
        cases.push(...casesOf([[helper, 24, from, to, size]], ['ipv4 tcp']));
        if (helper === 'l4_csum_replace') {
          for (const extra of [0x10, 0x30, 0x60, 0x90]) {
            const call: Call = [helper, 50, from, to, size | extra];
            cases.push(...casesOf([call, ['csum_update', 0]], ['ipv4 tcp'], COMPLETE));
          }
        }
      }
      cases.push(...casesOf([[helper, 24, 0, to, 0]], ['ipv4 tcp']));
    }
    for (const off of [0, 1, 25, 72, 73, 74, 0xfffe, 0xffff, 0x10000, -2]) {
      cases.push(...casesOf([[helper, off, 1, 2, 2]], ['ipv4 tcp']));
    }
    for (const flags of [0, 1, 3, 5, 8, 15, 16, 18, 32, 34, 64, 98, 128, 130, 256, -1, '0x100000002 ll']) {
      cases.push(...casesOf([[helper, 24, 7, 9, flags]], ['ipv4 tcp']));
    }
  }
  // The two zeros, which 16-bit and 32-bit arithmetic choose differently.
  for (const helper of ['l3_csum_replace', 'l4_csum_replace'] as const) {
    for (const size of [2, 4]) cases.push(...casesOf([[helper, 0, 0xffff, 0, size]], ['arp']));
  }
  // A checksum of 0, and one that becomes 0.
  for (const flags of [0x22, 0x62, 0x02, 0x24, 0x20, 0x32]) {
    cases.push(...casesOf([['l4_csum_replace', 40, flags === 0x20 ? 0 : 5, 6, flags]], ['ipv4 udp']));
    cases.push(...casesOf([['l4_csum_replace', 30, flags === 0x20 ? 0 : 0xffff, 1, flags]], ['ipv4 udp']));
  }
  for (const diff of [0, 1, 0xffff, 0x12345678, -1]) {
    for (const extra of [0x10, 0x90]) {
      cases.push(
        ...casesOf(
          [
            ['l4_csum_replace', 50, 0, diff, extra],
            ['csum_update', 0],
          ],
          ['ipv6 tcp'],
          COMPLETE,
        ),
      );
    }
    cases.push(...casesOf([['csum_update', diff]], ['ipv4 tcp']), ...casesOf([['csum_update', diff]], IP, COMPLETE));
  }
  const level = (value: number | string): Call => ['csum_level', value];
  for (const levels of [[0], [1, 0], [1, 1, 0], [1, 1, 1, 1, 1, 0], [2, 0], [1, 2, 0], [1, 1, 2, 0], [1, 1, 3, 0]]) {
    cases.push(...casesOf(levels.map(level), ['ipv4 tcp']));
  }
  for (const value of [3, 4, -1, '0x100000000 ll']) cases.push(...casesOf([level(value)], ['ipv4 tcp']));
  cases.push(...casesOf([level(1), level(0)], ['ipv4 tcp'], COMPLETE));
  for (const [diff, flags] of [
    [-8, 0],
    [-8, 32],
    [8, 0],
  ] as const) {
    cases.push(...casesOf([level(1), level(1), ['skb_adjust_room', diff, 1, flags], level(0)], ['ipv4 tcp']));
  }
  for (const [diff, flags] of [
    [8, 6],
    [8, 24 | 2],
    [-8, 2],
    [-100, 0],
    [8, 32],
  ] as const) {
    cases.push(...casesOf([level(1), ['skb_adjust_room', diff, 1, flags], level(0)], ['ipv4 tcp']));
  }
  for (const bytes of [74, 75, 200]) cases.push(...casesOf([['skb_change_tail', bytes, 0]], ['ipv4 tcp'], COMPLETE));
  return cases;
}

function geometryCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  for (const bytes of [0, 1, 4, 14, 64, 65, 300, 4096, 15990, 15991, 16064, 65536, -1]) {
    cases.push(...casesOf([['skb_change_head', bytes, 0]], ['ipv4 tcp', 'only a header']));
  }
  cases.push(...casesOf([['skb_change_head', 14, 1]], ['ipv4 tcp']));
  cases.push(...casesOf([['skb_change_head', 14, '0x100000000 ll']], ['ipv4 tcp']));
  for (const bytes of [0, 13, 14, 15, 18, 34, 60, 74, 75, 200, 1514, 3712, 4000, 16064, 16065, -1]) {
    cases.push(...casesOf([['skb_change_tail', bytes, 0]], ['ipv4 tcp', 'vlan', 'ipv6 3500']));
  }
  cases.push(...casesOf([['skb_change_tail', 20, 1]], ['ipv4 tcp']));
  cases.push(
    ...casesOf(
      [
        ['skb_change_tail', 20, 0],
        ['csum_update', 0],
      ],
      ['ipv4 tcp'],
      COMPLETE,
    ),
  );
  for (const protocol of [0x0008, 0xdd86, 0x0608, 0, '0x10008 ll', '0x1dd86 ll']) {
    cases.push(
      ...casesOf(
        [
          ['set_hash', 77],
          ['skb_change_proto', protocol, 0],
        ],
        [...IP, 'ipv4 cut', 'ipv6 cut', 'arp'],
      ),
    );
  }
  cases.push(...casesOf([['skb_change_proto', 0xdd86, 1]], ['ipv4 tcp']));
  cases.push(...casesOf([['skb_change_proto', 0x0008, 0]], ['ipv6 tcp'], COMPLETE));
  cases.push(...casesOf([['skb_change_proto', 0xdd86, 0]], ['ipv4 tcp'], COMPLETE));
  return cases;
}

function roomCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  for (const diff of [
    0, 1, 4, 20, 28, 40, 100, 4095, 4096, -1, -4, -20, -25, -40, -54, -60, -4095, -4096, -0x80000000,
  ]) {
    for (const mode of [0, 1]) cases.push(...casesOf([['skb_adjust_room', diff, mode, 0]], [...IP, 'ipv4 1514']));
  }
  for (const mode of [2, -1]) cases.push(...casesOf([['skb_adjust_room', 4, mode, 0]], ['ipv4 tcp']));
  for (const packet of ['arp', 'vlan', '802.3', 'only a header', 'ipv4 cut', 'ipv6 cut'] as const) {
    for (const diff of [8, -8]) cases.push(...casesOf([['skb_adjust_room', diff, 1, 0]], [packet]));
  }
  const l2 = (bytes: number, low: number): string =>
    `0x${bytes.toString(16).padStart(2, '0')}${low.toString(16).padStart(14, '0')} ll`;
  const encaps = [
    1,
    2,
    4,
    6,
    8,
    10,
    12,
    16,
    18,
    20,
    24,
    26,
    28,
    32,
    34,
    64,
    66,
    128,
    256,
    384,
    130,
    512,
    1023,
    -1,
    l2(14, 0x42),
    l2(13, 0x42),
    l2(14, 0x02),
    l2(14, 0x52),
    l2(14, 0x4c),
    l2(29, 0x02),
    l2(28, 0x02),
    l2(200, 0x02),
    l2(1, 0),
    '0x0001000000000002 ll',
  ];
  for (const flags of encaps) {
    for (const mode of [0, 1]) cases.push(...casesOf([['skb_adjust_room', 28, mode, flags]], IP));
  }
  for (const flags of [1, 2, 32, 64, 128, 129, 256, 288, 384, 512, l2(14, 0)]) {
    for (const diff of [-20, -40, -54]) cases.push(...casesOf([['skb_adjust_room', diff, 1, flags]], IP));
  }
  const room = (diff: number, mode: number, flags: number | string): Call => ['skb_adjust_room', diff, mode, flags];
  const sequences: readonly (readonly Call[])[] = [
    [room(20, 1, 2), room(20, 1, 2)],
    [room(40, 1, 4), room(-40, 1, 0)],
    [room(40, 1, 4), room(-40, 1, 256)],
    [room(20, 1, 2), room(-20, 1, 256)],
    [room(20, 1, 2), room(8, 0, 0)],
    [room(28, 1, 2 | 16), ['skb_change_tail', 47, 0]],
    [room(28, 1, 2 | 16), ['skb_load_bytes_relative', 0, 'stack', 4, 1]],
    [room(20, 1, 2), ['skb_change_tail', 60, 0]],
    [room(20, 0, 0), ['skb_change_tail', 20, 0]],
    [['skb_change_head', 14, 0], room(20, 1, 0)],
    [
      ['skb_change_head', 14, 0],
      ['skb_change_tail', 20, 0],
      ['skb_load_bytes_relative', 0, 'stack', 4, 0],
    ],
    [['skb_vlan_push', 0x0081, 5], room(20, 1, 0)],
    [room(20, 1, 0), room(-20, 1, 0)],
    [room(4095, 1, 0), room(4095, 1, 0), room(4095, 1, 0), room(4095, 1, 0)],
  ];
  for (const calls of sequences) cases.push(...casesOf(calls, IP), ...casesOf(calls, IP, COMPLETE));
  const gso = new Uint8Array(192);
  new DataView(gso.buffer).setUint32(176, 1000, true);
  new DataView(gso.buffer).setUint32(164, 3, true);
  for (const calls of [
    [room(20, 1, 0)],
    [room(20, 1, 1)],
    [room(-8, 1, 1)],
    [['skb_change_tail', 60, 0]],
    [['skb_change_head', 14, 0]],
    [['skb_change_proto', 0xdd86, 0]],
  ] as const) {
    cases.push(...casesOf(calls, ['ipv4 tcp'], { ctx: gso, note: 'gso: ' }));
  }
  return cases;
}

function vlanCases(): SkbCase[] {
  const push = (protocol: number, tci: number): Call => ['skb_vlan_push', protocol, tci];
  const pop: Call = ['skb_vlan_pop'];
  const sequences: readonly (readonly Call[])[] = [
    [push(0x0081, 5)],
    [push(0xa888, 0xffff)],
    [push(0, 5)],
    [push(0x0008, 0x12345)],
    [push(0x0081, 0)],
    [pop],
    [pop, pop],
    [pop, pop, pop],
    [push(0x0081, 5), push(0x0081, 6)],
    [push(0x0081, 5), push(0xa888, 6), push(0x0081, 0x7007)],
    [push(0x0081, 5), pop],
    [push(0x0081, 5), push(0xa888, 6), pop],
    [push(0x0081, 5), push(0xa888, 6), pop, pop],
    [push(0x0081, 5), push(0xa888, 6), pop, pop, pop],
    [push(0x0081, 5), push(0xa888, 6), ['skb_adjust_room', 8, 1, 0]],
    [push(0x0081, 5), push(0xa888, 6), pop, ['skb_adjust_room', 8, 1, 0]],
    [push(0x0081, 5), push(0xa888, 6), ['skb_load_bytes_relative', 0, 'stack', 4, 1]],
    [pop, ['skb_load_bytes_relative', 0, 'stack', 4, 1]],
    [pop, ['skb_adjust_room', 8, 1, 0]],
    [['skb_change_head', 8, 0], push(0x0081, 5), push(0x0081, 6)],
    [['skb_change_head', 8, 0], pop],
  ];
  return sequences.flatMap((calls) => [
    ...casesOf(calls, ['ipv4 tcp', 'vlan', 'qinq', 'short vlan', 'vlan of 802.3'], { keeps: true }),
    ...casesOf(calls, ['ipv4 tcp', 'qinq'], { ...COMPLETE, keeps: true }),
  ]);
}

function fieldCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  cases.push(...casesOf([], ALL), ...casesOf([], ['ipv4 tcp'], COMPLETE));
  for (const type of [0, 1, 2, 3, 4, 5, 6, 7, 255, -1])
    cases.push(...casesOf([['skb_change_type', type]], ['ipv4 tcp', 'to nobody', 'arp']));
  cases.push(
    ...casesOf(
      [
        ['skb_change_type', 0],
        ['skb_change_type', 2],
      ],
      ['ipv4 tcp'],
    ),
  );
  for (const hash of [0, 1, 0x12345678, -1]) {
    cases.push(...casesOf([['set_hash', hash]], ['ipv4 tcp']));
    cases.push(...casesOf([['set_hash', hash], ['get_hash_recalc']], ['ipv4 tcp']));
    cases.push(...casesOf([['set_hash', hash], ['set_hash_invalid']], ['ipv4 tcp']));
  }
  cases.push(...casesOf([['get_route_realm']], ['ipv4 tcp']));
  for (const type of [0, 1, 2, 3, -1]) {
    for (const time of [0, 1, '0x123456789abcdef0 ll']) {
      cases.push(...casesOf([['skb_set_tstamp', time, type]], ['ipv4 tcp', 'ipv6 tcp', 'arp']));
    }
  }
  for (const tos of [0, 1, 2, 3, 0xfc, 0xfd]) {
    for (const packet of IP) {
      const bytes = PACKETS[packet].slice();
      const at = packet === 'ipv4 tcp' ? 15 : 14;
      const value = packet === 'ipv4 tcp' ? tos : 0x6000 | (tos << 4);
      if (packet === 'ipv4 tcp') bytes[at] = value;
      else bytes.set([value >> 8, value & 255], at);
      for (const more of [{}, COMPLETE]) {
        const [first] = casesOf([['skb_ecn_set_ce']], [packet], more);
        if (first !== undefined) cases.push({ ...first, name: `${first.name}, tos ${tos}`, packet: bytes });
      }
    }
  }
  cases.push(...casesOf([['skb_ecn_set_ce']], ['ipv4 cut', 'ipv6 cut', 'arp', 'vlan']));
  // Hash values are secret, but not that there is one, nor that it stays, nor that both directions have the same.
  const hashText = (body: string): string => `
    r6 = r1
    r1 = r6
    call get_hash_recalc
    r7 = r0
    ${body}
    exit`;
  const hashBodies = {
    'is not 0': 'r0 = 1\nif r7 != 0 goto +1\nr0 = 0',
    'is in the ctx': 'r1 = *(u32 *)(r6 + 68)\nr0 = 1\nif r7 == r1 goto +1\nr0 = 0',
    stays: 'r1 = r6\ncall get_hash_recalc\nr1 = r0\nr0 = 1\nif r7 == r1 goto +1\nr0 = 0',
    'comes again':
      'r1 = r6\ncall set_hash_invalid\nr1 = r6\ncall get_hash_recalc\nr1 = r0\nr0 = 1\nif r7 == r1 goto +1\nr0 = 0',
    'changes with the address': `*(u32 *)(r10 - 4) = 0x55667788
      r1 = r6
      r2 = 30
      r3 = r10
      r3 += -4
      r4 = 4
      r5 = 2
      call skb_store_bytes
      r1 = r6
      call get_hash_recalc
      r1 = r0
      r0 = 1
      if r7 == r1 goto +1
      r0 = 0`,
  };
  for (const [what, body] of Object.entries(hashBodies)) {
    for (const packet of ['ipv4 tcp', 'ipv6 udp', 'arp', 'vlan'] as const) {
      cases.push({ name: `hash ${what} on ${packet}`, text: hashText(body), packet: PACKETS[packet] });
    }
  }
  return cases;
}

/** Stores to the ctx and what is read back. */
function ctxCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  const values = [0, 1, 0xfffe, 0xffff, 0x10000, 0x12345, 0x7fffffff, -1, -2];
  for (const [field, off] of [
    ['queue_mapping', 12],
    ['tc_index', 44],
    ['tc_classid', 72],
    ['mark', 8],
    ['priority', 32],
    ['cb[2]', 56],
  ] as const) {
    for (const value of values) {
      for (const immediate of [true, false]) {
        cases.push({
          name: `ctx ${field} = ${value}${immediate ? '' : ' by register'}`,
          text: `
            *(u32 *)(r1 + ${off}) = 5
            ${immediate ? `*(u32 *)(r1 + ${off}) = ${value}` : `r2 = ${value}\n*(u32 *)(r1 + ${off}) = r2`}
            r0 = *(u32 *)(r1 + ${off})
            exit`,
          packet: PACKETS['ipv4 tcp'],
        });
      }
    }
    cases.push({
      name: `ctx ${field} = 2^32 by register`,
      text: `*(u32 *)(r1 + ${off}) = 5\nr2 = 0x100000001 ll\n*(u32 *)(r1 + ${off}) = r2\nr0 = *(u32 *)(r1 + ${off})\nexit`,
      packet: PACKETS['ipv4 tcp'],
    });
  }
  cases.push({
    name: 'ctx tstamp',
    text: 'r2 = 0x1122334455667788 ll\n*(u64 *)(r1 + 152) = r2\nr0 = *(u64 *)(r1 + 152)\nr0 >>= 8\nexit',
    packet: PACKETS['ipv4 tcp'],
  });
  for (const [width, bytes] of [
    ['u8', 1],
    ['u16', 2],
    ['u64', 8],
  ] as const) {
    cases.push({
      name: `ctx cb by ${width}`,
      text: `r2 = 0x1122334455667788 ll\n*(${width} *)(r1 + 56) = r2\n*(${width} *)(r1 + ${56 - bytes}) = r2\nr0 = *(u16 *)(r1 + 56)\nexit`,
      packet: PACKETS['ipv4 tcp'],
    });
  }
  // Narrow loads, and every field that may be read.
  for (const off of [0, 1, 2, 4, 8, 12, 16, 17, 20, 24, 28, 32, 36, 40, 44, 48, 64, 68, 72, 84, 160, 164, 176, 180]) {
    for (const [width, ok] of [
      ['u8', true],
      ['u16', off % 2 === 0 && off !== 180],
      ['u32', off % 4 === 0 && off !== 180],
    ] as const) {
      if (ok) {
        cases.push({
          name: `ctx load ${width} ${off}`,
          text: `r0 = *(${width} *)(r1 + ${off})\nexit`,
          packet: PACKETS['ipv6 udp'],
        });
      }
    }
  }
  // What the context may bring.
  for (let off = 0; off < 192; off += 4) {
    for (const value of off === 160
      ? [1, 73, 74, 65536, 65537]
      : off === 164
        ? [1, 65535, 65536]
        : off === 40
          ? [0, 1, 999999]
          : [1, 0x01020304]) {
      const ctx = new Uint8Array(192);
      new DataView(ctx.buffer).setUint32(off, value, true);
      cases.push({
        name: `ctx in ${off} = ${value}`,
        text: `
          r0 = *(u32 *)(r1 + 8)
          r2 = *(u32 *)(r1 + 32)
          r0 += r2
          r2 = *(u32 *)(r1 + 36)
          r0 += r2
          r2 = *(u32 *)(r1 + 40)
          r0 += r2
          r2 = *(u32 *)(r1 + 52)
          r0 += r2
          r2 = *(u32 *)(r1 + 160)
          r0 += r2
          r2 = *(u32 *)(r1 + 164)
          r0 += r2
          r2 = *(u32 *)(r1 + 176)
          r0 += r2
          r2 = *(u64 *)(r1 + 152)
          r0 += r2
          exit`,
        packet: PACKETS['ipv4 tcp'],
        ctx,
      });
    }
  }
  for (const length of [8, 12, 191, 193, 200]) {
    cases.push({
      name: `ctx of ${length} bytes`,
      text: 'r0 = 7\nexit',
      packet: PACKETS.arp,
      ctx: new Uint8Array(length),
    });
  }
  for (const length of [0, 1, 13, 14, 15, 3648, 3711, 3712, 3713]) {
    cases.push({
      name: `packet of ${length} bytes`,
      text: 'r0 = *(u32 *)(r1 + 0)\nexit',
      packet: patternBytes(length),
    });
  }
  for (const flags of [1, 2, 3, 5, 8]) {
    cases.push({ name: `test flags ${flags}`, text: 'r0 = 7\nexit', packet: PACKETS.arp, flags });
  }
  return cases;
}

/** Any calls in any order. */
function mixedCases(): SkbCase[] {
  let state = 815;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = <T>(values: readonly T[]): T => must(values[random(values.length)], 'a value');
  const makers: readonly (() => Call)[] = [
    () => ['skb_vlan_push', pick([0x0081, 0xa888]), random(4096)],
    () => ['skb_vlan_pop'],
    () => [
      'skb_adjust_room',
      pick([8, 20, 28, 40, -8, -20, -28, -40]),
      random(2),
      pick([0, 0, 0, 2, 4, 18, 128, 256, 32]),
    ],
    () => ['skb_change_head', pick([4, 14, 20]), 0],
    () => ['skb_change_tail', pick([20, 40, 60, 100, 200]), 0],
    () => ['skb_change_proto', pick([0x0008, 0xdd86]), 0],
    () => ['skb_store_bytes', random(60), 'stack', 1 + random(16), pick([0, 1, 1, 3])],
    () => ['l4_csum_replace', 2 * random(30), random(65536), random(65536), pick([2, 4, 0x12, 0x14, 0x32])],
    () => ['l3_csum_replace', 2 * random(30), random(65536), random(65536), pick([2, 4])],
    () => ['skb_change_type', random(5)],
    () => ['set_hash', random(99)],
  ];
  const cases: SkbCase[] = [];
  for (let i = 0; i < 150; i++) {
    const calls = Array.from({ length: 2 + random(5) }, () => pick(makers)());
    cases.push(
      ...casesOf(calls, [pick(['ipv4 tcp', 'ipv6 tcp', 'vlan', 'qinq', 'ipv4 udp', 'ipv4 1514'] as const)], {
        ...(i % 3 === 0 ? COMPLETE : {}),
        note: `mix ${i}${i % 3 === 0 ? ', complete' : ''}: `,
      }),
    );
  }
  return cases;
}

const CASES = [
  ...fieldCases(),
  ...ctxCases(),
  ...byteCases(),
  ...checksumCases(),
  ...geometryCases(),
  ...roomCases(),
  ...vlanCases(),
  ...mixedCases(),
  ...tunnelCases(),
  ...mtuCases(),
];

/** Of cases that come out twice, one. */
export const SKB_CASES: readonly SkbCase[] = [...new Map(CASES.map((each) => [each.name, each])).values()];
