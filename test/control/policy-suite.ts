/**
 * One suite for whatever runs policy.bpf.o: the scenarios, and policies made up at random against the model. Verdicts and
 * reasons are compared; a reason is the counter that went up.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Test } from 'tap';
import { policyMaps } from '../../bpf/control/policy.js';
import type { Policy, PolicyDirection, PolicyMapEntry, PolicyRule } from '../../bpf/control/policy.js';
import { toHex, viewOf } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { frameOf, policies, questions } from './policy-arbitrary.js';
import { PROTOCOL } from './policy-frames.js';
import { identityOf, judge } from './policy-model.js';
import type { Match } from './policy-model.js';
import { drops, REASONS, SCENARIOS } from './policy-scenarios.js';
import type { Reason, Settings } from './policy-scenarios.js';

const OBJECT = loadObject(readFileSync('bpf/policy.bpf.o'));
/** Large tables are slow to make, and few tests fill them. */
const MAX_ENTRIES = 1024;

/** The programs of an object with a policy in its maps. */
export interface PolicyRunner {
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** TC_ACT_OK is 0, TC_ACT_SHOT 2. */
  run(program: string, frame: Uint8Array): number;
  /** The __u64 at `off` in a value; of per-CPU maps the sum of all CPUs'. */
  count(map: string, key: Uint8Array, off: number): number;
  close(): void;
}

export type OpenRunner = (object: ObjectSpec) => PolicyRunner;

/** The object with other values in .rodata, and tables of a size. */
export function objectWith(settings: Settings, maxEntries = MAX_ENTRIES): ObjectSpec {
  const maps = OBJECT.maps.map((map) => {
    if (map.type === 'lru_hash' || map.type === 'lpm_trie') return { ...map, maxEntries };
    if (map.section !== '.rodata') return map;
    const contents = new Uint8Array(must(map.contents, 'contents'));
    for (const [name, value] of Object.entries(settings)) {
      const variable = must(
        map.variables?.find((each) => each.name === name),
        name,
      );
      viewOf(contents).setUint32(variable.off, value, true);
    }
    return { ...map, contents };
  });
  return { ...OBJECT, maps };
}

/** Offset of `packets` in `struct rule`. */
const RULE_PACKETS_OFF = 8;
const FIXED_BITS = 40;

/** From a `struct rule_key`. */
function matchOf(key: Uint8Array): Match {
  const bits = viewOf(key).getUint32(0, true) - FIXED_BITS;
  const isAny = viewOf(key).getUint32(4, true) === 0;
  if (bits === 0) return isAny ? 'all' : 'peer';
  if (bits === 8) return isAny ? 'any-protocol' : 'peer-protocol';
  return isAny ? 'any-port' : 'peer-port';
}

/** A policy at work: asks a runner about packets, and sees from its counters why it decided as it did. */
export class Judge {
  readonly #runner: PolicyRunner;
  readonly #rules: readonly PolicyMapEntry[];
  readonly #counts = new Map<string, number>();

  constructor(open: OpenRunner, policy: Policy, settings: Settings = {}, maxEntries?: number) {
    this.#runner = open(objectWith(settings, maxEntries));
    const { ipcache, rules } = policyMaps(policy);
    for (const { key, value } of ipcache) this.#runner.update('ipcache', key, value);
    for (const { key, value } of rules) this.#runner.update('rules', key, value);
    this.#rules = rules;
  }

