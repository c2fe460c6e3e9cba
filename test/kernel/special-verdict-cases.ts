/** What programs do wrong, or right, with locks and timers: for the verifier and the kernel to judge. Knows neither. */
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import { OFF } from './special-cases.js';

export interface VerdictCase {
  readonly name: string;
  /** Default `xdp`. */
  readonly type?: ProgTypeName;
  /** With two values of map 0 in r6 and r7, and of map 1, which has no lock, in r8; `callback:` may follow. */
  readonly text: string;
}

const LOCK = (register: string): string => `r1 = ${register}\nr1 += ${OFF.lock}\ncall spin_lock`;
const UNLOCK = (register: string): string => `r1 = ${register}\nr1 += ${OFF.lock}\ncall spin_unlock`;
const TIMER = (call: string, rest = '', register = 'r6'): string =>
  `r1 = ${register}\nr1 += ${OFF.timer}\n${rest}\ncall timer_${call}`;
const END = 'r0 = 2\nexit';
const INIT = TIMER('init', 'r2 = &map0\nr3 = 1');
const SET = TIMER('set_callback', 'r2 = callback ll');
const CALLBACK = 'callback:\nr0 = 0\nexit';
const RETURNS = (value: string): string => `${INIT}\n${SET}\n${END}\ncallback:\n${value}\nexit`;

const TYPES: readonly ProgTypeName[] = [
  'xdp',
  'sched_cls',
  'socket_filter',
  'cgroup_skb',
  'sk_msg',
  'sock_ops',
  'lwt_in',
  'kprobe',
  'tracepoint',
  'perf_event',
];

