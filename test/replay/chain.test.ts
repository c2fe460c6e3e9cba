/** packet -> load balancer -> policy of the backend -> verdict, in one replay. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { servicesToMaps } from '../../bpf/control/lb.js';
import { policyMaps } from '../../bpf/control/policy.js';
import { load } from '../../vm/datapath/datapath.js';
import type { Datapath } from '../../vm/datapath/datapath.js';
import type { Packet } from '../../vm/net/packet.js';
import { Chain } from '../../vm/replay/chain.js';
import { Replay } from '../../vm/replay/replay.js';
import { frameOf } from '../bpf/lb-frames.js';

const VIP = '198.51.100.10';
const CLIENTS = 100;
const RING_SLOTS = 4093;

function set(datapath: Datapath, map: string, key: Uint8Array, value: Uint8Array): void {
  if (datapath.map(map).set(key, value) !== 0) throw new Error(`${map} takes no entry`);
}

function open(): { chain: Chain; lb: Replay; policy: Replay } {
  const lb = load(readFileSync('bpf/lb.bpf.o'), { memoryBytes: 2 ** 28 });
  lb.setGlobal('ring_slots', RING_SLOTS);
  const services = servicesToMaps({
    ringSlots: RING_SLOTS,
    services: [{ name: 'web', vip: VIP, port: 80, protocol: 'tcp', backends: [{ address: '10.0.0.1', port: 8080 }] }],
  });
  for (const [map, entries] of Object.entries(services)) for (const entry of entries) set(lb, map, ...entry);

  const policy = load(readFileSync('bpf/policy.bpf.o'), { memoryBytes: 2 ** 28 });
  const maps = policyMaps({
    identities: [{ id: CLIENTS, prefixes: ['192.0.2.0/24'] }],
    rules: [{ direction: 'ingress', action: 'allow', peer: CLIENTS, protocol: 'tcp', ports: 8080 }],
  });
  for (const map of ['ipcache', 'rules'] as const) for (const { key, value } of maps[map]) set(policy, map, key, value);

  const first = new Replay(lb.machine, lb.attach());
  const second = new Replay(policy.machine, policy.attach('policy_ingress'));
  const stages = [
    { name: 'lb', replay: first, goesOn: ['XDP_TX'] },
    { name: 'policy', replay: second, goesOn: ['TC_ACT_OK'] },
  ];
  return { chain: new Chain(stages), lb: first, policy: second };
}

function syn(src: string, dst: string, dport: number): Packet {
  const data = frameOf({ src, dst, protocol: 'tcp', sport: 40000, dport, flags: 2 });
  return {
    data,
    origBytes: data.length,
    sec: 1,
    nsec: 0,
    linkType: 1,
    interfaceId: 0,
    index: 0,
    fileOff: 0,
    comment: undefined,
  };
}

t.test('each packet ends where it should', (t) => {
  const { chain, lb, policy } = open();
  const seen: string[] = [];
  const endOf = (packet: Packet): string | undefined => {
    const end = chain.packet(packet, (stage, { verdict }) => {
      seen.push(`${stage.name} ${verdict}`);
    });
    return end === undefined ? undefined : `${end.stage.name} ${end.outcome.verdict}`;
  };
  t.equal(endOf(syn('192.0.2.7', VIP, 80)), 'policy TC_ACT_OK', 'a known client reaches the backend');
  t.equal(endOf(syn('203.0.113.7', VIP, 80)), 'policy TC_ACT_SHOT', 'an unknown one is balanced, then denied');
  t.equal(endOf(syn('192.0.2.7', '192.0.2.99', 80)), 'lb XDP_PASS', 'what is for no VIP stays at the first stage');
  t.same(seen, ['lb XDP_TX', 'policy TC_ACT_OK', 'lb XDP_TX', 'policy TC_ACT_SHOT', 'lb XDP_PASS']);
  t.equal(lb.summary().packets, 3);
  t.equal(policy.summary().packets, 2);
  t.end();
});

t.test('a stage sees what the one before it left', (t) => {
  const { chain } = open();
  const frames: Uint8Array[] = [];
  chain.packet(syn('192.0.2.7', VIP, 80), (_stage, { frame }) => {
    frames.push(frame);
  });
  const [before, after] = frames;
  const text = (frame: Uint8Array | undefined, at: number): string =>
    Array.from(frame?.subarray(at, at + 4) ?? []).join('.');
  t.equal(text(before, 30), VIP);
  t.equal(text(after, 30), '10.0.0.1', 'the destination is the backend');
  t.equal(text(after, 26), '192.0.2.7', 'the source is still the client');
  t.end();
});

t.test('no stages, no outcome', (t) => {
  t.equal(new Chain([]).packet(syn('192.0.2.7', VIP, 80)), undefined);
  t.end();
});
