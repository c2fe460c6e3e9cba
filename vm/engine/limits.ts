/** Limits of the kernel's that both engines keep. */

/** Tail calls that one run may do (MAX_TAIL_CALL_CNT). */
export const MAX_TAIL_CALLS = 33;

/** Rounds that may_goto grants a run (BPF_MAX_LOOPS). */
export const MAX_MAY_GOTO = 8 * 1024 * 1024;
