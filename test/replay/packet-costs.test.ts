/** Costs from the counts of blocks against those that a probe counts instruction by instruction, traps included. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { calleeNameOf } from '../../vm/engine/callee.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { readCaptureBytes } from '../../vm/net/capture.js';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { CostMeter, CostTable } from '../../vm/replay/packet-costs.js';
import type { PacketCost } from '../../vm/replay/packet-costs.js';

interface Case {
  readonly name: string;
  readonly object: ObjectSpec;
  readonly program?: string;
  readonly capture: string;
}

const object = (path: string): ObjectSpec => loadObject(readFileSync(path), { name: path });

/** Traps in a function; in the blocks of both frames there are calls behind the place where they stand. */
const TRAPS = `
call get_prandom_u32
call broken
call get_prandom_u32
call ktime_get_ns
exit
broken:
call ktime_get_ns
r1 = 0
r0 = *(u64 *)(r1 + 0)
call ktime_get_ns
call ktime_get_ns
exit`;

const CASES: readonly Case[] = [
  { name: 'firewall', object: object('bpf/firewall.bpf.o'), capture: 'pcaps/edge-cases.pcap' },
  { name: 'policy', object: object('bpf/policy.bpf.o'), program: 'policy_ingress', capture: 'pcaps/icmp.pcap' },
  {
    name: 'tail calls',
    object: object('bpf/bench/tail-calls.bpf.o'),
    program: 'tail_calls',
    capture: 'pcaps/icmp.pcap',
  },
  {
    name: 'traps',
    object: objectFromPrograms([{ name: 'traps', section: 'xdp', type: 'xdp', bytes: assemble(TRAPS).bytes }], {
      name: 'traps',
      license: 'GPL',
      maps: [],
    }),
    capture: 'pcaps/icmp.pcap',
  },
];

/** The same packet by packet, counted by a probe. */
function* probed({ object, program, capture }: Case): Generator<PacketCost> {
  const datapath = new Datapath(object, { engine: 'interp' });
  let helpers = 0;
  let maps = 0;
  const probe = {
    before(func: number, insn: number): void {
      const name = calleeNameOf(must(datapath.object.functions[func], 'a function'), insn);
      if (name === undefined) return;
      helpers++;
      if (name.startsWith('map_') || name === 'for_each_map_elem') maps++;
    },
    after: (): void => undefined,
  };
  const attachment = datapath.attach(program, { probe });
  for (const { data, sec, nsec, interfaceId } of readCaptureBytes(readFileSync(capture))) {
    [helpers, maps] = [0, 0];
    attachment.deliver(data, sec, nsec, interfaceId + 1);
    datapath.machine.world.effects.take();
    yield { insns: attachment.insns(), helpers, maps };
  }
}

for (const each of CASES) {
  t.test(each.name, (t) => {
    const datapath = new Datapath(each.object, { engine: 'interp', checks: { counters: true } });
    const meter = new CostMeter(datapath.machine, datapath.attach(each.program));
    const want = [...probed(each)];
    const found = [...readCaptureBytes(readFileSync(each.capture))].map((packet) => meter.run(packet).cost);
    t.ok(want.some(({ helpers }) => helpers > 0));
    t.strictSame(found, want);
    t.end();
  });
}

t.test('a table of costs', (t) => {
  const table = new CostTable();
  for (let i = 1; i <= 100; i++) table.add(i <= 40 ? 'a' : 'b', { insns: i, helpers: 5000 * i, maps: 0 });
  t.match(table.verdicts(), [
    { verdict: 'b', packets: 60, costs: { insns: { min: 41, median: 70, p99: 100, max: 100, sum: 4230 } } },
    { verdict: 'a', packets: 40, costs: { helpers: { min: 5000, median: 100_000, p99: 200_000, max: 200_000 } } },
  ]);
  t.match(table.total(), { packets: 100, costs: { insns: { sum: 5050, median: 50 }, helpers: { sum: 5000 * 5050 } } });
  t.equal(new CostTable().total().packets, 0);
  t.end();
});
