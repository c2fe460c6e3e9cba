/** The XDP packet's geometry against a model of plain numbers, and what becomes of pointers. The kernel is in test/kernel. */
import fc from 'fast-check';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { errno } from '../../vm/spec/errno.js';
import type { Machine } from '../../vm/machine/machine.js';
import { XdpBuff } from '../../vm/packet/xdp-buff.js';
import { machineWith, patternBytes, runText } from '../machine/harness.js';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

function xdpOf({ memory, shadow, layout }: Machine): XdpBuff {
  return new XdpBuff(memory, shadow, layout.packets, layout.ctx);
}

t.test('a packet arrives', (t) => {
  const machine = machineWith([]);
  const { memory, layout, shadow } = machine;
  const packet = xdpOf(machine);
  for (const length of [0, 1, 14, 60, 3520, 3521, 8192]) {
    const bytes = patternBytes(length);
    packet.receive(bytes, 7, 3);
    t.equal(toHex(packet.bytes()), toHex(bytes), `${length} bytes`);
    const fields = [0, 4, 8, 12, 16, 20].map((off) => memory.word(layout.ctx + off));
    t.strictSame(fields, [packet.data, packet.data + length, packet.data, 7, 3, 0]);
    t.equal(packet.data - packet.start, 256);
    t.equal(shadow.allows(packet.data, length, 3), true);
    t.notOk(shadow.allows(packet.data - 1, 1, 1));
    t.notOk(shadow.allows(packet.end, 1, 1));
  }
  t.end();
});

t.test('a packet longer than a slot', (t) => {
  const packet = xdpOf(machineWith([]));
  const bytes = packet.maxBytes + 1;
  t.ok(packet.maxBytes >= 8192);
  t.throws(
    () => {
      packet.receive(new Uint8Array(bytes), 1, 0);
    },
    { code: 'load-memory', data: { bytes, maxBytes: bytes - 1 } },
  );
  packet.receive(new Uint8Array(bytes - 1), 1, 0);
  t.equal(packet.lengthBytes, bytes - 1);
  t.end();
});

t.test('a packet leaves nothing to the next one', (t) => {
  const machine = machineWith([]);
  const { shadow, layout } = machine;
  const packet = xdpOf(machine);
  for (let round = 0; round < 3 * layout.packets.slots; round++) {
    packet.receive(new Uint8Array(3000).fill(0xee), 1, 0);
    const before = packet.data;
    packet.receive(new Uint8Array(20), 1, 0);
    t.notOk(shadow.allows(before, 1, 1), 'the old one is nobody’s');
    t.equal(packet.adjustHead(-100), 0);
    t.equal(packet.adjustMeta(-64), 0);
    t.equal(packet.adjustTail(2000), 0);
    t.ok(packet.bytes().every((byte) => byte === 0));
  }
  t.end();
});

/** The bounds by the rules: 40 bytes of the headroom are the kernel's, 14 bytes of packet remain, metadata is 4 * n < 256. */
class Model {
  meta = 256;
  data = 256;
  end: number;
  readonly bytes = new Uint8Array(12_288);
  readonly limit: number;

  constructor(packet: Uint8Array) {
    this.bytes.set(packet, 256);
    this.end = 256 + packet.length;
    this.limit = Math.ceil((256 + packet.length + 320) / 4096) * 4096 - 320;
  }

  head(delta: number): number {
    const data = this.data + delta;
    if (data < 40 + this.data - this.meta || data > this.end - 14) return -errno.EINVAL;
    this.bytes.copyWithin(this.meta + delta, this.meta, this.data);
    this.meta += delta;
    this.data = data;
    return 0;
  }

  tail(delta: number): number {
    const end = this.end + delta;
    if (end > this.limit || end < this.data + 14) return -errno.EINVAL;
    this.bytes.fill(0, this.end, Math.max(this.end, end));
    this.end = end;
    return 0;
  }

