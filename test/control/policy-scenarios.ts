/**
 * What policy.bpf.c does apart from the rules: connections, errors about them, fragments, what it cannot read. Each step is a
 * frame and the reason that must be counted for it. Knows nothing of who runs them.
 */
import type { Policy, PolicyDirection, PolicyRule } from '../../bpf/control/policy.js';
import { frame, ipPacket, PROTOCOL, TCP } from './policy-frames.js';
import type { FrameWords } from './policy-frames.js';

/** As in `enum reason`, in its order. */
export const REASONS = [
  'not-ip',
  'neighbour',
  'established',
  'reply',
  'related',
  'allowed',
  'malformed',
  'fragment',
  'denied',
  'no-rule',
] as const;

export type Reason = (typeof REASONS)[number];

/** Reasons from here on drop. */
const FIRST_DROP = REASONS.indexOf('malformed');
/** Reasons from here on are the rules', and pass in an audit. */
const FIRST_AUDITED = REASONS.indexOf('denied');

/** Whether a packet with this reason is dropped. */
export function drops(reason: Reason, audit = false): boolean {
  const index = REASONS.indexOf(reason);
  return index >= FIRST_DROP && !(audit && index >= FIRST_AUDITED);
}

/** Variables of .rodata, all of them __u32. */
export type Settings = Readonly<Record<string, number>>;

export interface Step {
  readonly direction: PolicyDirection;
  readonly frame: Uint8Array;
  readonly reason: Reason;
}

export interface Scenario {
  readonly name: string;
  readonly policy: Policy;
  readonly settings?: Settings;
  readonly steps: readonly Step[];
}

const HERE = '10.9.0.1';
const THERE = '10.1.2.3';
const ROUTER = '10.200.0.1';
const HERE6 = '2001:db8:9::1';
const THERE6 = '2001:db8:1::3';

const into = (words: Partial<FrameWords>): FrameWords => ({ source: THERE, destination: HERE, protocol: 6, ...words });
const out = (words: Partial<FrameWords>): FrameWords => ({ source: HERE, destination: THERE, protocol: 6, ...words });
const into6 = (words: Partial<FrameWords>): FrameWords => into({ source: THERE6, destination: HERE6, ...words });
const out6 = (words: Partial<FrameWords>): FrameWords => out({ source: HERE6, destination: THERE6, ...words });

const ingress = (words: FrameWords | Uint8Array, reason: Reason): Step => step('ingress', words, reason);
const egress = (words: FrameWords | Uint8Array, reason: Reason): Step => step('egress', words, reason);
function step(direction: PolicyDirection, words: FrameWords | Uint8Array, reason: Reason): Step {
  return { direction, frame: words instanceof Uint8Array ? words : frame(words), reason };
}

const identities = [{ id: 100, prefixes: ['10.1.0.0/16', '2001:db8:1::/48'] }];
const allow = (rule: Omit<PolicyRule, 'action'>): PolicyRule => ({ ...rule, action: 'allow' });
const deny = (rule: Omit<PolicyRule, 'action'>): PolicyRule => ({ ...rule, action: 'deny' });
const CLOSED: readonly PolicyRule[] = [
  deny({ direction: 'ingress', protocol: 0 }),
  deny({ direction: 'egress', protocol: 0 }),
];
/** In: nothing. Out: 53 and 443 of each transport protocol, and echo. */
const CLIENT: Policy = {
  identities,
  rules: [
    ...CLOSED,
    ...(['tcp', 'udp', 'sctp'] as const).flatMap((protocol) =>
      [53, 443].map((ports) => allow({ direction: 'egress', peer: 100, protocol, ports })),
    ),
    allow({ direction: 'egress', protocol: 'icmp', ports: 8 }),
    allow({ direction: 'egress', protocol: 'icmpv6', ports: 128 }),
    allow({ direction: 'egress', protocol: PROTOCOL.gre }),
  ],
};

