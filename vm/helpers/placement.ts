/** Helpers that say where a program runs: on the one node that there is. */
import type { PlainHelper } from './helper.js';

export const getNumaNodeId: PlainHelper = { name: 'get_numa_node_id', bind: () => () => 0 };
