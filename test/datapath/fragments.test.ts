/** Programs that know of fragments get long packets in pieces, others in one. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { PROG_FLAGS } from '../../vm/spec/prog-types.js';
import { patternBytes } from '../machine/harness.js';

const TEXT = `
  r6 = *(u32 *)(r1 + 4)
  r2 = *(u32 *)(r1 + 0)
  r6 -= r2
  call xdp_get_buff_len
  r0 -= r6
  exit`;

/** Bytes in fragments. */
function run(engine: 'interp' | 'wasm', flags: number, bytes: number): number {
  const object = objectFromInsns(assemble(TEXT).bytes, { type: 'xdp' });
  const programs = object.programs.map((each) => ({ ...each, flags }));
  const datapath = new Datapath({ ...object, programs }, { engine, memoryBytes: 16 << 20, packetBytes: 100_000 });
  const { code, packet, trap } = datapath.attach().run(patternBytes(bytes));
  t.equal(trap, undefined);
  t.ok(Buffer.from(packet).equals(patternBytes(bytes)));
  return code;
}

for (const engine of ['interp', 'wasm'] as const) {
  t.test(engine, (t) => {
    t.equal(run(engine, PROG_FLAGS.xdpHasFrags, 3520), 0);
    t.equal(run(engine, PROG_FLAGS.xdpHasFrags, 6000), 2480);
    t.equal(run(engine, 0, 6000), 0);
    // More than 17 pages: in one piece.
    t.equal(run(engine, PROG_FLAGS.xdpHasFrags, 73152), 69632);
    t.equal(run(engine, PROG_FLAGS.xdpHasFrags, 73153), 0);
    t.end();
  });
}
