/** docs/helpers.md: every helper, from `vm/spec/helpers` and the recorded rights. Knows only the rows. */
import { type HelperRow } from '../vm/spec/helper-row.js';
import { HELPERS } from '../vm/spec/helpers.js';
import { KFUNCS } from '../vm/spec/kfuncs.js';
import { PROG_TYPES } from '../vm/spec/prog-types.js';
import { mayCall } from '../vm/spec/rights.js';
import { toTable } from './markdown-table.js';

/** Types that were asked, and so can be said to may or may not. */
const ASKED = PROG_TYPES.map(({ name }) => name).filter((name) => mayCall(name, 0) !== undefined);

function callers(id: number): string {
  const allowed = ASKED.filter((name) => mayCall(name, id) === true);
  const others = ASKED.filter((name) => mayCall(name, id) === false);
  if (others.length === 0) return 'all';
  if (allowed.length === 0) return 'none of those asked';
  return others.length < allowed.length && others.length <= 5 ? `all but ${others.join(', ')}` : allowed.join(', ');
}

function traits({ gplOnly, movesPacket, callsBack }: HelperRow): string {
  return [gplOnly && 'GPL', movesPacket && 'moves packet', callsBack && 'calls back'].filter(Boolean).join(', ');
}

export function writeHelpersPage(): string {
  const rows: readonly HelperRow[] = HELPERS;
  const running = rows.filter(({ unsupported }) => unsupported === undefined);
  const prototypes = running.map((row) => [
    String(row.id),
    `\`${row.name}\``,
    row.args.map((arg) => `\`${arg}\``).join(', '),
    `\`${row.ret}\``,
  ]);
  const all = rows.map((row) => [
    String(row.id),
    `\`${row.name}\``,
    row.unsupported ? 'no' : 'yes',
    traits(row),
    callers(row.id),
  ]);
  const kfuncs = KFUNCS.filter((each) => each.unsupported !== true).map(({ name, args, ret }) => [
    `\`${name}\``,
    args.map((arg) => `\`${arg}\``).join(', '),
    `\`${ret}\``,
  ]);
  return `<!-- Made from vm/spec by \`npm run generate\`; do not edit. -->

# Helpers

Linux 6.18 has ${rows.length} helpers; skep runs ${running.length} of them. A program that calls another one loads, and
traps with \`unsupported-helper\` if it gets there.

## Those that run

What the argument and result kinds mean is written in \`vm/spec/helper-row.ts\`.

${toTable(['id', 'helper', 'arguments', 'result'], prototypes)}

## All of them

Who may call was asked of a live Linux 6.18 as root, with a GPL-compatible license, at each type's usual attach point
(\`npm run probe:kernel\`); ${ASKED.length} program types could be asked. GPL: needs a GPL-compatible license. Moves
packet: packet pointers taken before the call are lost. Calls back: runs a function of the program.

${toTable(['id', 'helper', 'runs', 'traits', 'callable by'], all)}

## Kfuncs

Linux 6.18, as it was built for the recording, has ${KFUNCS.length} kfuncs; skep runs ${kfuncs.length} of them. A call of another one traps with
\`unsupported-ref\`. Pointers to structures of the kernel that some of them give can be passed on, not read through.

${toTable(['kfunc', 'arguments', 'result'], kfuncs)}
`;
}
