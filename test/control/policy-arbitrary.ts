/** Policies and packets for properties: few values of each kind, so that rules and packets meet often. */
import fc from 'fast-check';
import type { Policy, PolicyDirection, PolicyProtocol, PolicyRule } from '../../bpf/control/policy.js';
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
/** Of the peers, in their order. */
const PEER_IDENTITIES = [100, 101, 70000, 2];
const PORTS = [0, 1, 22, 79, 80, 81, 443, 1023, 1024, 8080, 8087, 8088, 32768, 65534, 65535];
const TYPES = [0, 3, 8, 11, 13, 128];

const port = fc.oneof(fc.constantFrom(...PORTS), fc.integer({ min: 0, max: 65535 }));
const range = (of: fc.Arbitrary<number>) =>
  fc.tuple(of, of).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const type = fc.constantFrom(...TYPES);

const transport: fc.Arbitrary<Pick<PolicyRule, 'protocol' | 'ports'>> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      protocol: fc.constantFrom<PolicyProtocol>('tcp', 'tcp', 6, 'udp', 'sctp'),
      ports: fc.oneof(port, range(port)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      protocol: fc.constantFrom<PolicyProtocol>('icmp', 'icmpv6'),
      ports: fc.oneof(type, range(type)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      protocol: fc.constantFrom<PolicyProtocol>('tcp', 'udp', 'sctp', 'icmp', 'icmpv6', PROTOCOL.gre),
    }),
  },
  { weight: 1, arbitrary: fc.constant({}) },
);

const direction = fc.constantFrom<PolicyDirection>('ingress', 'ingress', 'egress');
const peer = fc.constantFrom<{ peer?: number }>({}, {}, { peer: 2 }, ...IDENTITIES.map(({ id }) => ({ peer: id })));

const rule: fc.Arbitrary<PolicyRule> = fc
  .tuple(direction, fc.constantFrom<PolicyRule['action']>('allow', 'allow', 'allow', 'deny'), peer, transport)
  .map(([direction, action, peer, transport]) => ({ direction, action, ...peer, ...transport }));

export const policies: fc.Arbitrary<Policy> = fc
  .array(rule, { minLength: 1, maxLength: 14 })
  .map((rules) => ({ identities: IDENTITIES, rules }));

/** ICMP messages that no connection waits for and that are no errors: the rules alone decide. */
const PLAIN_TYPES = { 4: [0, 8, 13], 6: [128, 129, 130] };

/** Ports inside and just outside of a rule's range are where mistakes are. */
function portsNear({ ports }: PolicyRule): number[] {
  if (ports === undefined) return PORTS;
  const { from, to } = typeof ports === 'number' ? { from: ports, to: ports } : ports;
  const near = [from, to, (from + to) >> 1, from - 1, from + 1, to - 1, to + 1];
  return near.filter((port) => port >= 0 && port <= 65535);
}

/** A question near one of the rules, so that rules and packets meet; what does not fit together falls back to TCP. */
export function questions({ rules }: Policy): fc.Arbitrary<Question> {
  return fc
    .tuple(fc.constantFrom(...rules), fc.constantFrom<4 | 6>(4, 6), fc.nat(7), fc.constantFrom('tcp', 'udp', 'gre'))
    .chain(([rule, version, who, other]) => {
      const at = who < 4 ? who : Math.max(0, PEER_IDENTITIES.indexOf(rule.peer ?? 2));
      const named = rule.protocol ?? other;
      const wanted = typeof named === 'number' ? named : PROTOCOL[named];
      const isIcmp = wanted === PROTOCOL.icmp || wanted === PROTOCOL.icmpv6;
      const protocol = isIcmp ? (version === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6) : wanted;
      const ports = isIcmp ? PLAIN_TYPES[version] : protocol === PROTOCOL.gre ? [0] : portsNear(rule);
      return fc.constantFrom(...ports).map((port) => ({
        direction: rule.direction,
        peer: PEERS[version][at] ?? '',
        protocol,
        port,
      }));
    });
}

/** The question as a frame; `serial` gives each its own local address, so that no two are of one connection. */
export function frameOf({ direction, peer, protocol, port }: Question, serial: number): Uint8Array {
  const tail = `${serial >> 8}${peer.includes(':') ? ':' : '.'}${serial & 255}`;
  const local = peer.includes(':') ? `2001:db8:9::${tail}` : `10.9.${tail}`;
  const [source, destination] = direction === 'ingress' ? [peer, local] : [local, peer];
  return frame({ source, destination, protocol, port, identifier: serial });
}
