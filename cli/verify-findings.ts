/** Rejections for machines: SARIF 2.1.0, and annotations that GitHub shows at the C line. */
import type { VerifiedProgram } from './verify-row.js';

const SARIF_SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

interface Finding {
  readonly rule: string;
  readonly title: string;
  readonly help: string;
  readonly message: string;
  readonly file: string;
  readonly line?: number;
  readonly col?: number;
}

function findingsOf(rows: readonly VerifiedProgram[]): Finding[] {
  return rows.flatMap((row): Finding[] => {
    const { report } = row;
    if (report === undefined) return [];
    const { line } = report.at;
    return [
      {
        rule: report.class,
        title: `${report.family}: ${report.title}`,
        help: report.suggestion,
        message: `${row.program}: ${report.message}. ${report.reason}`,
        ...(line === undefined ? { file: row.file } : { file: line.file, line: line.line, col: line.col }),
      },
    ];
  });
}

/** A SARIF log with one result for each rejected program. */
export function renderSarif(rows: readonly VerifiedProgram[], version: string): string {
  const findings = findingsOf(rows);
  const rules = new Map(findings.map((finding) => [finding.rule, finding]));
  const log = {
    $schema: SARIF_SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'skep verify',
            version,
            rules: [...rules.values()].map(({ rule, title, help }) => ({
              id: rule,
              shortDescription: { text: title },
              help: { text: help },
            })),
          },
        },
        results: findings.map(({ rule, message, file, line, col }) => ({
          ruleId: rule,
          level: 'error',
          message: { text: message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file.replaceAll('\\', '/').replace(/^\.\//, '') },
                ...(line === undefined
                  ? {}
                  : { region: { startLine: line, ...(col === undefined ? {} : { startColumn: col }) } }),
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '%': '%25', '\r': '%0D', '\n': '%0A', ':': '%3A', ',': '%2C' };

/** Workflow commands, a line each. */
export function renderAnnotations(rows: readonly VerifiedProgram[]): string {
  const data = (text: string): string => text.replace(/[%\r\n]/g, (char) => ESCAPES[char] ?? char);
  const property = (text: string): string => text.replace(/[%\r\n:,]/g, (char) => ESCAPES[char] ?? char);
  return findingsOf(rows)
    .map(({ title, message, file, line, col }) => {
      const place = [
        `file=${property(file.replace(/^\.\//, ''))}`,
        ...(line === undefined ? [] : [`line=${String(line)}`]),
        ...(col === undefined ? [] : [`col=${String(col)}`]),
        `title=${property(title)}`,
      ];
      return `::error ${place.join(',')}::${data(message)}\n`;
    })
    .join('');
}
