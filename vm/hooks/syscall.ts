/** Programs that user space calls like a function: the ctx is the bytes that it hands over, and it gets them back. */
import { cells } from '../memory/cells.js';
import { NO_ACCESS, READ_WRITE } from '../memory/shadow.js';
import type { HookKind } from './hook.js';

export const syscallHook: HookKind = {
  type: 'syscall',
  packet: 'bytes',
  begins: 'payload',
  trapVerdict: 0,
  fill({ memory, shadow, ctx, ctxRoomBytes, bytes }) {
    const { data, lengthBytes } = bytes;
    shadow.mark(ctx, ctxRoomBytes, NO_ACCESS);
    memory.u8.copyWithin(ctx, data, data + lengthBytes);
    shadow.mark(ctx, lengthBytes, READ_WRITE);
  },
  settle({ memory, ctx }) {
    const data = memory.word(cells.packetData);
    memory.u8.copyWithin(data, ctx, ctx + memory.word(cells.packetEnd) - data);
  },
};
