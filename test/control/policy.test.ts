/** Policies become the map entries that policy.bpf.c reads. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { policyMaps, type Policy, type PolicyRule } from '../../bpf/control/policy.js';
import { portPrefixes } from '../../bpf/control/policy-ports.js';
import type { Btf } from '../../vm/btf/btf.js';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { identityOf, judge } from './policy-model.js';
import { policies, questions } from './policy-arbitrary.js';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

const btf = must(loadObject(readFileSync('bpf/policy.bpf.o')).btf, 'BTF');

/** `name: byte offset + bytes` of each member. */
function layoutOf(btf: Btf, name: string): Record<string, string> {
  const type = btf.type(must(btf.idsNamed(name)[0], `struct ${name}`));
  if (type.kind !== 'struct') throw new Error(`${name} is no struct`);
  return Object.fromEntries([
    ...type.members.map((member) => [member.name, `${member.bitOff / 8}+${btf.sizeOf(member.type)}`]),
    ['', String(type.sizeBytes)],
  ]) as Record<string, string>;
}

t.test('the layouts that the control plane writes are those of the object', (t) => {
  t.strictSame(layoutOf(btf, 'prefix'), { length: '0+4', network: '4+16', '': '20' });
  t.strictSame(layoutOf(btf, 'rule_key'), {
    length: '0+4',
    peer: '4+4',
    direction: '8+1',
    protocol: '9+1',
    port: '10+2',
    '': '12',
  });
  t.strictSame(layoutOf(btf, 'rule'), { deny: '0+1', bits: '1+1', zero: '2+6', packets: '8+8', '': '16' });
  const direction = btf.type(must(btf.idsNamed('direction')[0], 'enum direction'));
  t.match(direction, {
    kind: 'enum',
    values: [
      { name: 'INGRESS', value: 0n },
      { name: 'EGRESS', value: 1n },
    ],
  });
  t.end();
});

t.test('prefixes of ports', (t) => {
  const text = (from: number, to: number) => portPrefixes(from, to).map(({ port, bits }) => `${port}/${bits}`);
  t.strictSame(text(80, 80), ['80/16']);
  t.strictSame(text(0, 65535), ['0/0']);
  t.strictSame(text(8080, 8087), ['8080/13']);
  t.strictSame(text(8080, 8090), ['8080/13', '8088/15', '8090/16']);
  t.equal(portPrefixes(1, 65534).length, 30);
  t.end();
});

t.test('prefixes of ports hold the range and nothing else, and no two of them could be one', (t) => {
  const port = fc.integer({ min: 0, max: 65535 });
  fc.assert(
    fc.property(port, port, (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      let next = from;
      for (const { port, bits } of portPrefixes(from, to)) {
        const size = 2 ** (16 - bits);
        if (port !== next || port % size !== 0) return false;
        const twin = port % (2 * size) === 0 ? [port, port + 2 * size - 1] : [port - size, port + size - 1];
        if ((twin[0] ?? 0) >= from && (twin[1] ?? 0) <= to) return false;
        next = port + size;
      }
      return next === to + 1;
    }),
    { seed },
  );
  t.end();
});

const identities = [
  { id: 100, prefixes: ['10.1.2.3/16'] },
  { id: 101, prefixes: ['2001:db8:ffff::/33', '::1'] },
];

t.test('identities, with the bits behind their prefixes cleared', (t) => {
  const { ipcache } = policyMaps({ identities, rules: [] });
  t.strictSame(
    ipcache.map(({ key, value }) => `${toHex(key)} ${toHex(value)}`),
    [
      `70000000${'00'.repeat(10)}ffff0a010000 64000000`,
      `2100000020010db880${'00'.repeat(11)} 65000000`,
      `80000000${'00'.repeat(15)}01 65000000`,
    ],
  );
  t.end();
});

/** Entries in words: direction, peer, protocol, port, bits, deny. */
function entriesOf(rules: readonly PolicyRule[], direction = 0): string[] {
  return policyMaps({ identities, rules })
    .rules.map(({ key, value }) => ({ key: Buffer.from(key), deny: value[0] === 1 }))
    .filter(({ key }) => key[8] === direction)
    .map(({ key, deny }) => {
      const [peer, protocol, port] = [key.readUInt32LE(4), key[9] ?? 0, key.readUInt16BE(10)];
      return `${deny ? 'deny' : 'allow'} ${peer} ${protocol} ${port}/${key.readUInt32LE(0) - 40}`;
    });
}

