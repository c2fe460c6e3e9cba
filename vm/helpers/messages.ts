/**
 * Helpers of `sk_msg`: how far a verdict reaches, what of the message the program sees, bytes put in and taken out. A model of
 * net/core/filter.c of Linux 6.18 for messages that lie in one piece when they come.
 */
import { concatBytes } from '../bytes.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

const SIZE_OFF = 68;

/** Keeps a number of bytes for when the verdict is carried out. */
function keepsBytes(name: PlainHelper['name'], cell: number): PlainHelper {
  return {
    name,
    bind:
      ({ memory }) =>
      (_ctx = 0, bytes = 0) => {
        memory.setWord(cell, bytes);
        return 0;
      },
  };
}

export const msgApplyBytes = keepsBytes('msg_apply_bytes', cells.msgApply);
export const msgCorkBytes = keepsBytes('msg_cork_bytes', cells.msgCork);

/** Afterwards the program sees the bytes from `start` to `end`. */
export const msgPullData: PlainHelper = {
  name: 'msg_pull_data',
  bind:
    ({ bytes }) =>
    (_ctx = 0, startWord = 0, endWord = 0, flagsLo = 0, flagsHi = 0) => {
      const [start, end] = [startWord >>> 0, endWord >>> 0];
      if ((flagsLo | flagsHi) !== 0 || end <= start || end > bytes.wholeBytes) return -errno.EINVAL;
      bytes.show(start, end);
      return 0;
    },
};

/** Puts `length` zero bytes in at `start`; the program then sees the first piece: what was in front, or the new bytes. */
export const msgPushData: PlainHelper = {
  name: 'msg_push_data',
  bind:
    (machine) =>
    (_ctx = 0, startWord = 0, lengthWord = 0, flagsLo = 0, flagsHi = 0) => {
      const [start, length] = [startWord >>> 0, lengthWord >>> 0];
      const { bytes } = machine;
      if ((flagsLo | flagsHi) !== 0) return -errno.EINVAL;
      if (length === 0) return 0;
      if (start > bytes.wholeBytes) return -errno.EINVAL;
      if (bytes.wholeBytes + length > bytes.maxBytes) return -errno.ENOMEM;
      const whole = bytes.bytes();
      replace(machine, concatBytes([whole.subarray(0, start), new Uint8Array(length), whole.subarray(start)]));
      bytes.show(0, start === 0 ? length : start);
      return 0;
    },
};

/** Takes `length` bytes out at `start`; the program then sees the first piece. */
export const msgPopData: PlainHelper = {
  name: 'msg_pop_data',
  bind:
    (machine) =>
    (_ctx = 0, startWord = 0, lengthWord = 0, flagsLo = 0, flagsHi = 0) => {
      const [start, length] = [startWord >>> 0, lengthWord >>> 0];
      const { bytes } = machine;
      if ((flagsLo | flagsHi) !== 0) return -errno.EINVAL;
      if (length === 0) return 0;
      if (start >= bytes.wholeBytes || start + length > bytes.wholeBytes) return -errno.EINVAL;
      const whole = bytes.bytes();
      replace(machine, concatBytes([whole.subarray(0, start), whole.subarray(start + length)]));
      if (start > 0) bytes.show(0, start);
      return 0;
    },
};

function replace({ memory, layout, bytes }: Machine, message: Uint8Array): void {
  bytes.replace(message);
  memory.setWord(layout.ctx + SIZE_OFF, message.length);
}
