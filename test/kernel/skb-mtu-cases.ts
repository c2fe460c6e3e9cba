/** bpf_check_mtu on socket buffers: devices, lengths, differences, segments. The word comes back in cb. */
import { PACKETS, type PacketName, type SkbCase } from './skb-case.js';

function mtuCase(
  packet: PacketName,
  ifindex: number,
  given: number,
  diff: number | string,
  flags: number | string,
  gso: readonly [size: number, segs: number] = [0, 0],
): SkbCase {
  const ctx = new Uint8Array(192);
  const view = new DataView(ctx.buffer);
  view.setUint32(176, gso[0], true);
  view.setUint32(164, gso[1], true);
  return {
    name: `check_mtu(${ifindex}, ${given}, ${diff}, ${flags})${gso[0] === 0 ? '' : ` gso ${gso[0]}`} on ${packet}`,
    text: `
      r6 = r1
      *(u32 *)(r10 - 4) = ${given | 0}
      r2 = ${ifindex}
      r3 = r10
      r3 += -4
      r4 = ${diff}
      r5 = ${flags}
      call check_mtu
      r1 = *(u32 *)(r10 - 4)
      *(u32 *)(r6 + 48) = r1
      exit`,
    packet: PACKETS[packet],
    ctx,
  };
}

export function mtuCases(): SkbCase[] {
  const cases: SkbCase[] = [];
  for (const ifindex of [0, 1, 99, -1]) {
    for (const given of [0, 1, 1500, 65536, 65537, 0x7fffffff, 0xfffffff0]) {
      for (const diff of [0, -1, 65000, 70000, -0x80000000, 0x7fffffff]) {
        cases.push(mtuCase('ipv4 1514', ifindex, given, diff, 0));
      }
    }
  }
  for (const flags of [1, 2, 3, -1, '0x100000000 ll', '0x100000001 ll']) {
    for (const [given, diff] of [
      [0, 0],
      [100, 0],
      [0, 4],
      [0, -4],
    ] as const) {
      cases.push(mtuCase('ipv4 tcp', 1, given, diff, flags));
    }
  }
  // Segments of no type, behind a transport header that was never set.
  for (const size of [1, 60, 79, 80, 81, 1000, 60000, 65535]) {
    for (const flags of [0, 1]) {
      for (const packet of ['ipv4 tcp', 'ipv6 3500'] as const) {
        cases.push(mtuCase(packet, 1, 0, 0, flags, [size, 3]));
        cases.push(mtuCase(packet, 0, 70000, 0, flags, [size, 3]));
        cases.push(mtuCase(packet, 0, 0, 70000, flags, [size, 3]));
      }
    }
  }
  return cases;
}
