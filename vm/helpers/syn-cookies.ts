/**
 * SYN cookies: made from a SYN, checked with the ACK that answers. Built as Linux builds them (net/ipv4/syncookies.c, 6.18), but
 * with a hash of our own: what Linux' secret gives can be known to nobody.
 */
import type { Ptr } from '../addr.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { hashBytes } from '../maps/entry-table.js';
import { errno } from '../spec/errno.js';
import type { HelperName } from '../spec/helpers.js';
import { toNumber } from '../u64.js';
import { AF_INET6, IPPROTO_TCP, TCP_STATES } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';
import { mustBeSocket } from './sockets.js';

const TCP_BYTES = 20;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const tcpOff = { seq: 4, ack: 8, doff: 12, flags: 13 } as const;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** What a cookie can say of the maximum segment size. */
const SEGMENT_SIZES = { 4: [536, 1300, 1440, 1460], 6: [1220, 1420, 1440, 8940] } as const;
const DEFAULT_SEGMENT_BYTES = 536;
const OPTION_MSS = 2;

const COUNT_NS = 60e9;
const COUNT_SHIFT = 24;
const DATA_MASK = 0xff_ffff;
/** Cookies are good for so many counts. */
const MAX_AGE = 2;

type Version = keyof typeof SEGMENT_SIZES;

/** Addresses and ports of the flow, with a number beside them, as one hash. */
function hashFlow({ memory, layout }: Machine, version: Version, ip: Ptr, tcp: Ptr, count: number): number {
  const [off, bytes] = version === 4 ? [12, 8] : [8, 32];
  const addresses = hashBytes(memory.view, ip + off, bytes);
  memory.setWord(layout.callbackKey, addresses);
  memory.view.setUint32(layout.callbackKey + 4, memory.view.getUint32(tcp, true), true);
  memory.setWord(layout.callbackKey + 8, count);
  return hashBytes(memory.view, layout.callbackKey, 12);
}

function countNow({ memory }: Machine): number {
  return Math.floor(toNumber(memory.word(cells.clock), memory.word(cells.clock + 4)) / COUNT_NS) >>> 0;
}

/** A cookie and the segment size it stands for, as a u64. */
function makeCookie(machine: Machine, version: Version, ip: Ptr, tcp: Ptr, segmentBytes: number): number {
  const { memory } = machine;
  const sizes = SEGMENT_SIZES[version];
  const index = Math.max(
    0,
    sizes.findLastIndex((size) => segmentBytes >= size),
  );
  const count = countNow(machine);
  const sequence = memory.view.getUint32(tcp + tcpOff.seq);
  const data = (hashFlow(machine, version, ip, tcp, count + 1) + index) & DATA_MASK;
  memory.setWord(cells.retHi, sizes[index] ?? DEFAULT_SEGMENT_BYTES);
  return (hashFlow(machine, version, ip, tcp, 0) + sequence + (count << COUNT_SHIFT) + data) | 0;
}

/** Whether the ACK answers to a cookie that is still good. */
function isCookie(machine: Machine, version: Version, ip: Ptr, tcp: Ptr): boolean {
  const { view } = machine.memory;
  const sequence = view.getUint32(tcp + tcpOff.seq) - 1;
  const cookie = (view.getUint32(tcp + tcpOff.ack) - 1 - hashFlow(machine, version, ip, tcp, 0) - sequence) >>> 0;
  const count = countNow(machine);
  const age = (count - (cookie >>> COUNT_SHIFT)) & 0xff;
  if (age >= MAX_AGE) return false;
  const index = (cookie - hashFlow(machine, version, ip, tcp, count - age + 1)) & DATA_MASK;
  return index < SEGMENT_SIZES[version].length;
}

/** The size that a SYN's option asks for, or the default. */
function segmentBytesOf({ memory }: Machine, tcp: Ptr, bytes: number): number {
  const { u8, view } = memory;
  for (let at = tcp + TCP_BYTES; at < tcp + bytes;) {
    const kind = u8[at] ?? 0;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : (u8[at + 1] ?? 0);
    if (length < 1 || (kind !== 1 && length < 2) || at + length > tcp + bytes) break;
    if (kind === OPTION_MSS && length === 4) return view.getUint16(at + 2) || DEFAULT_SEGMENT_BYTES;
    at += length;
  }
  return DEFAULT_SEGMENT_BYTES;
}