/** The transport protocols with ports, both versions: a question, its answer, and what is no answer. */
const conversations = (['tcp', 'udp', 'sctp'] as const).flatMap((name): Scenario[] => {
  const protocol = PROTOCOL[name];
  return [[out, into] as const, [out6, into6] as const].map(([out, into], index) => ({
    name: `${name} over IPv${index === 0 ? 4 : 6}`,
    policy: CLIENT,
    steps: [
      ingress(into({ protocol, sourcePort: 53, port: 4000 }), 'no-rule'),
      egress(out({ protocol, sourcePort: 4000, port: 53 }), 'allowed'),
      ingress(into({ protocol, sourcePort: 53, port: 4000, flags: TCP.ack }), 'reply'),
      egress(out({ protocol, sourcePort: 4000, port: 53, flags: TCP.ack }), 'established'),
      ingress(into({ protocol, sourcePort: 53, port: 4001, flags: TCP.ack }), 'no-rule'),
      ingress(into({ protocol, sourcePort: 54, port: 4000, flags: TCP.ack }), 'no-rule'),
      // The question itself from the other side, and the answer from this one: neither is part of the conversation.
      ingress(out({ protocol, sourcePort: 4000, port: 53, flags: TCP.ack }), 'no-rule'),
      egress(into({ protocol, sourcePort: 53, port: 4000, flags: TCP.ack }), 'no-rule'),
    ],
  }));
});

/** An ICMP error about a packet, to whoever sent it. */
function about(packet: FrameWords, words: Partial<FrameWords> & { port: number }): FrameWords {
  const isIpv6 = packet.source.includes(':');
  return {
    source: isIpv6 ? '2001:db8:200::1' : ROUTER,
    destination: packet.source,
    protocol: isIpv6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp,
    payload: ipPacket({ ...packet, payload: new Uint8Array(0) }),
    ...words,
  };
}

const errors = [[4, out, into, [3, 11, 12]] as const, [6, out6, into6, [1, 2, 3, 4]] as const].flatMap(
  ([version, out, into, types]): Scenario[] => [
    ...(['tcp', 'udp', 'sctp'] as const).map((name): Scenario => {
      const asked = out({ protocol: PROTOCOL[name], sourcePort: 4000, port: 443 });
      const other = out({ protocol: PROTOCOL[name], sourcePort: 4001, port: 443 });
      return {
        name: `ICMP errors about ${name} over IPv${version}`,
        policy: CLIENT,
        steps: [
          ingress(about(asked, { port: 3 }), 'no-rule'),
          egress(asked, 'allowed'),
          ...types.map((port) => ingress(about(asked, { port }), 'related')),
          ingress(about(asked, { port: 5 }), 'no-rule'),
          ingress(about(other, { port: 3 }), 'no-rule'),
          ingress(
            { ...about(asked, { port: 3 }), destination: version === 4 ? '10.9.0.2' : '2001:db8:9::2' },
            'no-rule',
          ),
          ingress(into({ protocol: PROTOCOL[name], sourcePort: 443, port: 4000, flags: TCP.ack }), 'reply'),
          // About the answer, sent by us: it arrived, but we could not take it.
          egress(about(into({ protocol: PROTOCOL[name], sourcePort: 443, port: 4000 }), { port: 3 }), 'related'),
          ingress({ ...about(asked, { port: 3 }), payload: new Uint8Array(8) }, 'no-rule'),
        ],
      };
    }),
    {
      name: `echo over IPv${version}`,
      policy: CLIENT,
      steps: (() => {
        const [protocol, ask, answer] = version === 4 ? [1, 8, 0] : [58, 128, 129];
        const asked = out({ protocol, port: ask, identifier: 7 });
        return [
          ingress(into({ protocol, port: answer, identifier: 7 }), 'no-rule'),
          egress(asked, 'allowed'),
          egress(asked, 'established'),
          ingress(into({ protocol, port: answer, identifier: 7 }), 'reply'),
          ingress(into({ protocol, port: answer, identifier: 8 }), 'no-rule'),
          ingress(into({ protocol, port: ask, identifier: 7 }), 'no-rule'),
          ingress(about(asked, { port: 3 }), 'related'),
          egress(out({ protocol, port: 100, identifier: 7 }), 'no-rule'),
        ];
      })(),
    },
    {
      name: `fragments over IPv${version}`,
      policy: CLIENT,
      steps: (() => {
        const words = { protocol: PROTOCOL.udp, sourcePort: 4000, port: 443 };
        const first = { id: 9, offset: 0, more: true };
        const rest = [
          { id: 9, offset: 16, more: true },
          { id: 9, offset: 32, more: false },
        ];
        return [
          ...rest.map((fragment) => egress(out({ ...words, fragment }), 'fragment')),
          egress(out({ ...words, fragment: first }), 'allowed'),
          ...rest.map((fragment) => egress(out({ ...words, fragment }), 'established')),
          ingress(into({ ...words, fragment: { id: 9, offset: 16, more: false } }), 'fragment'),
          egress(out({ ...words, fragment: { id: 10, offset: 16, more: false } }), 'fragment'),
          egress(out({ ...words, port: 80, fragment: { id: 11, offset: 0, more: true } }), 'no-rule'),
          egress(out({ ...words, fragment: { id: 11, offset: 16, more: false } }), 'no-rule'),
        ];
      })(),
    },
  ],
);

