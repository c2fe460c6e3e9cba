/** Policies and packets for properties: few values of each kind, so that rules and packets meet often. */
import fc from 'fast-check';
import type { Policy, PolicyDirection, PolicyRule } from '../../bpf/control/policy.js';
import { frame, PROTOCOL } from './policy-frames.js';
import type { Question } from './policy-model.js';

/** Prefixes within prefixes, both versions; 2 is the world. */
const IDENTITIES = [
  { id: 100, prefixes: ['10.1.0.0/16', '2001:db8:1::/48'] },
  { id: 101, prefixes: ['10.1.2.0/24', '2001:db8:1:2::/64'] },
  { id: 70000, prefixes: ['10.1.2.3', '2001:db8:1:2::3'] },
];
const PEERS = {
  4: ['10.1.9.9', '10.1.2.9', '10.1.2.3', '203.0.113.5'],
  6: ['2001:db8:1:9::9', '2001:db8:1:2::9', '2001:db8:1:2::3', '2001:db8:ffff::5'],
};
const PORTS = [0, 1, 22, 79, 80, 81, 443, 1023, 1024, 8080, 8087, 8088, 32768, 65534, 65535];
const TYPES = [0, 3, 8, 11, 13, 128];

const port = fc.oneof(fc.constantFrom(...PORTS), fc.integer({ min: 0, max: 65535 }));
const range = (of: fc.Arbitrary<number>) =>
  fc.tuple(of, of).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const type = fc.constantFrom(...TYPES);

const transport = fc.oneof(
  fc.record({ protocol: fc.constantFrom('tcp', 'udp', 'sctp', 6), ports: fc.oneof(port, range(port)) }),
  fc.record({ protocol: fc.constantFrom('icmp', 'icmpv6'), ports: fc.oneof(type, range(type)) }),
  fc.record({ protocol: fc.constantFrom('tcp', 'udp', 'sctp', 'icmp', 'icmpv6', PROTOCOL.gre) }),
  fc.constant({}),
) as fc.Arbitrary<Pick<PolicyRule, 'protocol' | 'ports'>>;

const direction = fc.constantFrom<PolicyDirection>('ingress', 'egress');
const peer = fc.oneof(
  fc.constant({}),
  fc.constantFrom(...[2, ...IDENTITIES.map(({ id }) => id)].map((id) => ({ peer: id }))),
);

const rule: fc.Arbitrary<PolicyRule> = fc
  .tuple(direction, fc.constantFrom<PolicyRule['action']>('allow', 'allow', 'deny'), peer, transport)
  .map(([direction, action, peer, transport]) => ({ direction, action, ...peer, ...transport }));

export const policies: fc.Arbitrary<Policy> = fc
  .array(rule, { maxLength: 14 })
  .map((rules) => ({ identities: IDENTITIES, rules }));

/** Ports at the edges of the rules' ranges are where mistakes are. */
function portsNear({ rules }: Policy): number[] {
  const edges = rules.flatMap(({ ports }) =>
    ports === undefined ? [] : typeof ports === 'number' ? [ports] : [ports.from, ports.to],
  );
  return [...PORTS, ...edges.flatMap((edge) => [edge - 1, edge, edge + 1])].filter((p) => p >= 0 && p <= 65535);
}

/** ICMP messages that no connection waits for and that are no errors: the rules alone decide. */
function plainTypes(version: 4 | 6): number[] {
  return version === 4 ? [0, 8, 13] : [128, 129, 130];
}

export function questions(policy: Policy): fc.Arbitrary<Question> {
  return fc
    .tuple(direction, fc.constantFrom<4 | 6>(4, 6), fc.nat(3), fc.constantFrom('tcp', 'udp', 'sctp', 'gre', 'icmp'))
    .chain(([direction, version, at, name]) => {
      const protocol = name === 'icmp' && version === 6 ? PROTOCOL.icmpv6 : PROTOCOL[name as keyof typeof PROTOCOL];
      const ports = name === 'icmp' ? plainTypes(version) : name === 'gre' ? [0] : portsNear(policy);
      return fc.constantFrom(...ports).map((port) => ({ direction, peer: PEERS[version][at] ?? '', protocol, port }));
    });
}

/** The question as a frame; `serial` gives each its own local address, so that no two are of one connection. */
export function frameOf({ direction, peer, protocol, port }: Question, serial: number): Uint8Array {
  const tail = `${serial >> 8}${peer.includes(':') ? ':' : '.'}${serial & 255}`;
  const local = peer.includes(':') ? `2001:db8:9::${tail}` : `10.9.${tail}`;
  const [source, destination] = direction === 'ingress' ? [peer, local] : [local, peer];
  return frame({ source, destination, protocol, port, identifier: serial });
}
