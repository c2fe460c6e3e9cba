/** Programs on the tc hook through the library: what they see in the ctx, what they may store, what their verdict is called. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { load } from '../../vm/index.js';

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
