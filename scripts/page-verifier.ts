/** docs/verifier.md: every class of rejections with an example that is run here. Knows the classes, no rule of the verifier. */
import { renderReport } from '../cli/render-report.js';
import { assembleObject } from '../vm/asm/index.js';
import { must } from '../vm/errors.js';
import { loadObject } from '../vm/loader/load-object.js';
import { errno } from '../vm/spec/errno.js';
import { REJECTION_CLASSES, type RejectionClass } from '../vm/verifier/report-classes.js';
import { explainRejection, type RejectionReport } from '../vm/verifier/report.js';
import { verify } from '../vm/verifier/verify.js';
import { toTable } from './markdown-table.js';
import { VERIFIER_EXAMPLES, type VerifierExample, WITHOUT_EXAMPLE } from './verifier-examples.js';

/** @throws Error where the program is not refused */
function reportOf(text: string): RejectionReport {
  const object = loadObject(assembleObject(text, { file: 'example.s' }), { name: 'example.o' });
  const verdict = verify(object, 0, { logLevel: 1 });
  if (verdict.kind !== 'reject') throw new Error(`not refused, but ${verdict.kind}:\n${text}`);
  return explainRejection(verdict);
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(errno).map(([name, number]) => [number, name]));

function fence(text: string): string {
  return `\`\`\`asm\n${text}\n\`\`\``;
}

function writeClass({ id, title }: RejectionClass, { wrong, mended }: VerifierExample): string {
  const report = reportOf(wrong);
  if (report.class !== id) throw new Error(`the example of ${id} is refused as ${report.class}: ${report.message}`);
  const parts = [
    `### ${id}`,
    `${title.charAt(0).toUpperCase()}${title.slice(1)}.`,
    fence(wrong),
    `> \`${report.message}\` (${ERRNO_NAMES.get(report.errno) ?? `errno ${report.errno}`})`,
    `**Why.** ${report.reason}`,
    `**What helps.** ${report.suggestion}`,
  ];
  if (mended !== undefined) parts.push('Mended:', fence(mended));
  return parts.join('\n\n');
}

function exampleOf(id: string): VerifierExample | undefined {
  return VERIFIER_EXAMPLES.find((each) => each.id === id);
}

/** @throws Error where a class has no example, or an example is not refused as it should be */
export function writeVerifierPage(): string {
  const families = [...new Set(REJECTION_CLASSES.map(({ family }) => family))];
  const overview = REJECTION_CLASSES.map(({ id, title }) => {
    const example = exampleOf(id);
    return example === undefined
      ? [`\`${id}\``, title, must(WITHOUT_EXAMPLE.get(id), `an example of ${id}, or why there is none`)]
      : [`[\`${id}\`](#${id})`, title, `\`${reportOf(example.wrong).message}\``];
  });
  const sections = families.map((family) => {
    const rows = REJECTION_CLASSES.filter((each) => each.family === family).flatMap((each) => {
      const example = exampleOf(each.id);
      return example === undefined ? [] : [writeClass(each, example)];
    });
    return rows.length === 0 ? '' : `## ${family}\n\n${rows.join('\n\n')}`;
  });
  const first = must(exampleOf('packet-bounds'), 'an example').wrong;
  return `<!-- Made from vm/verifier/report-classes.ts and scripts/verifier-examples.ts by \`npm run generate\`; do not edit. -->

# What the verifier refuses, and why

Before the kernel runs a program it walks every path through it, and keeps book of what each register and each stack slot can
hold: a number within limits, a pointer and how far it may be followed, or nothing yet. At the first instruction that could go
wrong on some path it refuses the whole program, with one line for a reason. \`skep verify\` does the same walk and says the same
line, without a kernel; \`skep verify --explain\` says it in words as well.

Below is a smallest program for each kind of refusal. Each is run when this page is made, and by a test, which asks a running
kernel too where it may. Save one as \`example.s\` and try:

\`\`\`console
$ skep asm example.s
$ skep verify --explain example.o
${renderReport(reportOf(first), 'xdp').trimEnd()}
\`\`\`

## Four things that explain most of it

- **Only comparisons on the path count.** The verifier does not know what a packet holds or how a caller behaves. It knows what
  the jumps on the way here have shown.
- **A comparison counts for the register that was compared**, and for copies of it made before. What was computed from it
  earlier stays unknown.
- **Calls forget.** After a call r1 to r5 hold nothing; after a helper that may move the packet, so do all pointers into it.
- **What may be NULL is not a pointer yet.** Compare it with 0, and it becomes one on the side where it is not.

## All of them

The class stands in \`skep verify -o json\` and in SARIF as the rule's name.

${toTable(['class', 'what', 'the kernel says, for instance'], overview)}

${sections.filter((text) => text !== '').join('\n\n')}
`;
}
