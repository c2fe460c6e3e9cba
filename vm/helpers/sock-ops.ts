/** Helpers of `sock_ops`: which events the socket asks for, options in TCP headers. */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { isFullSocket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';

const ctxOff = { op: 0, cbFlags: 84 } as const;
const ALL_CB_FLAGS = 0x7f;
const HDR_OPT_LEN_CB = 14;
const WRITE_HDR_OPT_CB = 15;
const TCP_HEADER_BYTES = 20;
/** All that a TCP header has for options. */
const MAX_OPTION_BYTES = 40;

const EOL = 0;
const NOP = 1;
const EXPERIMENTAL = 254;
const LOAD_FROM_SYN = 1;

/** Flags that the kernel does not know come back. */
export const sockOpsCbFlagsSet: PlainHelper = {
  name: 'sock_ops_cb_flags_set',
  bind:
    ({ memory, layout, world }) =>
    (_ctx = 0, flags = 0) => {
      const sock = memory.word(cells.contextSock);
      const socket = world.sockets.at(sock);
      if (socket === undefined || !isFullSocket(socket)) return -errno.EINVAL;
      const known = flags & ALL_CB_FLAGS;
      world.sockets.setCbFlags(sock, known);
      memory.setWord(layout.ctx + ctxOff.cbFlags, known);
      return flags & ~ALL_CB_FLAGS;
    },
};

/** Copies the option that the first bytes of the buffer ask for; no SYN is ever saved. */
export const loadHdrOpt: PlainHelper = {
  name: 'load_hdr_opt',
  bind:
    (machine) =>
    (_ctx = 0, to = 0, room = 0, flagsLo = 0, flagsHi = 0) => {
      const { memory, layout, bytes } = machine;
      if (room >>> 0 < 2 || flagsHi !== 0 || (flagsLo & ~LOAD_FROM_SYN) !== 0) return -errno.EINVAL;
      const wanted = memory.read(to, Math.min(room >>> 0, MAX_OPTION_BYTES));
      const [kind = 0, length = 0] = wanted;
      const isExperimental = kind === EXPERIMENTAL;
      if (isExperimental ? (length !== 4 && length !== 6) || room >>> 0 < length : length !== 0) return -errno.EINVAL;
      if ((flagsLo & LOAD_FROM_SYN) !== 0) return -errno.ENOENT;
      if (bytes.wholeBytes < TCP_HEADER_BYTES || memory.word(layout.ctx + ctxOff.op) === HDR_OPT_LEN_CB)
        return -errno.EPERM;
      const magic = isExperimental ? wanted.subarray(2, length) : new Uint8Array(0);
      const found = findOption(machine, kind, magic);
      if (found < 0) return found;
      const foundBytes = memory.view.getUint8(found + 1);
      const copied = Math.min(foundBytes, room >>> 0);
      memory.u8.copyWithin(to, found, found + copied);
      return foundBytes > room >>> 0 ? -errno.ENOSPC : foundBytes;
    },
};

/** Address of the option in the header, or a negative errno. */
function findOption({ memory, bytes }: Machine, kind: number, magic: Uint8Array): number {
  if (kind === EOL || kind === NOP) return -errno.EINVAL;
  const { u8 } = memory;
  const { end } = bytes;
  let at = bytes.data + TCP_HEADER_BYTES;
  while (at < end) {
    const here = u8[at] ?? EOL;
    if (here === EOL) return -errno.ENOMSG;
    if (here === NOP) {
      at++;
      continue;
    }
    const length = u8[at + 1] ?? 0;
    if (end - at < 2 || length < 2 || end - at < length) return -errno.EFAULT;
    const from = at + 2;
    const fits = magic.length <= length - 2 && magic.every((byte, index) => byte === u8[from + index]);
    if (here === kind && fits) return at;
    at += length;
  }
  return -errno.ENOMSG;
}

/** Reserves room for options that the program will write; only where their length is asked for. */
export const reserveHdrOpt: PlainHelper = {
  name: 'reserve_hdr_opt',
  bind:
    ({ memory, layout, bytes }) =>
    (_ctx = 0, length = 0, flagsLo = 0, flagsHi = 0) => {
      if ((flagsLo | flagsHi) !== 0 || length >>> 0 < 2) return -errno.EINVAL;
      if (memory.word(layout.ctx + ctxOff.op) !== HDR_OPT_LEN_CB) return -errno.EPERM;
      const used = memory.word(cells.hdrOptBytes) + Math.max(0, bytes.lengthBytes - TCP_HEADER_BYTES);
      if (length >>> 0 > MAX_OPTION_BYTES - used) return -errno.ENOSPC;
      memory.setWord(cells.hdrOptBytes, memory.word(cells.hdrOptBytes) + length);
      return 0;
    },
};

/** Appends an option to the header; only where the header is written, and no option twice. */
export const storeHdrOpt: PlainHelper = {
  name: 'store_hdr_opt',
  bind:
    (machine) =>
    (_ctx = 0, from = 0, size = 0, flagsLo = 0, flagsHi = 0) => {
      const { memory, layout, bytes } = machine;
      if (memory.word(layout.ctx + ctxOff.op) !== WRITE_HDR_OPT_CB) return -errno.EPERM;
      if (size >>> 0 < 2 || (flagsLo | flagsHi) !== 0) return -errno.EINVAL;
      const option = memory.read(from, Math.min(size >>> 0, MAX_OPTION_BYTES));
      const [kind = 0, length = 0] = option;
      if (length < 2 || length > size >>> 0) return -errno.EINVAL;
      const isExperimental = kind === EXPERIMENTAL;
      if (isExperimental && length < 4) return -errno.EINVAL;
      const magic = isExperimental ? option.subarray(2, Math.min(length, 6)) : new Uint8Array(0);
      const found = findOption(machine, kind, magic);
      if (found >= 0) return -errno.EEXIST;
      if (found !== -errno.ENOMSG) return found;
      const room = MAX_OPTION_BYTES - Math.max(0, bytes.lengthBytes - TCP_HEADER_BYTES);
      if (length > room) return -errno.ENOSPC;
      bytes.insert(bytes.lengthBytes, option.subarray(0, length));
      return 0;
    },
};
