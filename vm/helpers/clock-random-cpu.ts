/** Helpers that read the world's cells. */
import { cells } from '../memory/cells.js';
import { nextRandom } from '../world/world.js';
import type { PlainHelper } from './helper.js';

export const ktimeGetNs: PlainHelper = {
  name: 'ktime_get_ns',
  bind:
    ({ memory }) =>
    () => {
      memory.setWord(cells.retHi, memory.word(cells.clock + 4));
      return memory.word(cells.clock);
    },
};

export const getPrandomU32: PlainHelper = {
  name: 'get_prandom_u32',
  bind:
    ({ memory }) =>
    () =>
      nextRandom(memory),
};

export const getSmpProcessorId: PlainHelper = {
  name: 'get_smp_processor_id',
  bind:
    ({ memory }) =>
    () =>
      memory.word(cells.cpu),
};