const BODIES: Readonly<Record<string, string>> = {
  'lock and unlock': `${LOCK('r6')}\n${UNLOCK('r6')}\n${END}`,
  'writes under the lock': `${LOCK('r6')}\nr1 = 7\n*(u64 *)(r6 + 0) = r1\n${UNLOCK('r6')}\n${END}`,
  'held at exit': `${LOCK('r6')}\n${END}`,
  'held on one path': `r9 = *(u64 *)(r6 + 0)\n${LOCK('r6')}\nif r9 == 0 goto out\n${UNLOCK('r6')}\nout:\n${END}`,
  'unlock without lock': `${UNLOCK('r6')}\n${END}`,
  'unlock twice': `${LOCK('r6')}\n${UNLOCK('r6')}\n${UNLOCK('r6')}\n${END}`,
  'lock twice': `${LOCK('r6')}\n${LOCK('r6')}\n${UNLOCK('r6')}\n${END}`,
  'two locks': `${LOCK('r6')}\n${LOCK('r7')}\n${UNLOCK('r7')}\n${UNLOCK('r6')}\n${END}`,
  'unlocks another': `${LOCK('r6')}\n${UNLOCK('r7')}\n${END}`,
  'one after the other': `${LOCK('r6')}\n${UNLOCK('r6')}\n${LOCK('r7')}\n${UNLOCK('r7')}\n${END}`,
  'a helper under the lock': `${LOCK('r6')}\ncall ktime_get_ns\n${UNLOCK('r6')}\n${END}`,
  'a lookup under the lock': `${LOCK('r6')}\n*(u32 *)(r10 - 4) = 1\nr1 = &map0\nr2 = r10\nr2 += -4\ncall map_lookup_elem\n${UNLOCK('r6')}\n${END}`,
  'a function under the lock': `${LOCK('r6')}\ncall callback\n${UNLOCK('r6')}\n${END}\n${CALLBACK}`,
  'a loop under the lock': `${LOCK('r6')}\nr1 = 4\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall loop\n${UNLOCK('r6')}\n${END}\n${CALLBACK}`,
  'no lock there': `r1 = r6\ncall spin_lock\n${END}`,
  'beside the lock': `r1 = r6\nr1 += ${OFF.lock + 1}\ncall spin_lock\n${END}`,
  'a map without lock': `${LOCK('r8')}\n${UNLOCK('r8')}\n${END}`,
  'a lock on the stack': `*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall spin_lock\n${END}`,
  'no pointer at all': `r1 = 5\ncall spin_lock\n${END}`,
  'a variable offset': `r9 = *(u64 *)(r6 + 0)\nr9 &= 8\nr1 = r6\nr1 += r9\ncall spin_lock\n${END}`,
  'reads the lock': `r1 = *(u32 *)(r6 + ${OFF.lock})\n${END}`,
  'writes the lock': `r1 = 1\n*(u32 *)(r6 + ${OFF.lock}) = r1\n${END}`,
  'reads across the lock': `r1 = *(u64 *)(r6 + ${OFF.lock})\n${END}`,
  'reads beside the lock': `r1 = *(u32 *)(r6 + ${OFF.key})\n${END}`,
  'reads the timer': `r1 = *(u64 *)(r6 + ${OFF.timer})\n${END}`,
  'writes the timer': `r1 = 1\n*(u64 *)(r6 + ${OFF.timer + 8}) = r1\n${END}`,
  'hands a helper the whole value': `r1 = r6\nr2 = 40\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\n${END}`,
  'hands a helper what is before the lock': `r1 = r6\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\n${END}`,
  'an update from the value itself': `*(u32 *)(r10 - 4) = 1\nr1 = &map0\nr2 = r10\nr2 += -4\nr3 = r6\nr4 = 0\ncall map_update_elem\n${END}`,
  'a timer': `${INIT}\n${SET}\n${TIMER('start', 'r2 = 1000\nr3 = 0')}\n${TIMER('cancel')}\n${END}\n${CALLBACK}`,
  'a timer under the lock': `${LOCK('r6')}\n${INIT}\n${UNLOCK('r6')}\n${END}`,
  'cancels under the lock': `${LOCK('r6')}\n${TIMER('cancel')}\n${UNLOCK('r6')}\n${END}`,
  'starts under the lock': `${LOCK('r6')}\n${TIMER('start', 'r2 = 1000\nr3 = 0')}\n${UNLOCK('r6')}\n${END}`,
  "another map's timer": `${TIMER('init', 'r2 = &map1\nr3 = 1')}\n${END}`,
  'no timer there': `r1 = r6\nr2 = &map0\nr3 = 1\ncall timer_init\n${END}`,
  'a timer on the stack': `*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -16\nr2 = &map0\nr3 = 1\ncall timer_init\n${END}`,
  'a number for a callback': `${TIMER('set_callback', 'r2 = 5')}\n${END}`,
  'NULL for a callback': `${TIMER('set_callback', 'r2 = 0')}\n${END}`,
  'a callback that returns 0': RETURNS('r0 = 0'),
  'a callback that returns 1': RETURNS('r0 = 1'),
  'a callback that returns anything': RETURNS('r0 = *(u64 *)(r3 + 0)'),
  'a callback that returns a pointer': RETURNS('r0 = r3'),
  'a callback that returns nothing': RETURNS('r1 = 0'),
  'a callback that reads its key': RETURNS('r0 = *(u32 *)(r2 + 0)\nr0 = 0'),
  'a callback that reads past its key': RETURNS('r0 = *(u64 *)(r2 + 0)\nr0 = 0'),
  'a callback that writes its key': RETURNS('r0 = 0\n*(u32 *)(r2 + 0) = r0'),
  'a callback that writes its value': RETURNS('r0 = 0\n*(u64 *)(r3 + 0) = r0'),
  'a callback that writes past its value': RETURNS('r0 = 0\n*(u64 *)(r3 + 40) = r0'),
  'a callback that uses r4': RETURNS('r0 = r4\nr0 = 0'),
  'a callback that starts its timer': RETURNS(`r1 = r3\nr1 += ${OFF.timer}\nr2 = 5\nr3 = 0\ncall timer_start\nr0 = 0`),
  'a callback that sets itself': RETURNS(
    `r1 = r3\nr1 += ${OFF.timer}\nr2 = callback ll\ncall timer_set_callback\nr0 = 0`,
  ),
  'a callback that makes a timer': RETURNS(`r2 = r1\nr1 = r3\nr1 += ${OFF.timer}\nr3 = 1\ncall timer_init\nr0 = 0`),
  'a callback that locks': RETURNS(`r6 = r3\n${LOCK('r6')}\n${UNLOCK('r6')}\nr0 = 0`),
  'a callback that keeps the lock': RETURNS(`r6 = r3\n${LOCK('r6')}\nr0 = 0`),
  'a callback that deletes its entry': RETURNS('call map_delete_elem\nr0 = 0'),
};

export const VERDICT_CASES: readonly VerdictCase[] = [
  ...Object.entries(BODIES).map(([name, text]) => ({ name, text })),
  ...TYPES.flatMap((type): VerdictCase[] => [
    { name: `a lock in ${type}`, type, text: `${LOCK('r6')}\n${UNLOCK('r6')}\nr0 = 0\nexit` },
    { name: `a timer in ${type}`, type, text: `${INIT}\nr0 = 0\nexit` },
  ]),
];

const look = (map: number, key: number, register: string): string =>
  `*(u32 *)(r10 - 4) = ${key}\nr1 = &map${map}\nr2 = r10\nr2 += -4\ncall map_lookup_elem\nif r0 == 0 goto none\n${register} = r0`;

export function verdictProgram({ text }: VerdictCase): string {
  const at = text.indexOf('callback:');
  const [main, callback] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
  return `${look(0, 1, 'r6')}\n${look(0, 2, 'r7')}\n${look(1, 1, 'r8')}\n${main}\nnone:\nr0 = 0\nexit\n${callback}`;
}
