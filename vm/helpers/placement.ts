/** Helpers that say where a program runs: one node, the first network namespace. */
import { cells } from '../memory/cells.js';
import type { PlainHelper } from './helper.js';

/** What Linux gives the namespace that it starts with. */
const FIRST_NETNS_COOKIE = 1;

export const getNumaNodeId: PlainHelper = { name: 'get_numa_node_id', bind: () => () => 0 };

export const getNetnsCookie: PlainHelper = {
  name: 'get_netns_cookie',
  bind:
    ({ memory }) =>
    () => {
      memory.setWord(cells.retHi, 0);
      return FIRST_NETNS_COOKIE;
    },
};
