/** What `skep run` prints: the verdict table, traps with their C line, packet lines, JSON. Knows no files. */
import { styleText } from 'node:util';
import { endsPacket, redirectText, summarizePacket, tunnelText } from '../vm/index.js';
import type { CodePlace, PacketOutcome, ReplaySummary, Spread, TrapReport } from '../vm/index.js';
import { eventData } from './run-events.js';
import type { EventDecoder } from './run-events.js';
import { renderTable } from './text-table.js';

function plural(count: number, what: string): string {
  // The host's own formatter takes tens of milliseconds to begin.
  return `${String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')} ${what}${count === 1 ? '' : 's'}`;
}

export function share(part: number, whole: number): string {
  return `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`;
}

function verdictTable(summary: ReplaySummary): string {
  const row = (name: string, packets: number, bytes: number, insns: ReplaySummary['insns']): string[] => [
    name,
    String(packets),
    String(bytes),
    share(packets, summary.packets),
    ...(insns === undefined ? ['', '', ''] : [String(insns.min), String(insns.median), String(insns.p99)]),
  ];
  const rows = summary.verdicts.map(({ verdict, packets, bytes, insns }) => row(verdict, packets, bytes, insns));
  if (rows.length > 1) rows.push(row('total', summary.packets, summary.bytes, summary.insns));
  return renderTable(['VERDICT', 'PACKETS', 'BYTES', 'SHARE', 'INSNS MIN', 'MEDIAN', 'P99'], rows, [1, 2, 3, 4, 5, 6]);
}

/** A trap in two or three lines: what, where in the bytecode, where in C. */
export function renderTrap(trap: TrapReport): string {
  const lines = [
    trap.message,
    `  at ${trap.func}, insn ${String(trap.pc)} (${trap.section}+0x${trap.sectionOff.toString(16)})`,
  ];
  const { line } = trap;
  if (line !== undefined) lines.push(`  ${line.file}:${String(line.line)}:${String(line.col)}: ${line.text.trim()}`);
  return lines.join('\n');
}

/** Verdicts that let a packet go on as usual: the most common one of them needs no reason. */
const PASSES: ReadonlySet<string> = new Set(['XDP_PASS', 'TC_ACT_OK', 'TC_ACT_UNSPEC', 'TCX_PASS', 'TCX_NEXT']);

function placeText({ func, pc, line }: CodePlace): string {
  if (line === undefined) return `${func}, insn ${String(pc)}`;
  return `${line.file.replace(/^(\.\/)+/, '')}:${String(line.line)}: ${line.text.trim()}`;
}

/**
 * Why packets got their verdicts, as far as is known: reasons, and the lines that decided. Where there are reasons, they suffice
 * for verdicts that let packets go on; where there are none, the most common such verdict needs no line. Undefined where
 * nothing is left.
 */
export function renderDecisions({ verdicts, decisions, reasons }: ReplaySummary): string | undefined {
  const usual = verdicts.find(({ verdict }) => PASSES.has(verdict))?.verdict;
  const wantsLine = (verdict: string): boolean =>
    decisions !== undefined && (reasons === undefined ? verdict !== usual : endsPacket(verdict));
  const rows: { verdict: string; reason?: string | undefined; packets: number; first: number; place?: CodePlace }[] = [
    ...(decisions ?? []).filter(({ verdict }) => wantsLine(verdict)),
    ...(reasons ?? []).filter(({ verdict }) => !wantsLine(verdict)),
  ];
  if (rows.length === 0) return undefined;
  const order = verdicts.map(({ verdict }) => verdict);
  rows.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const hasLines = rows.some(({ place }) => place !== undefined);
  const table = rows.map(({ verdict, reason, packets, first, place }) => [
    verdict,
    ...(reasons === undefined ? [] : [reason ?? '']),
    String(packets),
    String(first),
    ...(hasLines ? [place === undefined ? '' : placeText(place)] : []),
  ]);
  const head = [
    'VERDICT',
    ...(reasons === undefined ? [] : ['REASON']),
    'PACKETS',
    'FIRST',
    ...(hasLines ? ['DECIDED AT'] : []),
  ];
  const at = head.indexOf('PACKETS');
  return `${renderTable(head, table, [at, at + 1])}\n`;
}

/** For each destination where its packets were sent; undefined where none was changed. */
export function renderSpread(spread: Spread): string | undefined {
  const rows = spread.rows();
  if (rows.length === 0) return undefined;
  const flows = new Map<string, number>();
  for (const row of rows) flows.set(row.to, (flows.get(row.to) ?? 0) + row.flows);
  const table = rows.map((row, index) => [
    row.to === rows[index - 1]?.to ? '' : row.to,
    row.sentTo,
    String(row.packets),
    String(row.flows),
    share(row.flows, flows.get(row.to) ?? 0),
  ]);
  const note = spread.beyond === 0 ? '' : `${plural(spread.beyond, 'packet')} beyond what is told apart\n`;
  return `${renderTable(['TO', 'SENT TO', 'PACKETS', 'FLOWS', 'OF ITS FLOWS'], table, [2, 3, 4])}\n${note}`;
}

