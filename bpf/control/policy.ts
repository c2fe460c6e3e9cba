/**
 * The control plane of `policy.bpf.c`: identities and rules, as people think of them, to the entries of the maps `ipcache`
 * and `rules`. Pure; knows no machine, no kernel and no file. Layouts are those of the C structs, on a little-endian
 * machine.
 */
import { parseIpv4, parseIpv6 } from '../../vm/address-text.js';
import { toHex, viewOf } from '../../vm/bytes.js';
import { ConfigError } from '../../vm/errors.js';
import { PORT_BITS, portPrefixes } from './policy-ports.js';

/** Whom no identity's prefixes hold. Rules may name it without listing it. */
export const IDENTITY_WORLD = 2;

/** A group of peers that rules speak of. */
export interface PolicyIdentity {
  /** 1 to 2^32 - 1. */
  readonly id: number;
  /** `10.1.0.0/16`, `2001:db8::/32`; an address alone is a whole one. Of prefixes that hold an address the longest wins. */
  readonly prefixes: readonly string[];
}

export type PolicyDirection = 'ingress' | 'egress';

const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

/** A name, or an IP protocol number for others. */
export type PolicyProtocol = keyof typeof PROTOCOLS | number;

/** Both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** What is left away means "any". */
export interface PolicyRule {
  readonly direction: PolicyDirection;
  readonly action: 'allow' | 'deny';
  /** Identity of the other side: the source of ingress, the destination of egress. */
  readonly peer?: number;
  readonly protocol?: PolicyProtocol;
  /** Destination ports of TCP, UDP and SCTP; message types of ICMP. Needs a protocol. */
  readonly ports?: number | PortRange;
}

/**
 * A direction that no rule speaks of is open. One rule closes it: then only what a rule allows passes, and nothing that
 * a rule denies.
 */
export interface Policy {
  readonly identities: readonly PolicyIdentity[];
  readonly rules: readonly PolicyRule[];
}

/** Key and value as the map holds them. */
export interface PolicyMapEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface PolicyMaps {
  readonly ipcache: readonly PolicyMapEntry[];
  readonly rules: readonly PolicyMapEntry[];
}

const IDENTITY_ANY = 0;
const IDENTITY_MAX = 0xffff_ffff;
const MAPPED_IPV4_BITS = 96;
const PROTOCOL_BITS = 8;
/** Identity and direction, which every rule's key holds whole. */
const FIXED_BITS = 40;
const PREFIX_BYTES = 20;
const RULE_KEY_BYTES = 12;
const RULE_BYTES = 16;
const ICMP_TYPE_MAX = 255;
const DIRECTIONS = ['ingress', 'egress'] as const satisfies readonly PolicyDirection[];

/** What one key of the map `rules` says; `bits` are those of protocol and port that count, 0 to 24. */
interface RuleEntry {
  readonly direction: PolicyDirection;
  readonly peer: number;
  readonly protocol: number;
  readonly port: number;
  readonly bits: number;
  readonly deny: boolean;
}

/**
 * The entries of both maps. An entry that allows what a broader one for the same peer denies is left out: the trie
 * would find it, and never see the denial behind it.
 * @throws ConfigError `config-value` with the path of what is wrong in `data.path`
 */
export function policyMaps(policy: Policy): PolicyMaps {
  return { ipcache: identityEntries(policy.identities), rules: ruleEntries(policy) };
}

function identityEntries(identities: readonly PolicyIdentity[]): PolicyMapEntry[] {
  const owners = new Map<string, number>();
  return identities.flatMap(({ id, prefixes }, at) => {
    if (!isWithin(id, 1, IDENTITY_MAX))
      refuse(`identities[${at}].id`, `an identity is 1 to ${IDENTITY_MAX}, not ${id}`);
    return prefixes.map((text, index) => {
      const path = `identities[${at}].prefixes[${index}]`;
      const key = prefixKey(text) ?? refuse(path, `\`${text}\` is no prefix such as 10.1.0.0/16 or 2001:db8::/32`);
      const owner = owners.get(toHex(key));
      if (owner !== undefined && owner !== id) refuse(path, `\`${text}\` belongs to identity ${owner} already`);
      owners.set(toHex(key), id);
      const value = new Uint8Array(4);
      viewOf(value).setUint32(0, id, true);
      return { key, value };
    });
  });
}

/** `struct prefix`; undefined where the text is none. Bits behind the prefix are cleared. */
function prefixKey(text: string): Uint8Array | undefined {
  const match = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const ipv4 = parseIpv4(match?.[1] ?? '');
  const bytes = ipv4 ?? parseIpv6(match?.[1] ?? '');
  if (bytes === undefined) return undefined;
  const addressBits = 8 * bytes.length;
  const bits = Number(match?.[2] ?? addressBits);
  if (bits > addressBits) return undefined;

  const length = ipv4 === undefined ? bits : bits + MAPPED_IPV4_BITS;
  const key = new Uint8Array(PREFIX_BYTES);
  viewOf(key).setUint32(0, length, true);
  if (ipv4 !== undefined) key.fill(0xff, 14, 16);
  key.set(bytes, PREFIX_BYTES - bytes.length);
  for (let byte = 0; byte < 16; byte++) {
    const kept = Math.min(8, Math.max(0, length - 8 * byte));
    key[4 + byte] = (key[4 + byte] ?? 0) & (0xff00 >> kept);
  }
  return key;
}