function isWholeHeader({ memory }: Machine, tcp: Ptr, bytes: number): boolean {
  return bytes >>> 0 >= TCP_BYTES && bytes >>> 0 === 4 * (memory.view.getUint8(tcp + tcpOff.doff) >> 4);
}

/** A negative result of 64 bits. */
function fails({ memory }: Machine, errno: number): number {
  memory.setWord(cells.retHi, -1);
  return -errno;
}

function rawGenerate(name: HelperName, version: Version): PlainHelper {
  return {
    name,
    bind:
      (machine) =>
      (ip = 0, tcp = 0, bytes = 0) =>
        isWholeHeader(machine, tcp, bytes)
          ? makeCookie(machine, version, ip, tcp, segmentBytesOf(machine, tcp, bytes))
          : fails(machine, errno.EINVAL),
  };
}

function rawCheck(name: HelperName, version: Version): PlainHelper {
  return {
    name,
    bind:
      (machine) =>
      (ip = 0, tcp = 0) =>
        isCookie(machine, version, ip, tcp) ? 0 : -errno.EACCES,
  };
}

export const tcpRawGenSyncookieIpv4 = rawGenerate('tcp_raw_gen_syncookie_ipv4', 4);
export const tcpRawGenSyncookieIpv6 = rawGenerate('tcp_raw_gen_syncookie_ipv6', 6);
export const tcpRawCheckSyncookieIpv4 = rawCheck('tcp_raw_check_syncookie_ipv4', 4);
export const tcpRawCheckSyncookieIpv6 = rawCheck('tcp_raw_check_syncookie_ipv6', 6);

/** The IP version that the listener takes, 4 or 6, or a negative errno. */
function versionFor(machine: Machine, sk: number, ip: Ptr, bytes: number): number {
  const { family, v6only } = mustBeSocket(machine, sk);
  if (bytes >>> 0 < IPV4_BYTES) return -errno.EINVAL;
  switch (machine.memory.view.getUint8(ip) >> 4) {
    case 4:
      return family === AF_INET6 && v6only ? -errno.EINVAL : 4;
    case 6:
      return bytes >>> 0 < IPV6_BYTES || family !== AF_INET6 ? -errno.EINVAL : 6;
    default:
      return -errno.EPROTONOSUPPORT;
  }
}

function isListener(machine: Machine, sk: number): boolean {
  const { protocol, state } = mustBeSocket(machine, sk);
  return protocol === IPPROTO_TCP && state === TCP_STATES.listen;
}

/** Only a listener whose queue has overflowed sends cookies. */
export const tcpGenSyncookie: PlainHelper = {
  name: 'tcp_gen_syncookie',
  bind:
    (machine) =>
    (sk = 0, ip = 0, ipBytes = 0, tcp = 0, tcpBytes = 0) => {
      if (!isWholeHeader(machine, tcp, tcpBytes) || !isListener(machine, sk)) return fails(machine, errno.EINVAL);
      const flags = machine.memory.view.getUint8(tcp + tcpOff.flags);
      if ((flags & (SYN | ACK | FIN | RST)) !== SYN) return fails(machine, errno.EINVAL);
      const version = versionFor(machine, sk, ip, ipBytes);
      if (version !== 4 && version !== 6) return fails(machine, -version);
      if (!mustBeSocket(machine, sk).overflowed) return fails(machine, errno.ENOENT);
      return makeCookie(machine, version, ip, tcp, segmentBytesOf(machine, tcp, tcpBytes));
    },
};

export const tcpCheckSyncookie: PlainHelper = {
  name: 'tcp_check_syncookie',
  bind:
    (machine) =>
    (sk = 0, ip = 0, ipBytes = 0, tcp = 0, tcpBytes = 0) => {
      if (tcpBytes >>> 0 < TCP_BYTES || !isListener(machine, sk)) return -errno.EINVAL;
      const flags = machine.memory.view.getUint8(tcp + tcpOff.flags);
      if ((flags & (ACK | RST | SYN)) !== ACK) return -errno.ENOENT;
      if (ipBytes >>> 0 < IPV4_BYTES) return -errno.EINVAL;
      if (!mustBeSocket(machine, sk).overflowed) return -errno.ENOENT;
      const version = versionFor(machine, sk, ip, ipBytes);
      if (version !== 4 && version !== 6) return version;
      return isCookie(machine, version, ip, tcp) ? 0 : -errno.ENOENT;
    },
};
