/** bpf_timer_init and its like: timers in map values, which go off between runs. */
import { functionAt } from '../machine/layout.js';
import { raiseTrap } from '../memory/raise.js';
import type { PlainHelper } from './helper.js';

export const timerInit: PlainHelper = {
  name: 'timer_init',
  bind:
    ({ timers }) =>
    (timer = 0, map = 0, flagsLo = 0, flagsHi = 0) =>
      timers.init(timer, map, flagsLo, flagsHi),
};

export const timerSetCallback: PlainHelper = {
  name: 'timer_set_callback',
  bind:
    ({ timers, layout, memory }) =>
    (timer = 0, callback = 0) => {
      const func = functionAt(layout, callback);
      return func < 0 ? raiseTrap(memory, 'bad-callback', callback) : timers.setCallback(timer, func);
    },
};

export const timerStart: PlainHelper = {
  name: 'timer_start',
  bind:
    ({ timers }) =>
    (timer = 0, nsLo = 0, nsHi = 0, flagsLo = 0, flagsHi = 0) =>
      timers.start(timer, nsLo, nsHi, flagsLo, flagsHi),
};

export const timerCancel: PlainHelper = {
  name: 'timer_cancel',
  bind:
    ({ timers }) =>
    (timer = 0) =>
      timers.cancel(timer),
};
