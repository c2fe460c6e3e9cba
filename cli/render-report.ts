/** A rejection report as text, in the shape of Linux 7.3: class, reason, place with a caret, path, suggestion. */
import { styleText } from 'node:util';
import type { RejectionReport, ReportStep } from '../vm/index.js';

/** Registers and steps that are worth a reader's time; the rest is counted. */
const MAX_STEPS = 12;

const WIDTH = 100;

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join('\n');
}

function placeOf({ line }: RejectionReport['at']): string | undefined {
  return line === undefined ? undefined : `${line.file}:${String(line.line)}:${String(line.col)}`;
}

/** The whole report, ending with a newline. */
export function renderReport(report: RejectionReport, program: string, colours = false): string {
  const bold = (text: string): string => (colours ? styleText('bold', text) : text);
  const red = (text: string): string => (colours ? styleText('red', text) : text);
  const sections = [
    `${red('Verification failed')}: ${report.family}: ${report.title}\n  ${program}: ${report.message}`,
    `${bold('Reason:')}\n${wrap(report.reason, '  ')}`,
    `${bold('At:')}\n${atLines(report, red).join('\n')}`,
    ...(report.knew.length === 0 ? [] : [`${bold('What the verifier knew there:')}\n${knewLines(report).join('\n')}`]),
    `${bold('Causal path:')}\n${pathLines(report.path).join('\n')}`,
    `${bold('Suggestion:')}\n${wrap(report.suggestion, '  ')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** A rejection in three lines or less, ending with a newline. */
export function renderBrief(report: RejectionReport, program: string): string {
  const place = placeOf(report.at);
  const lines = [`${program}: rejected: ${report.message}`];
  if (report.at.line !== undefined) lines.push(`  ${place ?? ''}: ${report.at.line.text.trim()}`);
  lines.push(`  ${report.family}: ${report.title} (--explain says more)`);
  return `${lines.join('\n')}\n`;
}

function atLines({ at }: RejectionReport, red: (text: string) => string): string[] {
  const insn = at.insn === undefined ? 'the program as a whole' : `insn ${String(at.insn)}`;
  const place = placeOf(at);
  const lines = [`  ${place === undefined ? insn : `${place}, ${insn}`}`];
  if (at.line !== undefined) {
    const { text, line, col } = at.line;
    const number = String(line).padStart(6);
    const source = text.trimEnd();
    // Columns count from the line's start; tabs stay tabs so that the caret stands right.
    const lead = source.slice(0, Math.max(0, col - 1)).replace(/[^\t]/g, ' ');
    lines.push(`${number} | ${source}`, `       | ${lead}${red(`^-- ${at.mark}`)}`);
  } else lines.push(`         ${red(`^-- ${at.mark}`)}`);
  if (at.context.length > 0) {
    lines.push('  Instruction context:');
    for (const { insn: number, text } of at.context) {
      const mark = number === at.insn ? '>>>' : '   ';
      lines.push(`  ${mark} ${String(number).padStart(4)} | ${text}`);
    }
  }
  return lines;
}

function knewLines({ knew }: RejectionReport): string[] {
  const frames = new Set(knew.map(({ frame }) => frame));
  const width = Math.max(...knew.map(({ name }) => name.length));
  return knew.map(({ name, frame, words }) => {
    const where = frames.size > 1 ? `frame ${String(frame)} ` : '';
    return `  ${where}${name.padEnd(width)}  ${words}`;
  });
}

function pathLines(path: readonly ReportStep[]): string[] {
  if (path.length === 0) return ['  straight from the first instruction'];
  const shown = path.slice(-MAX_STEPS);
  const left = path.length - shown.length;
  return [
    ...(left === 0 ? [] : [`  ... ${String(left)} earlier steps`]),
    ...shown.map(({ insn, line, taken }) => {
      const source = line === undefined ? '' : ` ${line.file}:${String(line.line)}  ${line.text.trim()}`;
      const jump = taken === undefined ? '' : taken ? '  (jump taken)' : '  (jump not taken)';
      return `  insn ${String(insn)}:${source}${jump}`;
    }),
  ];
}