/** The report for people; ends with a newline. */
export function renderSummary(summary: ReplaySummary): string {
  const parts = [summary.packets === 0 ? 'no packets' : verdictTable(summary)];
  for (const { trap, packets, first } of summary.traps) {
    parts.push(`trap in ${plural(packets, 'packet')}, first in packet ${String(first)}: ${renderTrap(trap)}`);
  }
  const sent = [...summary.events].map(([map, count]) => `${plural(count, 'event')} from map \`${map}\``);
  if (summary.traceLines > 0) sent.push(plural(summary.traceLines, 'trace line'));
  if (summary.lost > 0) sent.push(`${plural(summary.lost, 'event')} lost`);
  if (sent.length > 0) parts.push(sent.join(', '));
  return `${parts.join('\n\n')}\n`;
}

/** What people see of a verdict, coloured where the stream takes colours. */
function paint(verdict: string, colours: boolean): string {
  if (!colours) return verdict;
  const colour = /DROP|ABORTED|SHOT/.test(verdict) ? 'red' : /PASS|OK/.test(verdict) ? 'green' : 'yellow';
  return styleText(colour, verdict);
}

/** Decimal places of a capture's clock that tell packets apart. */
function clockText(sec: number, nsec: number): string {
  const time = new Date(sec * 1000).toISOString().slice(11, 19);
  return `${time}.${String(Math.floor(nsec / 1000)).padStart(6, '0')}`;
}

/** What more than its verdict is wanted of a packet. */
export interface PacketDetails {
  /** Prints events, where it is given. */
  readonly events?: EventDecoder;
  /** Name of the stage, where there are several. */
  readonly stage?: string;
}

/** One packet in one line, and a line for each event, trace line and trap of it; ends with a newline. */
export function renderPacket(outcome: PacketOutcome, colours: boolean, details: PacketDetails = {}): string {
  const { packet, frame, verdict, insns, trace, trap, decided, reason, redirect, tunnel, clones } = outcome;
  const because = reason === undefined ? '' : ` ${reason}`;
  const target = `${redirect === undefined ? '' : ` -> ${redirectText(redirect)}`}${because}`;
  const lines = [
    [
      String(packet.index + 1).padStart(5),
      ...(details.stage === undefined ? [] : [details.stage]),
      clockText(packet.sec, packet.nsec),
      `${paint(verdict, colours)}${target}${' '.repeat(Math.max(0, 12 - verdict.length - target.length))}`,
      `${String(insns).padStart(5)} insns`,
      summarizePacket(frame),
    ].join('  '),
  ];
  const [place] = decided ?? [];
  const wantsPlace = reason === undefined ? !PASSES.has(verdict) : endsPacket(verdict);
  if (place !== undefined && trap === undefined && wantsPlace) lines.push(`       decided at ${placeText(place)}`);
  for (const event of details.events === undefined ? [] : outcome.events) {
    lines.push(`       ${details.events?.text(event) ?? ''}`);
  }
  if (tunnel !== undefined) lines.push(`       ${tunnelText(tunnel)}`);
  for (const { ifindex, packet } of clones) {
    lines.push(`       clone -> ifindex ${String(ifindex)}, ${plural(packet.length, 'byte')}`);
  }
  for (const line of trace) lines.push(`       trace: ${line}`);
  if (trap !== undefined)
    lines.push(
      ...renderTrap(trap)
        .split('\n')
        .map((line) => `       ${line}`),
    );
  return `${lines.join('\n')}\n`;
}

/** The summary as plain data. */
export function summaryJson(summary: ReplaySummary): unknown {
  return { ...summary, events: Object.fromEntries(summary.events) };
}

/** One packet as plain data. */
export function packetJson(outcome: PacketOutcome, decoder: EventDecoder): unknown {
  const { packet, frame, verdict, code, insns, events, trace, trap, decided, reason, redirect, tunnel, clones } =
    outcome;
  return {
    packet: packet.index + 1,
    sec: packet.sec,
    nsec: packet.nsec,
    bytes: frame.length,
    summary: summarizePacket(frame),
    verdict,
    code,
    insns,
    events: events.map((event) => eventData(event, decoder)),
    trace,
    ...(redirect === undefined ? {} : { redirect }),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(clones.length === 0
      ? {}
      : { clones: clones.map((clone) => ({ ...clone, packet: Buffer.from(clone.packet).toString('hex') })) }),
    ...(reason === undefined ? {} : { reason }),
    ...(decided === undefined ? {} : { decided }),
    ...(trap === undefined ? {} : { trap }),
  };
}