  move(delta: number): number {
    const meta = this.meta + delta;
    if (meta < 40 || meta > this.data) return -errno.EINVAL;
    if ((this.data - meta) % 4 !== 0 || this.data - meta > 252) return -errno.EACCES;
    this.meta = meta;
    return 0;
  }
}

for (const shadow of [true, false]) {
  t.test(`random moves, ${shadow ? 'checked' : 'unchecked'} (SEED=${SEED})`, (t) => {
    const machine = machineWith([], { shadow });
    const { memory, layout } = machine;
    const packet = xdpOf(machine);
    const delta = fc.oneof(
      fc.integer({ min: -20, max: 20 }),
      fc.integer({ min: -300, max: 300 }).map((words) => 4 * words),
      fc.constantFrom(-216, -217, -252, 3506, 0x7fff_ffff, -0x8000_0000),
    );
    const moves = fc.array(fc.tuple(fc.constantFrom('head', 'tail', 'meta', 'write'), delta), { maxLength: 30 });
    const check = (length: number, steps: readonly (readonly [string, number])[]): void => {
      const model = new Model(patternBytes(length));
      packet.receive(patternBytes(length), 1, 0);
      for (const [op, by] of steps) {
        const where = `${op} ${by}`;
        const same = (what: string, ours: unknown, theirs: unknown): void => {
          if (ours !== theirs) throw new Error(`${where}: ${what} ${String(ours)}, should be ${String(theirs)}`);
        };
        if (op === 'head') same('result', packet.adjustHead(by), model.head(by));
        if (op === 'tail') same('result', packet.adjustTail(by), model.tail(by));
        if (op === 'meta') same('result', packet.adjustMeta(by), model.move(by));
        if (op === 'write') {
          memory.u8.fill(by & 0xff, packet.meta, packet.data + 4);
          model.bytes.fill(by & 0xff, model.meta, model.data + 4);
        }
        same('meta', packet.meta - packet.start, model.meta);
        same('data', packet.data - packet.start, model.data);
        same('end', packet.end - packet.start, model.end);
        same(
          'bytes',
          toHex(memory.read(packet.meta, packet.end - packet.meta)),
          toHex(model.bytes.slice(model.meta, model.end)),
        );
        same('ctx', memory.word(layout.ctx), packet.data);
        same('ctx end', memory.word(layout.ctx + 4), packet.end);
        same('ctx meta', memory.word(layout.ctx + 8), packet.meta);
        if (shadow) {
          same('rights', machine.shadow.allows(packet.meta, packet.end - packet.meta, 3), true);
          same('rights before', machine.shadow.allows(packet.meta - 1, 1, 1), false);
          same('rights behind', machine.shadow.allows(packet.end, 1, 1), false);
        }
      }
    };
    t.doesNotThrow(() => {
      fc.assert(fc.property(fc.integer({ min: 14, max: 5000 }), moves, check), { seed: SEED, numRuns: 150 });
    });
    t.end();
  });
}

t.test('a pointer from before the packet moved', (t) => {
  for (const [helper, delta] of [
    ['head', 4],
    ['head', -4],
    ['head', 0],
    ['tail', 4],
    ['tail', -4],
    ['meta', -4],
  ] as const) {
    const { outcome } = runText(`
      r6 = *(u32 *)(r1 + 0)
      r2 = ${delta}
      call xdp_adjust_${helper}
      r0 = *(u8 *)(r6 + 20)
      exit`);
    const message = 'out of bounds read of 1 byte at an old packet pointer (the packet has moved since)';
    t.match(outcome, { kind: 'trap', trap: { name: 'memory', message, pc: 3 } }, `${helper} ${delta}`);
  }
  const failed = runText(`
    r6 = *(u32 *)(r1 + 0)
    r2 = 1000
    call xdp_adjust_head
    r0 = *(u8 *)(r6 + 20)
    exit`);
  t.equal(failed.r0, 0n, 'a call that failed has moved nothing');
  t.end();
});
