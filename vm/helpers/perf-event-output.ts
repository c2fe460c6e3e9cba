/** bpf_perf_event_output: a sample of the program's own bytes and, where the flags ask for it, of the packet. */
import { cells } from '../memory/cells.js';
import { concatBytes } from '../bytes.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

/** Bits 0-31 of the flags: index of the buffer, or all ones for the current CPU's. */
const CURRENT_CPU = 0xffff_ffff;
/** Bits 32-51: bytes of the packet to append. */
const PACKET_BYTES_MASK = 0xf_ffff;

export const perfEventOutput: PlainHelper = {
  name: 'perf_event_output',
  bind:
    ({ maps, memory, packet }) =>
    (_ctx = 0, map = 0, flagsLo = 0, flagsHi = 0, data = 0, bytes = 0) => {
      const buffer = maps.perfEventArray(map);
      if ((flagsHi & ~PACKET_BYTES_MASK) !== 0) return -errno.EINVAL;
      const packetBytes = flagsHi & PACKET_BYTES_MASK;
      if (packetBytes > packet.totalBytes) return -errno.EFAULT;
      const index = flagsLo >>> 0 === CURRENT_CPU ? memory.word(cells.cpu) : flagsLo >>> 0;
      const sample = memory.read(data, bytes >>> 0);
      return buffer.output(
        index,
        packetBytes === 0 ? sample : concatBytes([sample, memory.read(packet.data, packetBytes)]),
      );
    },
};
