/**
 * How a program spreads flows: for each destination that packets came for, where they were sent instead. Looks at
 * destinations before and after, so it needs no word from the program. Knows no maps.
 */
import { formatIp } from '../world/ip-prefix.js';
import { parseFrame } from '../net/parse-frame.js';
import type { Header } from '../net/headers.js';

export interface SpreadRow {
  /** As in `tcp 198.51.100.10:80`. */
  readonly to: string;
  /** As in `10.0.0.1:8080`; the outermost address, so that of a tunnel where there is one. */
  readonly sentTo: string;
  readonly packets: number;
  readonly flows: number;
}

/** Flows that are told apart, and rows; what comes after them is counted with `beyond`. */
const MAX_FLOWS = 1_000_000;
const MAX_ROWS = 10_000;

interface End {
  readonly address: string;
  readonly port: number | undefined;
}

interface Seen {
  readonly protocol: string;
  readonly source: End;
  readonly destination: End;
}

interface Row {
  readonly to: string;
  readonly sentTo: string;
  packets: number;
  flows: number;
}

export class Spread {
  readonly #rows = new Map<string, Row>();
  readonly #flows = new Set<string>();
  #beyond = 0;

  /**
   * Counts a packet with ports (TCP, UDP, SCTP) whose destination the program has changed; others are not looked at.
   * @param frame as it came
   * @param left as it left
   */
  add(frame: Uint8Array, left: Uint8Array): void {
    const before = outermost(frame);
    const after = outermost(left);
    if (before?.destination.port === undefined || after === undefined) return;
    const [to, sentTo] = [`${before.protocol} ${text(before.destination)}`, text(after.destination)];
    if (text(before.destination) === sentTo) return;
    const key = `${to} ${sentTo}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= MAX_ROWS) {
        this.#beyond++;
        return;
      }
      row = { to, sentTo, packets: 0, flows: 0 };
      this.#rows.set(key, row);
    }
    row.packets++;
    const flow = `${key} ${text(before.source)}`;
    if (this.#flows.has(flow)) return;
    if (this.#flows.size >= MAX_FLOWS) {
      this.#beyond++;
      return;
    }
    this.#flows.add(flow);
    row.flows++;
  }

  /** By destination, then by where packets were sent. */
  rows(): readonly SpreadRow[] {
    return [...this.#rows.values()].sort((a, b) => byNumbers(a.to, b.to) || byNumbers(a.sentTo, b.sentTo));
  }

  /** Packets of flows and destinations that were too many to be told apart. */
  get beyond(): number {
    return this.#beyond;
  }
}

/** Text order, but for numbers within it, which count as such. */
function byNumbers(a: string, b: string): number {
  const padded = (text: string): string => text.replace(/\d+/g, (digits) => digits.padStart(10, '0'));
  const [left, right] = [padded(a), padded(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function outermost(frame: Uint8Array): Seen | undefined {
  const { headers } = parseFrame(frame);
  const at = headers.findIndex(({ kind }) => kind === 'ipv4' || kind === 'ipv6');
  const ip = headers[at];
  if (ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') return undefined;
  const transport = headers.slice(at + 1).find(({ kind }) => kind !== 'ipv6-extension');
  const ports = portsOf(transport);
  return {
    protocol: transport?.kind ?? 'ip',
    source: { address: formatIp(ip.src), port: ports?.[0] },
    destination: { address: formatIp(ip.dst), port: ports?.[1] },
  };
}

function portsOf(header: Header | undefined): readonly [source: number, destination: number] | undefined {
  if (header?.kind !== 'tcp' && header?.kind !== 'udp' && header?.kind !== 'sctp') return undefined;
  return [header.srcPort, header.dstPort];
}

function text({ address, port }: End): string {
  if (port === undefined) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${String(port)}`;
}
