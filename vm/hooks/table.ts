/** The program types that skep runs. Adding one is a file beside this one and a line here. */
import type { ProgTypeName } from '../spec/prog-types.js';
import type { Hook } from './hook.js';
import { actionHook, classifierHook } from './tc.js';
import { xdpHook } from './xdp.js';

const BY_TYPE: ReadonlyMap<string, Hook> = new Map(
  [xdpHook, classifierHook, actionHook].map((hook) => [hook.type, hook]),
);

/** The hook of a program type; undefined where skep has none ("unsupported by skep"). */
export function hookOf(type: ProgTypeName | 'unspec'): Hook | undefined {
  return BY_TYPE.get(type);
}
