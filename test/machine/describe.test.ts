/** How addresses are named in messages, for each kind of place. */
import t from 'tap';
import { describeAddress } from '../../vm/machine/describe.js';
import { functionPtr } from '../../vm/machine/layout.js';
import { machineWith, mapSpec } from './harness.js';

t.test('places', (t) => {
  const machine = machineWith([
    mapSpec({ type: 'array', name: 'cells', valueBytes: 12, maxEntries: 3 }),
    mapSpec({ type: 'hash', name: 'conns' }),
    mapSpec({ type: 'array', name: '.data', section: '.data', valueBytes: 40, maxEntries: 1 }),
    mapSpec({ type: 'percpu_array', name: 'counters', maxEntries: 2 }),
  ]);
  const { layout, packet } = machine;
  packet.receive(new Uint8Array(64), 1, 0);
  const old = packet.data;
  packet.receive(new Uint8Array(64), 1, 0);
  const base = (map: number) => layout.maps[map]?.base ?? 0;
  const r10 = machine.framePointer(0);
  const places: readonly (readonly [number, string, string?])[] = [
    [0, 'NULL'],
    [8, 'NULL+8'],
    [4095, 'NULL+4095'],
    [r10, 'stack+0', 'the stack is 512 bytes'],
    [r10 - 8, 'stack-8', 'the stack is 512 bytes'],
    [r10 - 520, 'stack-520', 'the stack is 512 bytes'],
    [machine.framePointer(1) - 4, 'stack-4 of frame 1', 'the stack is 512 bytes'],
    [machine.framePointer(7) - 512, 'stack-512 of frame 7', 'the stack is 512 bytes'],
    [layout.ctx, 'ctx+0'],
    [layout.ctx + 24, 'ctx+24'],
    [layout.ctx - 4, 'ctx-4'],
    [packet.data, 'packet+0', 'packet is 64 bytes'],
    [packet.data + 66, 'packet+66', 'packet is 64 bytes'],
    [packet.data - 1, 'packet-1', 'packet is 64 bytes'],
    [old, 'an old packet pointer', 'the packet has moved since'],
    [base(0) + 16 + 13, 'map `cells` [1] value+13', 'a value is 12 bytes'],
    [base(1) + 20, 'map `conns`', 'a value is 8 bytes'],
    [base(2) + 33, '.data+33', '.data is 40 bytes'],
    [base(3) + 8, 'map `counters` [1] value+0', 'a value is 8 bytes'],
    [layout.maps[1]?.descriptor ?? 0, 'map `conns` itself'],
    [functionPtr(layout, 0), 'function main'],
    [layout.end + 0x10000, `0x${(layout.end + 0x10000).toString(16)}`],
  ];
  for (const [ptr, text, size] of places) {
    t.strictSame(describeAddress(machine, ptr), size === undefined ? { text } : { text, size }, text);
  }
  t.equal(describeAddress(machine, 5, 1).text, '0x100000005');
  t.equal(describeAddress(machine, -1, -1).text, '0xffffffffffffffff');
  t.end();
});
