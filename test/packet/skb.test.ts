/** Programs on the tc hook through the library: what they see in the ctx, what they may store, what their verdict is called. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { must } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import { load } from '../../vm/index.js';
import type { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { adjustRoom, changeHead, changeTail } from '../../vm/packet/skb-room.js';
import { popVlan, pushVlan } from '../../vm/packet/skb-vlan.js';
import { errno } from '../../vm/spec/errno.js';
import { machineWith, patternBytes } from '../machine/harness.js';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const SMALL = { memoryBytes: 16 << 20, packetBytes: 20000 };

const OBJECT = readFileSync('bpf/examples/tc.bpf.o');

/** An Ethernet frame of 60 bytes with this EtherType. */
function frame(type: number): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, type >> 8, type & 255, 0x45]);
  return bytes;
}

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`a classifier on ${engine}`, (t) => {
    const datapath = load(OBJECT, { engine });
    const { verdict, code, packet, trap } = datapath.attach('mark_ip').run(frame(0x800), { ifindex: 7 });
    t.match({ verdict, code, trap }, { verdict: 'TC_ACT_OK', code: 0, trap: undefined });
    t.strictSame(packet, frame(0x800));
    const ctx = (off: number): number => datapath.machine.memory.word(datapath.machine.layout.ctx + off);
    t.strictSame(
      { len: ctx(0), mark: ctx(8), priority: ctx(32), cb0: ctx(48) },
      { len: 60, mark: 60, priority: 7, cb0: 8 },
    );
    t.equal(datapath.attach('mark_ip').run(new Uint8Array(13)).verdict, 'TC_ACT_SHOT');
    t.equal(datapath.attach('mark_ip').run(frame(0x86dd)).verdict, 'TC_ACT_OK');
    t.equal(ctx(8), 0, 'a new packet begins without a mark');
    t.equal(datapath.attach('next').run(frame(0x800)).verdict, 'TCX_NEXT');
    t.equal(datapath.attach('act').run(frame(0x800)).verdict, 'TC_ACT_PIPE');
    t.end();
  });
}

function classifier(text: string, engine: EngineName, checks = {}): Datapath {
  return new Datapath(objectFromInsns(assemble(text).bytes, { type: 'sched_cls' }), { ...SMALL, engine, checks });
}

/** A machine on the tc hook. */
function tcMachine(options = {}): Machine {
  const machine = machineWith([], { ...SMALL, ...options });
  machine.enter(must(hookOf('sched_cls'), 'a hook'));
  return machine;
}

for (const engine of ['interp', 'wasm'] as const) {
  for (const memory of [true, false]) {
    t.test(`stores to fields of 16 bits on ${engine}, ${memory ? 'checked' : 'unchecked'}`, (t) => {
      for (const off of [12, 44, 72]) {
        for (const store of [`*(u32 *)(r1 + ${off}) = 0x7654fffe`, `r2 = 0x7654fffe\n*(u32 *)(r1 + ${off}) = r2`]) {
          const datapath = classifier(`${store}\nr0 = *(u32 *)(r1 + ${off})\nexit`, engine, { memory });
          t.equal(datapath.attach().run(frame(0x800)).code, off === 12 ? 0 : 0xfffe, store);
        }
      }
      t.end();
    });
  }

  t.test(`what Linux does not let a program touch traps on ${engine}`, (t) => {
    for (const access of [
      '*(u32 *)(r1 + 0) = 1',
      '*(u32 *)(r1 + 16) = 1',
      'r0 = *(u32 *)(r1 + 88)',
      '*(u32 *)(r1 + 192) = 1',
    ]) {
      const { verdict, trap } = classifier(`${access}\nr0 = 0\nexit`, engine).attach().run(frame(0x800));
      t.match({ verdict, trap }, { verdict: 'TC_ACT_SHOT', trap: { name: 'memory', message: /at ctx\+/ } }, access);
    }
    t.end();
  });

  t.test(`a packet pointer from before a helper that moves the packet traps on ${engine}`, (t) => {
    const text = (helper: string): string => `
      r6 = r1
      r7 = *(u32 *)(r6 + 76)
      ${helper}
      r0 = *(u8 *)(r7 + 0)
      r0 = 0
      exit`;
    for (const [helper, stale] of [
      ['r1 = r6\nr2 = 0\ncall skb_pull_data', true],
      ['r1 = r6\nr2 = 20\nr3 = 0\ncall skb_change_tail', true],
      ['r1 = r6\ncall skb_vlan_pop', true],
      ['r1 = r6\ncall get_hash_recalc', false],
    ] as const) {
      const { trap } = classifier(text(helper), engine).attach().run(frame(0x800));
      t.match({ trap }, { trap: stale ? { message: /an old packet pointer/ } : undefined }, helper);
    }
    t.end();
  });
}

