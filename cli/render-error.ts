/** Errors for people: one message with where and what to do, the same for every command. */
import { ConfigErrors, SkepError } from '../vm/index.js';
import type { Where } from '../vm/index.js';

/** `file:line:col`, `file at byte 0x40`, `section xdp`, as far as is known. */
function placeOf(where: Where): string {
  const parts: string[] = [];
  if (where.file !== undefined) {
    const line =
      where.line === undefined ? '' : `:${String(where.line)}${where.col === undefined ? '' : `:${String(where.col)}`}`;
    parts.push(`${where.file}${line}`);
  } else if (where.line !== undefined) {
    parts.push(`line ${String(where.line)}${where.col === undefined ? '' : `:${String(where.col)}`}`);
  }
  if (where.section !== undefined) parts.push(`section ${where.section}`);
  if (where.offset !== undefined) parts.push(`byte offset 0x${where.offset.toString(16)}`);
  if (where.func !== undefined) parts.push(`function ${where.func}`);
  if (where.pc !== undefined) parts.push(`insn ${String(where.pc)}`);
  return parts.join(', ');
}

/** The message, the source line with a caret where there is one, and the hint; ends with a newline. */
export function renderError(error: Pick<SkepError, 'message' | 'where' | 'hint'>): string {
  const { where, hint } = error;
  const place = placeOf(where);
  const lines = [`skep: ${place === '' ? '' : `${place}: `}${error.message}`];
  if (where.text !== undefined) {
    lines.push(`  ${where.text}`);
    if (where.col !== undefined) {
      const lead = where.text.slice(0, where.col - 1).replace(/[^\t]/g, ' ');
      lines.push(`  ${lead}^`);
    }
  }
  if (where.source !== undefined) {
    lines.push(`  ${where.source.file}:${String(where.source.line)}: ${where.source.text.trim()}`);
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return `${lines.join('\n')}\n`;
}

/** Renders what a command threw; anything but a SkepError is a bug and keeps its stack. */
export function renderThrown(thrown: unknown): string {
  if (thrown instanceof ConfigErrors) return thrown.errors.map((each) => renderError(each)).join('');
  if (thrown instanceof SkepError) return renderError(thrown as SkepError);
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return `skep: this should not have happened, please report it:\n${text}\n`;
}