function ruleEntries({ identities, rules }: Policy): PolicyMapEntry[] {
  const known = new Set([IDENTITY_WORLD, ...identities.map(({ id }) => id)]);
  const entries = new Map<string, RuleEntry>();
  const add = (entry: RuleEntry): void => {
    const name = nameOf(entry);
    if (entry.deny || !entries.has(name)) entries.set(name, entry);
  };
  for (const [index, rule] of rules.entries()) for (const entry of expand(rule, `rules[${index}]`, known)) add(entry);
  for (const direction of DIRECTIONS) {
    if (rules.some((rule) => rule.direction === direction)) continue;
    add({ direction, peer: IDENTITY_ANY, protocol: 0, port: 0, bits: 0, deny: false });
  }
  return [...entries.values()].filter((entry) => entry.deny || !isDenied(entry, entries)).map(encodeRule);
}

/** The entries of one rule: one for each prefix of its ports. */
function expand(rule: PolicyRule, path: string, known: ReadonlySet<number>): RuleEntry[] {
  const { direction, peer = IDENTITY_ANY, ports } = rule;
  if (rule.peer !== undefined && !known.has(rule.peer)) {
    refuse(`${path}.peer`, `no identity ${rule.peer}`, `identities are ${[...known].join(', ')}`);
  }
  const base = { direction, peer, deny: rule.action === 'deny' };
  if (rule.protocol === undefined) {
    if (ports !== undefined) refuse(`${path}.ports`, 'ports without a protocol', 'say which protocol they belong to');
    return [{ ...base, protocol: 0, port: 0, bits: 0 }];
  }
  const protocol = typeof rule.protocol === 'number' ? rule.protocol : PROTOCOLS[rule.protocol];
  if (!isWithin(protocol, 0, 255)) refuse(`${path}.protocol`, `a protocol is 0 to 255, not ${protocol}`);
  if (ports === undefined) return [{ ...base, protocol, port: 0, bits: PROTOCOL_BITS }];

  if (!Object.values<number>(PROTOCOLS).includes(protocol)) {
    refuse(`${path}.ports`, `protocol ${protocol} has no ports that skep's policy reads`);
  }
  const isIcmp = protocol === PROTOCOLS.icmp || protocol === PROTOCOLS.icmpv6;
  const max = isIcmp ? ICMP_TYPE_MAX : 2 ** PORT_BITS - 1;
  const { from, to } = typeof ports === 'number' ? { from: ports, to: ports } : ports;
  if (!isWithin(from, 0, max) || !isWithin(to, from, max)) {
    refuse(`${path}.ports`, `${isIcmp ? 'ICMP types' : 'ports'} are 0 to ${max} and ascend, not ${from} to ${to}`);
  }
  return portPrefixes(from, to).map(({ port, bits }) => ({ ...base, protocol, port, bits: PROTOCOL_BITS + bits }));
}

function nameOf({ direction, peer, protocol, port, bits }: RuleEntry): string {
  return `${direction} ${peer} ${protocol} ${port} ${bits}`;
}

/** Whether an entry for the same peer that is broader, or the same, denies. */
function isDenied(entry: RuleEntry, entries: ReadonlyMap<string, RuleEntry>): boolean {
  for (let bits = entry.bits; bits >= 0; bits--) {
    if (bits > 0 && bits < PROTOCOL_BITS) continue;
    const broader = {
      ...entry,
      bits,
      protocol: bits === 0 ? 0 : entry.protocol,
      port: bits === 0 ? 0 : entry.port & (0xffff << (PROTOCOL_BITS + PORT_BITS - bits)) & 0xffff,
    };
    if (entries.get(nameOf(broader))?.deny === true) return true;
  }
  return false;
}

/** `struct rule_key` and `struct rule`. */
function encodeRule({ direction, peer, protocol, port, bits, deny }: RuleEntry): PolicyMapEntry {
  const key = new Uint8Array(RULE_KEY_BYTES);
  const keyView = viewOf(key);
  keyView.setUint32(0, FIXED_BITS + bits, true);
  keyView.setUint32(4, peer, true);
  keyView.setUint8(8, DIRECTIONS.indexOf(direction));
  keyView.setUint8(9, protocol);
  keyView.setUint16(10, port, false);
  const value = new Uint8Array(RULE_BYTES);
  viewOf(value).setUint8(0, deny ? 1 : 0);
  viewOf(value).setUint8(1, bits);
  return { key, value };
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function refuse(path: string, problem: string, hint?: string): never {
  throw new ConfigError('config-value', `${path}: ${problem}`, {
    data: { path },
    ...(hint === undefined ? {} : { hint }),
  });
}
