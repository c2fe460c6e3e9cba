/**
 * Katran's balancer over its fixtures, against what Linux made of them: each verdict and each byte of each packet, in order
 * and stateful. `SKEP_KATRAN_OBJECTS` names the folder of the objects, built elsewhere with the flags that a record names.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { fromHex, toHex } from '../../vm/bytes.js';
import { load } from '../../vm/datapath/datapath.js';
import { must } from '../../vm/errors.js';
import { foreignObjects, recordedFile } from './recorded.js';

interface Recorded {
  readonly map_writes: readonly (readonly [map: string, key: string, value: string])[];
  readonly ch_rings_u32le_base64: string;
  readonly packets: readonly {
    readonly n: number;
    readonly desc: string;
    readonly in: string;
    readonly kernel_ret: string;
    readonly kernel_out: string;
  }[];
}

const SETS = ['base', 'tpr', 'cidr-gue'] as const;
const MODES = [
  { engine: 'interp', checked: true },
  { engine: 'wasm', checked: true },
  { engine: 'wasm', checked: false },
] as const;

const objects = foreignObjects('SKEP_KATRAN_OBJECTS');
/** Large maps may cost so much, and not what they could hold: hundreds of megabytes. */
const MAX_RSS_BYTES = 700e6;

const bytes = (hex: string): Uint8Array => must(fromHex(hex), 'hex');

for (const set of SETS) {
  const file = recordedFile(`katran/${set}.json.gz`);
  const object = objects.get(set);
  const skip =
    file === undefined
      ? 'no record of Linux in ../shared/oracle or $SKEP_ORACLE'
      : object === undefined
        ? `$SKEP_KATRAN_OBJECTS names no folder with ${set}.o`
        : false;
  for (const { engine, checked } of MODES) {
    t.test(`${set}: ${engine}${checked ? '' : ', no checks'}`, { skip }, (t) => {
      const recorded = JSON.parse(gunzipSync(readFileSync(must(file, 'a file'))).toString()) as Recorded;
      const datapath = load(readFileSync(must(object, 'an object')), {
        engine,
        ...(checked ? {} : { checks: { fuel: false, memory: false } }),
      });
      for (const [map, key, value] of recorded.map_writes) {
        t.equal(datapath.map(map).set(bytes(key), bytes(value)), 0, `${map} ${key}`);
      }
      const rings = Buffer.from(recorded.ch_rings_u32le_base64, 'base64');
      const ring = datapath.map('ch_rings');
      const key = Buffer.alloc(4);
      for (let index = 0; 4 * index < rings.length; index++) {
        key.writeUInt32LE(index);
        ring.set(key, rings.subarray(4 * index, 4 * index + 4));
      }
      const run = datapath.testRun();
      const program = must(
        datapath.object.programs.find(({ type }) => type === 'xdp'),
        'a program',
      );
      const attachment = datapath.attach(program.name);
      for (const packet of recorded.packets) {
        run.setClock(3_600_000_000_000 + 1000 * packet.n);
        const { retval, data, trap } = run.run(program, { data: bytes(packet.in) });
        t.equal(trap?.message, undefined, packet.desc);
        t.equal(attachment.verdictName(retval | 0), packet.kernel_ret, packet.desc);
        t.equal(toHex(data), packet.kernel_out, packet.desc);
      }
      t.ok(process.memoryUsage().rss < MAX_RSS_BYTES, `${process.memoryUsage().rss} bytes`);
      t.end();
    });
  }
}