const ack = TCP.ack;
const opened: readonly Step[] = [
  egress(out({ sourcePort: 4000, port: 443 }), 'allowed'),
  ingress(into({ sourcePort: 443, port: 4000, flags: TCP.syn | ack }), 'reply'),
];
const OPEN: Policy = { identities, rules: [] };

function cutShort(words: FrameWords, bytes: number): Uint8Array {
  return frame(words).slice(0, bytes);
}

export const SCENARIOS: readonly Scenario[] = [
  ...conversations,
  ...errors,
  {
    name: 'another protocol is a conversation of two addresses',
    policy: CLIENT,
    steps: [
      ingress(into({ protocol: PROTOCOL.gre }), 'no-rule'),
      egress(out({ protocol: PROTOCOL.gre }), 'allowed'),
      ingress(into({ protocol: PROTOCOL.gre }), 'reply'),
    ],
  },
  {
    name: 'a closed connection may be opened again by its opener only',
    policy: CLIENT,
    steps: [
      ...opened,
      egress(out({ sourcePort: 4000, port: 443, flags: TCP.fin | ack }), 'established'),
      ingress(into({ sourcePort: 443, port: 4000, flags: TCP.fin | ack }), 'reply'),
      egress(out({ sourcePort: 4000, port: 443, flags: ack }), 'established'),
      ingress(into({ sourcePort: 443, port: 4000, flags: TCP.syn }), 'no-rule'),
      egress(out({ sourcePort: 4000, port: 443 }), 'allowed'),
    ],
  },
  {
    name: 'a reset closes; without a second at closing nothing is left',
    policy: CLIENT,
    settings: { closing_seconds: 0 },
    steps: [
      ...opened,
      ingress(into({ sourcePort: 443, port: 4000, flags: TCP.rst }), 'reply'),
      ingress(into({ sourcePort: 443, port: 4000, flags: ack }), 'no-rule'),
    ],
  },
  {
    name: 'one FIN does not close',
    policy: CLIENT,
    settings: { closing_seconds: 0 },
    steps: [
      ...opened,
      ingress(into({ sourcePort: 443, port: 4000, flags: TCP.fin | ack }), 'reply'),
      ingress(into({ sourcePort: 443, port: 4000, flags: ack }), 'reply'),
      egress(out({ sourcePort: 4000, port: 443, flags: TCP.fin | ack }), 'established'),
      ingress(into({ sourcePort: 443, port: 4000, flags: ack }), 'no-rule'),
    ],
  },
  {
    name: 'a SYN without an answer has a time of its own',
    policy: CLIENT,
    settings: { opening_seconds: 0 },
    steps: [
      egress(out({ sourcePort: 4000, port: 443 }), 'allowed'),
      ingress(into({ sourcePort: 443, port: 4000, flags: TCP.syn | ack }), 'no-rule'),
    ],
  },
  {
    name: 'an open connection has another',
    policy: CLIENT,
    settings: { open_seconds: 0 },
    steps: [...opened, ingress(into({ sourcePort: 443, port: 4000, flags: ack }), 'no-rule')],
  },
  {
    name: 'and what is not TCP a third',
    policy: CLIENT,
    settings: { other_seconds: 0 },
    steps: [
      ...opened,
      ingress(into({ sourcePort: 443, port: 4000, flags: ack }), 'reply'),
      egress(out({ protocol: PROTOCOL.udp, sourcePort: 4000, port: 53 }), 'allowed'),
      ingress(into({ protocol: PROTOCOL.udp, sourcePort: 53, port: 4000 }), 'no-rule'),
    ],
  },
  {
    name: 'rules see the port of the first fragment in the later ones',
    policy: CLIENT,
    settings: { other_seconds: 0 },
    steps: [
      egress(out({ protocol: PROTOCOL.udp, port: 53, fragment: { id: 3, offset: 0, more: true } }), 'allowed'),
      egress(out({ protocol: PROTOCOL.udp, fragment: { id: 3, offset: 16, more: false } }), 'allowed'),
    ],
  },
  {
    name: 'an audit drops only what cannot be read',
    policy: { identities, rules: [...CLIENT.rules, deny({ direction: 'ingress', protocol: 'tcp', ports: 23 })] },
    settings: { audit: 1 },
    steps: [
      ingress(into({ port: 23 }), 'denied'),
      ingress(into({ port: 23, flags: ack }), 'established'),
      ingress(into({ port: 24 }), 'no-rule'),
      egress(out({ sourcePort: 24, port: 40000, flags: ack }), 'reply'),
      ingress(into({ protocol: PROTOCOL.icmp, port: 13 }), 'no-rule'),
      ingress(into({ protocol: PROTOCOL.icmp, port: 13 }), 'no-rule'),
      ingress(cutShort(into({ port: 23 }), 40), 'malformed'),
      ingress(into({ fragment: { id: 1, offset: 64, more: false } }), 'fragment'),
    ],
  },
  {
    name: 'what is not IP passes',
    policy: CLIENT,
    steps: [
      ingress(Uint8Array.of(...new Uint8Array(12), 0x08, 0x06, ...new Uint8Array(28)), 'not-ip'),
      egress(Uint8Array.of(...new Uint8Array(12), 0x88, 0xcc, ...new Uint8Array(28)), 'not-ip'),
    ],
  },
  {
    name: 'neighbour discovery passes, if it comes from the link',
    policy: CLIENT,
    steps: [
      ...[133, 134, 135, 136].map((port) => ingress(into6({ protocol: 58, port, hopLimit: 255 }), 'neighbour')),
      egress(out6({ protocol: 58, port: 135, hopLimit: 255 }), 'neighbour'),
      ingress(into6({ protocol: 58, port: 135, hopLimit: 254 }), 'no-rule'),
      ingress(into6({ protocol: 58, port: 132, hopLimit: 255 }), 'no-rule'),
      ingress(into6({ protocol: 58, port: 137, hopLimit: 255 }), 'no-rule'),
      ingress(into({ protocol: 58, port: 135, hopLimit: 255 }), 'no-rule'),
    ],
  },
  {
    name: 'VLAN tags in the frame are stepped over',
    policy: CLIENT,
    steps: [
      egress(out({ port: 443, vlans: [5] }), 'allowed'),
      ingress(into6({ port: 443, vlans: [5, 6] }), 'no-rule'),
      ingress(into({ sourcePort: 443, port: 40000, vlans: [5, 6], flags: ack }), 'reply'),
      ingress(into({ port: 443, vlans: [5, 6, 7] }), 'not-ip'),
    ],
  },
  {
    name: 'IPv6 extension headers are stepped over, six of them',
    policy: CLIENT,
    steps: [
      egress(out6({ port: 443, extensions: [0, 43, 60] }), 'allowed'),
      egress(out6({ port: 444, extensions: [0, 43, 60, 60, 60, 60] }), 'no-rule'),
      egress(out6({ port: 443, extensions: [0, 43, 60, 60, 60, 60] }), 'established'),
      egress(out6({ port: 443, extensions: [0, 43, 60, 60, 60, 60, 60] }), 'malformed'),
    ],
  },
  {
    name: 'what cannot be read',
    policy: OPEN,
    steps: [
      ...[34, 35, 53].map((bytes) => ingress(cutShort(into({}), bytes), 'malformed')),
      ingress(cutShort(into({ protocol: 17 }), 34 + 7), 'malformed'),
      ingress(cutShort(into({ protocol: 132 }), 34 + 11), 'malformed'),
      ingress(cutShort(into({ protocol: 1 }), 34 + 7), 'malformed'),
      ingress(cutShort(into6({ extensions: [0] }), 55), 'malformed'),
      ingress(with1(frame(into({})), 14, 0x65), 'malformed'),
      ingress(with1(frame(into({})), 14, 0x44), 'malformed'),
      ingress(with1(frame(into({})), 14, 0x4f), 'malformed'),
      ingress(with1(frame(into({})), 34 + 12, 0x40), 'malformed'),
      ingress(into({ port: 1 }), 'allowed'),
    ],
  },
];

/** A copy with another byte at `at`. */
function with1(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = byte;
  return copy;
}