t.test('a field of 16 bits in one hook is nothing special in another', (t) => {
  const machine = tcMachine();
  const { ctx } = machine.layout;
  t.ok(machine.storeCtx(ctx + 44, 0x12345, 0, true));
  t.notOk(machine.storeCtx(ctx + 45, 1, 0, true));
  machine.enter(must(hookOf('xdp'), 'a hook'));
  t.notOk(machine.storeCtx(ctx + 44, 1, 0, true));
  t.equal(machine.packet, machine.xdp);
  t.end();
});

t.test('a checkpoint brings back the hook and its rights', (t) => {
  const machine = tcMachine();
  machine.skb.receive(patternBytes(60));
  const before = machine.save();
  machine.enter(must(hookOf('xdp'), 'a hook'));
  machine.xdp.receive(patternBytes(100));
  t.notOk(machine.shadow.allows(machine.layout.ctx + 48, 4, 3));
  machine.restore(before);
  t.equal(machine.packet, machine.skb);
  t.ok(machine.shadow.allows(machine.layout.ctx + 48, 4, 3));
  t.strictSame(machine.packet.bytes(), patternBytes(60));
  t.end();
});

t.test('a packet longer than a slot', (t) => {
  const { skb } = tcMachine();
  const { maxBytes } = skb;
  t.throws(() => skb.receive(new Uint8Array(maxBytes + 1)), {
    code: 'load-memory',
    data: { bytes: maxBytes + 1, maxBytes },
  });
  skb.receive(new Uint8Array(maxBytes));
  t.equal(skb.lengthBytes, maxBytes);
  t.equal(pushVlan(skb, 0x0081, 1), 0);
  t.equal(pushVlan(skb, 0x0081, 2), 0, 'the headroom holds some tags');
  let result = 0;
  for (let tags = 0; tags < 100 && result === 0; tags++) result = pushVlan(skb, 0x0081, tags);
  t.equal(result, -errno.ENOMEM);
  t.end();
});

t.test('frames too short for a header are no reason to crash', (t) => {
  const { skb, memory, layout } = tcMachine();
  for (let length = 0; length < 20; length++) {
    skb.receive(patternBytes(length));
    t.strictSame(skb.bytes(), patternBytes(length));
    t.equal(memory.word(layout.ctx), length);
    for (const move of [
      () => popVlan(skb),
      () => adjustRoom(skb, -8, 1, 0, 0),
      () => changeTail(skb, 14, 0),
      () => skb.hash(),
    ])
      move();
    t.ok(skb.lengthBytes >= 0 && skb.lengthBytes < 20, String(length));
  }
  t.end();
});

t.test(`moves in a checked and an unchecked machine end alike, seed ${SEED}`, (t) => {
  const machines = [tcMachine(), tcMachine({ shadow: false })];
  const move = fc.oneof(
    fc.tuple(fc.constant('head' as const), fc.nat(300)),
    fc.tuple(fc.constant('tail' as const), fc.integer({ min: 14, max: 2000 })),
    fc.tuple(fc.constant('room' as const), fc.integer({ min: -60, max: 4095 })),
    fc.tuple(fc.constant('push' as const), fc.nat(4095)),
    fc.tuple(fc.constant('pop' as const), fc.constant(0)),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), fc.integer({ min: 34, max: 3000 }), (moves, length) => {
      const packet = patternBytes(length);
      packet.set([8, 0, 0x45], 12);
      const [checked, unchecked] = machines.map(({ skb, memory, layout, shadow }) => {
        skb.receive(packet);
        const results = moves.map(([what, value]) => {
          if (what === 'head') return changeHead(skb, value, 0);
          if (what === 'tail') return changeTail(skb, value, 0);
          if (what === 'room') return adjustRoom(skb, value, 1, 0, 0);
          return what === 'push' ? pushVlan(skb, 0x0081, value) : popVlan(skb);
        });
        const ctx = memory.read(layout.ctx, 76);
        const right =
          memory.word(layout.ctx + 76) === skb.data &&
          memory.word(layout.ctx + 80) === skb.end &&
          memory.word(layout.ctx) === skb.lengthBytes &&
          skb.data >= skb.start &&
          skb.end <= skb.start + layout.packets.slotBytes &&
          shadow.allows(skb.data, skb.lengthBytes, 3) &&
          (shadow.delta === 0 || (!shadow.allows(skb.data - 1, 1, 1) && !shadow.allows(skb.end, 1, 1)));
        return { results, ctx, bytes: skb.bytes(), right };
      });
      return (
        checked?.right === true && unchecked?.right === true && JSON.stringify(checked) === JSON.stringify(unchecked)
      );
    }),
    { seed: SEED, numRuns: 200 },
  );
  t.end();
});
