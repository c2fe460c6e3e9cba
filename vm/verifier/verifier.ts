/** What one verification works with: the environment and the analyses that live as long as it does. */
import type { Env } from './env.js';
import type { Fastcall } from './fastcall.js';
import type { StackLiveness } from './stack-liveness.js';
import type { Trace } from './trace.js';

export interface Verifier {
  readonly env: Env;
  readonly trace: Trace;
  readonly liveness: StackLiveness;
  readonly fastcall: Fastcall;
}
