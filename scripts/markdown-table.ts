/** Markdown tables from rows of text. Knows no table in particular. */

/** A table whose cells may hold `|`; alignment is left to the formatter. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function toHex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