const rulesCases: readonly { name: string; rules: readonly PolicyRule[]; ingress: string[]; egress?: string[] }[] = [
  { name: 'no rules: open', rules: [], ingress: ['allow 0 0 0/0'], egress: ['allow 0 0 0/0'] },
  {
    name: 'a denial alone closes its direction',
    rules: [{ direction: 'ingress', action: 'deny', peer: 100 }],
    ingress: ['deny 100 0 0/0'],
    egress: ['allow 0 0 0/0'],
  },
  {
    name: 'a range',
    rules: [{ direction: 'ingress', action: 'allow', protocol: 'tcp', ports: { from: 80, to: 82 } }],
    ingress: ['allow 0 6 80/23', 'allow 0 6 82/24'],
  },
  {
    name: 'all ports are any port',
    rules: [{ direction: 'ingress', action: 'allow', protocol: 17, ports: { from: 0, to: 65535 } }],
    ingress: ['allow 0 17 0/8'],
  },
  {
    name: 'the same twice, denied once',
    rules: [
      { direction: 'ingress', action: 'allow', protocol: 'icmp', ports: 8 },
      { direction: 'ingress', action: 'deny', protocol: 'icmp', ports: 8 },
      { direction: 'ingress', action: 'allow', protocol: 'icmp', ports: 8 },
    ],
    ingress: ['deny 0 1 8/24'],
  },
  {
    name: 'what is allowed within what is denied goes, for the same peer only',
    rules: [
      { direction: 'ingress', action: 'deny', peer: 100, protocol: 'tcp', ports: { from: 64, to: 127 } },
      { direction: 'ingress', action: 'allow', peer: 100, protocol: 'tcp', ports: 80 },
      { direction: 'ingress', action: 'allow', peer: 101, protocol: 'tcp', ports: 80 },
      { direction: 'ingress', action: 'allow', peer: 100, protocol: 'tcp' },
    ],
    ingress: ['deny 100 6 64/18', 'allow 101 6 80/24', 'allow 100 6 0/8'],
  },
  {
    name: 'a denied peer keeps nothing',
    rules: [
      { direction: 'egress', action: 'allow', peer: 101, protocol: 'udp', ports: 65535 },
      { direction: 'egress', action: 'deny', peer: 101 },
    ],
    ingress: ['allow 0 0 0/0'],
    egress: ['deny 101 0 0/0'],
  },
];

for (const { name, rules, ingress, egress } of rulesCases) {
  t.test(`rules: ${name}`, (t) => {
    t.strictSame(entriesOf(rules), ingress);
    if (egress !== undefined) t.strictSame(entriesOf(rules, 1), egress);
    t.end();
  });
}

const ingress = { direction: 'ingress', action: 'allow' } as const;
const mistakes: readonly [path: string, policy: Partial<Policy>][] = [
  ['identities[0].id', { identities: [{ id: 0, prefixes: [] }] }],
  ['identities[0].id', { identities: [{ id: 2 ** 32, prefixes: [] }] }],
  ['identities[0].id', { identities: [{ id: 1.5, prefixes: [] }] }],
  ...['', '10.0.0.0/33', '2001::/129', '10.0.0/8', '10.0.0.0/08', '10.0.0.0/', 'x/1'].map(
    (prefix): [string, Partial<Policy>] => [
      'identities[0].prefixes[0]',
      { identities: [{ id: 9, prefixes: [prefix] }] },
    ],
  ),
  ['identities[2].prefixes[0]', { identities: [...identities, { id: 9, prefixes: ['10.1.9.9/16'] }] }],
  ['rules[0].peer', { rules: [{ ...ingress, peer: 102 }] }],
  ['rules[0].peer', { rules: [{ ...ingress, peer: 0 }] }],
  ['rules[1].ports', { rules: [ingress, { ...ingress, ports: 80 }] }],
  ['rules[0].protocol', { rules: [{ ...ingress, protocol: 256 }] }],
  ['rules[0].ports', { rules: [{ ...ingress, protocol: 47, ports: 1 }] }],
  ['rules[0].ports', { rules: [{ ...ingress, protocol: 'tcp', ports: 65536 }] }],
  ['rules[0].ports', { rules: [{ ...ingress, protocol: 'tcp', ports: { from: 81, to: 80 } }] }],
  ['rules[0].ports', { rules: [{ ...ingress, protocol: 'icmp', ports: 256 }] }],
];

t.test('mistakes are told by their path', (t) => {
  for (const [path, policy] of mistakes) {
    t.throws(() => policyMaps({ identities, rules: [], ...policy }), { code: 'config-value', data: { path } });
  }
  t.end();
});

t.test('the model, by hand', (t) => {
  const ask = (rules: readonly PolicyRule[], peer: string, port: number) => {
    const { reason, match } = judge({ identities, rules }, { direction: 'ingress', peer, protocol: 6, port });
    return `${reason} ${match}`;
  };
  t.equal(identityOf(identities, '10.1.255.1'), 100);
  t.equal(identityOf(identities, '10.2.0.0'), 2);
  t.equal(ask([], '10.1.0.1', 1), 'allowed all');
  t.equal(ask([{ ...ingress, peer: 101 }], '10.1.0.1', 1), 'no-rule none');
  t.equal(
    ask(
      [
        { ...ingress, peer: 100 },
        { ...ingress, protocol: 'tcp', ports: 1 },
      ],
      '10.1.0.1',
      1,
    ),
    'allowed any-port',
  );
  t.equal(
    ask(
      [
        { ...ingress, peer: 100, protocol: 'tcp', ports: 1 },
        { direction: 'ingress', action: 'deny' },
      ],
      '10.1.0.1',
      1,
    ),
    'denied all',
  );
  t.end();
});

t.test('the order in which rules are written does not matter', (t) => {
  fc.assert(
    fc.property(
      policies.chain((policy) =>
        fc.tuple(
          fc.constant(policy),
          questions(policy),
          fc.shuffledSubarray([...policy.rules], { minLength: policy.rules.length }),
        ),
      ),
      ([policy, question, rules]) => {
        const names = (each: Policy) =>
          policyMaps(each)
            .rules.map(({ key, value }) => toHex(key) + toHex(value))
            .sort();
        t.strictSame(names({ ...policy, rules }), names(policy));
        t.strictSame(judge({ ...policy, rules }, question), judge(policy, question));
      },
    ),
    { seed, numRuns: 50 },
  );
  t.end();
});
