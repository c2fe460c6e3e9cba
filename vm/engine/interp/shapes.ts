/** What each instruction's name says to the lowering, worked out once. Knows rows and opcodes, no code. */
import { InvariantError, must } from '../../errors.js';
import { INSN_ROWS } from '../../spec/insns.js';
import type { InsnName } from '../../spec/insns.js';
import { OPS } from './opcodes.js';
import type { Op } from './opcodes.js';

interface Shape {
  /** The opcode of the same name or of its family, without and with the memory check; -1 where the place decides. */
  readonly op: number;
  readonly checked: number;
  readonly atomic: boolean;
  readonly unsupported: boolean;
}

/** @throws InvariantError where an access has no checked form */
function makeShape(name: InsnName): Shape {
  const { unsupported } = INSN_ROWS[name];
  const op = familyOf(name);
  const isAccess = op !== undefined && /^(ldx|stx|st)s?(b|h|w|dw)$/.test(op);
  if (isAccess && !(`${op}_checked` in OPS)) throw new InvariantError(`no checked form of ${op}`);
  return {
    op: op === undefined ? -1 : OPS[op],
    checked: op === undefined ? -1 : OPS[isAccess ? (`${op}_checked` as Op) : op],
    atomic: op === 'atomic32' || op === 'atomic64',
    unsupported: unsupported === true,
  };
}

const WIDTHS: Readonly<Record<string, string>> = { 8: 'b', 16: 'h', 32: 'w', 64: 'dw' };

/** The opcode that runs an instruction. */
function familyOf(name: InsnName): Op | undefined {
  if (name === 'ja' || name === 'gotol') return 'goto';
  if (/^(ldabs|ldind)/.test(name)) return 'ld_packet';
  if (/^(lock|fetch|xchg|cmpxchg)/.test(name)) return name.endsWith('64') ? 'atomic64' : 'atomic32';
  // One CPU runs at a time, so that order is always kept: these are plain accesses.
  const ordered = /^(load_acquire|store_release)(\d+)$/.exec(name);
  if (ordered !== null) {
    return `${ordered[1] === 'load_acquire' ? 'ldx' : 'stx'}${must(WIDTHS[ordered[2] ?? ''], 'a width')}` as Op;
  }
  return name in OPS ? (name as Op) : undefined;
}

const SHAPES: ReadonlyMap<InsnName, Shape> = new Map(
  (Object.keys(INSN_ROWS) as InsnName[]).map((name) => [name, makeShape(name)]),
);

/** What lowering has to know of an instruction's name. */
export function shapeOf(name: InsnName): Shape {
  return must(SHAPES.get(name), 'a shape');
}
