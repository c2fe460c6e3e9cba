/** policy.bpf.o in skep, on each engine: the scenarios, random policies against the model, and the events it sends. */
import t from 'tap';
import { policyMaps } from '../../bpf/control/policy.js';
import type { Policy } from '../../bpf/control/policy.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { hookOf } from '../../vm/hooks/table.js';
import { frame, PROTOCOL } from '../control/policy-frames.js';
import type { Settings } from '../control/policy-scenarios.js';
import { objectWith, testAgainstModel, testOrder, testScenarios } from '../control/policy-suite.js';
import { openSkep } from './policy-runner.js';

const skip = hookOf('sched_cls') === undefined ? 'skep has no tc hook' : false;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

const POLICIES = 25;

/** A denied SYN, an allowed one, its answer, one that no rule allows, and half a header. */
const TOLD = {
  policy: {
    identities: [
      { id: 100, prefixes: ['10.1.0.0/16'] },
      { id: 900, prefixes: ['10.9.0.1'] },
    ],
    rules: [
      { direction: 'ingress', action: 'allow', peer: 100, protocol: 'tcp' },
      { direction: 'ingress', action: 'deny', protocol: 'tcp', ports: { from: 20, to: 23 } },
    ],
  } satisfies Policy,
  frames: [
    frame({ source: '10.1.2.3', destination: '10.9.0.1', protocol: PROTOCOL.tcp, sourcePort: 4000, port: 23 }),
    frame({ source: '10.1.2.3', destination: '10.9.0.1', protocol: PROTOCOL.tcp, sourcePort: 4000, port: 80 }),
    frame({ source: '10.1.2.3', destination: '10.9.0.1', protocol: PROTOCOL.tcp, sourcePort: 4000, port: 80 }),
    frame({ source: '203.0.113.1', destination: '10.9.0.1', protocol: PROTOCOL.udp, sourcePort: 53, port: 53 }),
    frame({ source: '10.1.2.3', destination: '10.9.0.1', protocol: PROTOCOL.tcp }).slice(0, 40),
  ],
};

const from100 = { source: { word: '::ffff:10.1.2.3' }, destination: { word: '::ffff:10.9.0.1' }, protocol: 6 };
const judged = { ...from100, local: 900, peer: 100, source_port: 4000, direction: 'INGRESS', bytes: 62 };
const denied = { verdict: 'VERDICT_DROP', reason: 'REASON_DENIED', match: 'MATCH_ANY_PORT' };
const allowed = { verdict: 'VERDICT_PASS', reason: 'REASON_ALLOWED', match: 'MATCH_PEER_PROTOCOL' };
const unwanted = { verdict: 'VERDICT_DROP', reason: 'REASON_NO_RULE', match: 'MATCH_NONE' };
const malformed = { verdict: 'VERDICT_DROP', reason: 'REASON_MALFORMED', match: 'MATCH_NONE' };

const TOLD_CASES: readonly { name: string; settings: Settings; events: readonly object[] }[] = [
  {
    name: 'decisions of rules and drops',
    settings: {},
    events: [
      { ...judged, ...denied, rule_port: 23 },
      { ...judged, ...allowed, rule_port: 80 },
      { ...unwanted, source: { word: '::ffff:203.0.113.1' }, source_port: 53, rule_port: 53, peer: 2, local: 900 },
      { ...malformed, ...from100, local: 0, peer: 0, source_port: 0, rule_port: 0, bytes: 40 },
    ],
  },
  {
    name: 'only drops, and an identity of its own',
    settings: { report_allowed: 0, endpoint_identity: 901 },
    events: [{ ...judged, ...denied, local: 901 }, { ...unwanted, local: 901 }, malformed],
  },
  {
    name: 'an audit',
    settings: { audit: 1 },
    events: [
      { ...judged, ...denied, verdict: 'VERDICT_AUDIT' },
      { ...judged, ...allowed },
      { ...unwanted, verdict: 'VERDICT_AUDIT' },
      malformed,
    ],
  },
];

for (const { name, settings, events } of TOLD_CASES) {
  t.test(`events: ${name}`, { skip }, (t) => {
    const datapath = new Datapath(objectWith(settings));
    const { ipcache, rules } = policyMaps(TOLD.policy);
    for (const { key, value } of ipcache) datapath.map('ipcache').set(key, value);
    for (const { key, value } of rules) datapath.map('rules').set(key, value);
    const attachment = datapath.attach('policy_ingress');
    const told = TOLD.frames.flatMap((each, sec) => attachment.run(each, { sec }).events);
    t.match(
      told.map((event) => datapath.decodeEvent(event)),
      events,
    );
    t.equal(told.length, events.length);
    t.end();
  });
}

t.test('a connection is forgotten when its time is over, counted from its last packet', { skip }, (t) => {
  const datapath = new Datapath(objectWith({ other_seconds: 30 }));
  const egress = datapath.attach('policy_egress');
  const ingress = datapath.attach('policy_ingress');
  for (const { key, value } of policyMaps({
    identities: [],
    rules: [{ direction: 'ingress', action: 'deny' }],
  }).rules) {
    datapath.map('rules').set(key, value);
  }
  const [here, there] = ['10.9.0.1', '10.1.2.3'];
  const ask = frame({ source: here, destination: there, protocol: PROTOCOL.udp, sourcePort: 4000, port: 53 });
  const answer = frame({ source: there, destination: here, protocol: PROTOCOL.udp, sourcePort: 53, port: 4000 });
  t.equal(egress.run(ask, { sec: 100 }).verdict, 'TC_ACT_OK');
  for (const sec of [129, 158, 187]) t.equal(ingress.run(answer, { sec }).verdict, 'TC_ACT_OK', `${sec} s`);
  t.equal(ingress.run(answer, { sec: 217 }).verdict, 'TC_ACT_SHOT');
  t.end();
});

for (const engine of Object.keys(ENGINES) as EngineName[]) {
  t.test(`scenarios on ${engine}`, { skip }, (t) => {
    testScenarios(t, openSkep(engine));
    t.end();
  });

  t.test(`the documented order on ${engine}, every way to fill it`, { skip }, (t) => {
    t.equal(testOrder(t, openSkep(engine)), 729);
    t.end();
  });

  t.test(`random policies and packets on ${engine}: the program decides as the model does`, { skip }, (t) => {
    const seen = testAgainstModel(openSkep(engine), seed, POLICIES);
    const packets = [...seen.values()].reduce((sum, count) => sum + count, 0);
    t.comment(`${packets} packets: ${[...seen].map(([what, count]) => `${what} ${count}`).join(', ')}`);
    t.ok(packets >= 200, 'enough packets');
    t.ok(seen.size >= 10, 'of most kinds');
    t.end();
  });
}
