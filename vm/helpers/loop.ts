/** bpf_loop and bpf_for_each_map_elem, as steps that the engine drives. */
import type { Ptr } from '../addr.js';
import { cells, iter } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { functionAt } from '../machine/layout.js';
import { raiseTrap } from '../memory/raise.js';
import { errno } from '../spec/errno.js';
import type { CallbackHelper, CallbackSteps } from './helper.js';

/** Most rounds of bpf_loop (BPF_MAX_LOOPS). */
const MAX_LOOPS = 8 * 1024 * 1024;

function setArg(memory: Memory, it: Ptr, arg: number, lo: number, hi = 0): void {
  memory.setWord(it + iter.args + 8 * arg, lo);
  memory.setWord(it + iter.args + 8 * arg + 4, hi);
}

/** Ends the iteration with the helper's int result. */
function finish(memory: Memory, it: Ptr, result: number): false {
  memory.setWord(it + iter.result, result);
  memory.setWord(it + iter.result + 4, result >> 31);
  return false;
}

/** State words of the iterator. */
const position = iter.state;
const rounds = iter.state + 4;
const map = iter.state + 8;

export const loop: CallbackHelper = {
  name: 'loop',
  iterate: ({ memory }): CallbackSteps => ({
    begin(it, [limit = 0, , ctx = 0, flagsLo = 0, flagsHi = 0]) {
      if ((flagsLo | flagsHi) !== 0) return finish(memory, it, -errno.EINVAL);
      if (limit >>> 0 > MAX_LOOPS) return finish(memory, it, -errno.E2BIG);
      if (limit === 0) return finish(memory, it, 0);
      memory.setWord(it + position, 0);
      memory.setWord(it + rounds, limit);
      setArg(memory, it, 0, 0);
      setArg(memory, it, 1, ctx);
      return true;
    },
    next(it, r0Lo, r0Hi) {
      const done = memory.word(it + position) + 1;
      if ((r0Lo | r0Hi) !== 0 || done >= memory.word(it + rounds)) return finish(memory, it, done);
      memory.setWord(it + position, done);
      setArg(memory, it, 0, done);
      return true;
    },
  }),
};

export const forEachMapElem: CallbackHelper = {
  name: 'for_each_map_elem',
  iterate: ({ memory, maps, layout }): CallbackSteps => {
    /** Aims the callback at the first live entry from `from` on. */
    const aim = (it: Ptr, from: number): boolean => {
      const ops = maps.ops(memory.word(it + map));
      const at = ops.scan(from);
      if (at < 0) return finish(memory, it, memory.word(it + rounds));
      memory.setWord(it + position, at);
      memory.setWord(it + rounds, memory.word(it + rounds) + 1);
      setArg(memory, it, 1, ops.keyAt(at, layout.callbackKey + 8 * (memory.word(cells.depth) & 7)));
      setArg(memory, it, 2, ops.valueAt(at));
      return true;
    };
    return {
      begin(it, [mapPtr = 0, callback = 0, ctx = 0, flagsLo = 0, flagsHi = 0]) {
        if ((flagsLo | flagsHi) !== 0) return finish(memory, it, -errno.EINVAL);
        if (functionAt(layout, callback) < 0) return raiseTrap(memory, 'bad-callback', callback);
        if (maps.ops(mapPtr).scan(0) < 0) return finish(memory, it, 0);
        memory.setWord(it + map, mapPtr);
        memory.setWord(it + rounds, 0);
        setArg(memory, it, 0, mapPtr);
        setArg(memory, it, 3, ctx);
        return aim(it, 0);
      },
      next: (it, r0Lo, r0Hi) =>
        (r0Lo | r0Hi) !== 0 ? finish(memory, it, memory.word(it + rounds)) : aim(it, memory.word(it + position) + 1),
    };
  },
};
