/**
 * What a policy says about a packet, straight from the words of the documented order: look at every rule, deny first, then
 * the most specific. Knows no map, no trie and no prefix of ports; shares nothing with the control plane but its types.
 */
import { parseIpv4, parseIpv6 } from '../../vm/address-text.js';
import { must } from '../../vm/errors.js';
import { IDENTITY_WORLD } from '../../bpf/control/policy.js';
import type { Policy, PolicyDirection, PolicyIdentity, PolicyRule } from '../../bpf/control/policy.js';

/** As in `enum match`: lines of the table in policy.bpf.c. */
export type Match = 'none' | 'peer-port' | 'any-port' | 'peer-protocol' | 'any-protocol' | 'peer' | 'all';

export interface Judgement {
  readonly reason: 'allowed' | 'denied' | 'no-rule';
  readonly match: Match;
}

export interface Question {
  readonly direction: PolicyDirection;
  /** Address of the other side. */
  readonly peer: string;
  readonly protocol: number;
  /** Destination port or ICMP type; 0 where there is none. */
  readonly port: number;
}

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

export function judge(policy: Policy, question: Question): Judgement {
  const rules = policy.rules.filter(({ direction }) => direction === question.direction);
  if (rules.length === 0) return { reason: 'allowed', match: 'all' };

  const peer = identityOf(policy.identities, question.peer);
  const fitting = rules.filter((rule) => fits(rule, peer, question));
  const denying = fitting.filter(({ action }) => action === 'deny');
  // One that names the peer is found first, and then no other is looked for.
  const named = denying.filter((rule) => rule.peer !== undefined);
  const deciding = named.length > 0 ? named : denying.length > 0 ? denying : fitting;
  const [first, ...rest] = deciding;
  if (first === undefined) return { reason: 'no-rule', match: 'none' };

  const best = rest.reduce((a, b) => (outranks(b, a, question.port) ? b : a), first);
  return { reason: best.action === 'deny' ? 'denied' : 'allowed', match: matchOf(best, question.port) };
}

/** The identity whose longest prefix holds the address, bit by bit. */
export function identityOf(identities: readonly PolicyIdentity[], address: string): number {
  const bits = bitsOf(address);
  let best = { id: IDENTITY_WORLD, length: -1 };
  for (const { id, prefixes } of identities) {
    for (const prefix of prefixes) {
      const [network = '', count] = prefix.split('/');
      const networkBits = bitsOf(network);
      const length = Number(count ?? networkBits.length);
      if (networkBits.length !== bits.length || !bits.startsWith(networkBits.slice(0, length))) continue;
      if (length > best.length) best = { id, length };
    }
  }
  return best.id;
}

function bitsOf(address: string): string {
  const bytes = must(parseIpv4(address) ?? parseIpv6(address), 'an address');
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function protocolOf({ protocol }: PolicyRule): number | undefined {
  return typeof protocol === 'string' ? NUMBERS[protocol] : protocol;
}

function fits(rule: PolicyRule, peer: number, { protocol, port }: Question): boolean {
  const { ports } = rule;
  if (rule.peer !== undefined && rule.peer !== peer) return false;
  if (rule.protocol !== undefined && protocolOf(rule) !== protocol) return false;
  if (ports === undefined) return true;
  return typeof ports === 'number' ? ports === port : ports.from <= port && port <= ports.to;
}

/**
 * How much a rule's ports say of this port: 16 for this port alone, one less for each doubling of the aligned block of
 * ports around it that the rule holds whole; 0 for any port.
 */
function portDetail({ ports }: PolicyRule, port: number): number {
  if (ports === undefined) return 0;
  const { from, to } = typeof ports === 'number' ? { from: ports, to: ports } : ports;
  let detail = 16;
  for (let size = 2; size <= 65536; size *= 2) {
    const start = port - (port % size);
    if (start < from || start + size - 1 > to) break;
    detail--;
  }
  return detail;
}

function outranks(a: PolicyRule, b: PolicyRule, port: number): boolean {
  const specific = (rule: PolicyRule) => (rule.protocol === undefined ? -1 : portDetail(rule, port));
  const [ours, theirs] = [specific(a), specific(b)];
  return ours !== theirs ? ours > theirs : a.peer !== undefined && b.peer === undefined;
}

function matchOf(rule: PolicyRule, port: number): Match {
  const who = rule.peer === undefined ? 'any' : 'peer';
  if (rule.protocol === undefined) return rule.peer === undefined ? 'all' : 'peer';
  return portDetail(rule, port) === 0 ? `${who}-protocol` : `${who}-port`;
}