  /** Verdict and reason in words. */
  ask(direction: PolicyDirection, frame: Uint8Array): string {
    const verdict = this.#runner.run(`policy_${direction}`, frame);
    const counted = REASONS.filter((_, index) => this.#rose('counters', Uint8Array.of(index, 0, 0, 0), 0));
    return `${verdict} ${counted.join('+')}`;
  }

  /** Which line of the documented order decided the packet just asked about: that of the rule that counted it. */
  match(peer: number): string {
    const matches = this.#rules
      .filter(({ key }) => [0, peer].includes(viewOf(key).getUint32(4, true)))
      .filter(({ key }) => this.#rose('rules', key, RULE_PACKETS_OFF))
      .map(({ key }) => matchOf(key));
    return matches.length === 0 ? 'none' : matches.join('+');
  }

  #rose(map: string, key: Uint8Array, off: number): boolean {
    const name = `${map} ${toHex(key)}`;
    const before = this.#counts.get(name) ?? 0;
    const now = this.#runner.count(map, key, off);
    this.#counts.set(name, now);
    return now !== before;
  }

  close(): void {
    this.#runner.close();
  }
}

function words(reason: Reason, audit = false): string {
  return `${drops(reason, audit) ? 2 : 0} ${reason}`;
}

export function testScenarios(t: Test, open: OpenRunner): void {
  for (const { name, policy, settings, steps } of SCENARIOS) {
    const runner = new Judge(open, policy, settings);
    try {
      t.strictSame(
        steps.map(({ direction, frame }) => runner.ask(direction, frame)),
        steps.map(({ reason }) => words(reason, settings?.audit === 1)),
        name,
      );
    } finally {
      runner.close();
    }
  }
}

/** Port, protocol and everything: three lines of the documented order for a peer, and three for any. */
const LEVELS: readonly Pick<PolicyRule, 'protocol' | 'ports'>[] = [
  { protocol: 'tcp', ports: 80 },
  { protocol: 'tcp' },
  {},
];
const CHOICES = [undefined, 'allow', 'deny'] as const;
const COMBINATIONS = 27;

/** The rules of one peer, or of any: at each level none, an allowing or a denying one. */
function combination(index: number, peer: Pick<PolicyRule, 'peer'>): PolicyRule[] {
  return LEVELS.flatMap((level, at) => {
    const action = CHOICES[Math.floor(index / 3 ** at) % 3];
    return action === undefined ? [] : [{ direction: 'ingress', action, ...peer, ...level }];
  });
}

/** Every way to fill the six lines of the documented order; returns how many were compared. */
export function testOrder(t: Test, open: OpenRunner): number {
  const peers = Array.from({ length: COMBINATIONS }, (_, index) => ({ id: 1000 + index, address: `10.1.0.${index}` }));
  // Closes the direction where a combination has no rule.
  const other: PolicyRule = { direction: 'ingress', action: 'deny', protocol: 'sctp' };
  const own = peers.flatMap(({ id }, index) => combination(index, { peer: id }));
  const identities = peers.map(({ id, address }) => ({ id, prefixes: [address] }));
  let compared = 0;
  for (let any = 0; any < COMBINATIONS; any++) {
    const policy: Policy = { identities, rules: [other, ...own, ...combination(any, {})] };
    const runner = new Judge(open, policy);
    try {
      for (const [index, { id, address }] of peers.entries()) {
        const question = { direction: 'ingress', peer: address, protocol: PROTOCOL.tcp, port: 80 } as const;
        const { reason, match } = judge(policy, question);
        const ours = `${runner.ask('ingress', frameOf(question, index))} ${runner.match(id)}`;
        const theirs = `${words(reason)} ${match}`;
        if (ours !== theirs) t.equal(ours, theirs, `peer's rules ${index}, any's ${any}`);
        compared++;
      }
    } finally {
      runner.close();
    }
  }
  return compared;
}

const PACKETS_A_POLICY = 12;

/** Runs `runs` policies, some packets each, against the model; returns how many packets each answer decided. */
export function testAgainstModel(open: OpenRunner, seed: number, runs: number): Map<string, number> {
  const seen = new Map<string, number>();
  let serial = 0;
  const cases = policies.chain((policy) =>
    fc.tuple(
      fc.constant(policy),
      fc.array(questions(policy), { minLength: PACKETS_A_POLICY, maxLength: 2 * PACKETS_A_POLICY }),
    ),
  );
  fc.assert(
    fc.property(cases, ([policy, asked]) => {
      const runner = new Judge(open, policy);
      try {
        for (const question of asked) {
          const { reason, match } = judge(policy, question);
          const theirs = `${words(reason)} ${match}`;
          const ours = `${runner.ask(question.direction, frameOf(question, serial++ & 0xffff))} ${runner.match(identityOf(policy.identities, question.peer))}`;
          if (ours !== theirs) throw new Error(`${JSON.stringify(question)}: ${ours}, not ${theirs}`);
          seen.set(`${reason} ${match}`, (seen.get(`${reason} ${match}`) ?? 0) + 1);
        }
      } finally {
        runner.close();
      }
    }),
    { seed, numRuns: runs },
  );
  return seen;
}
