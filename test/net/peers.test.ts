/** Our reader against others, packet by packet: pcap-parser (microsecond pcap) and tshark, where it is installed. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { toHex } from '../../vm/bytes.js';
import { fromPcapParser } from '../../vm/net/from-pcap-parser.js';
import { type Packet } from '../../vm/net/packet.js';
import { writePcap } from '../../vm/net/write-pcap.js';
import { writePcapng } from '../../vm/net/write-pcapng.js';
import { readAll, patternBytes } from '../support/captures.js';
import { parse } from '../../bench/pcap-parser.js';

const pcapPath = (name: string) => fileURLToPath(new URL(`../../pcaps/${name}`, import.meta.url));
const CAPTURES = readdirSync(new URL('../../pcaps/', import.meta.url)).filter((name) => /\.pcap(ng)?$/.test(name));

function ours(path: string): Packet[] {
  const { packets, failure } = readAll(readFileSync(path));
  if (failure !== undefined) throw failure;
  return packets;
}

const plain = (packets: readonly Packet[]) => packets.map((packet) => ({ ...packet, data: toHex(packet.data) }));

async function collect(batches: AsyncIterable<Packet[]>): Promise<Packet[]> {
  const packets: Packet[] = [];
  for await (const batch of batches) packets.push(...batch);
  return packets;
}

for (const name of CAPTURES.filter((name) => name.endsWith('.pcap'))) {
  void t.test(`pcap-parser reads the same from ${name}`, async (t) => {
    const path = pcapPath(name);
    t.strictSame(plain(await collect(fromPcapParser(parse(path)))), plain(ours(path)));
  });
}

void t.test('pcap-parser reads the same from a big-endian capture of other bytes', async (t) => {
  const packets = Array.from({ length: 10_000 }, (_, i) => ({ data: patternBytes(i % 90, i), sec: i, nsec: 1000 * i }));
  const capture = writePcap(packets, { bigEndian: true, linkType: 101 });
  const path = join(t.testdir({}), 'big.pcap');
  writeFileSync(path, capture);
  t.strictSame(plain(await collect(fromPcapParser(parse(path)))), plain(readAll(capture).packets));
});

void t.test('what pcap-parser refuses comes out as a PcapError', async (t) => {
  const batches = fromPcapParser(parse(Readable.from([Buffer.from(writePcap([], { nanoseconds: true }))])));
  await t.rejects(collect(batches), { name: 'PcapError', code: 'pcap-block', cause: Error });
});

/** time, length, captured length, frame bytes and comment, as tshark tells them. */
function tshark(path: string): { epoch: string; origBytes: number; capBytes: number; data: string }[] {
  const fields = ['frame.time_epoch', 'frame.len', 'frame.cap_len'].flatMap((field) => ['-e', field]);
  const run = (args: string[]) =>
    spawnSync('tshark', ['-n', '-r', path, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;
  const rows = run(['-T', 'fields', ...fields])
    .trimEnd()
    .split('\n');
  const raw = JSON.parse(run(['-T', 'jsonraw'])) as { _source: { layers: { frame_raw: [string] } } }[];
  return rows.map((row, i) => {
    const [epoch = '', origBytes = '', capBytes = ''] = row.split('\t');
    return {
      epoch,
      origBytes: Number(origBytes),
      capBytes: Number(capBytes),
      data: raw[i]?._source.layers.frame_raw[0] ?? '',
    };
  });
}

const hasTshark = spawnSync('tshark', ['--version']).error === undefined;
const skip = hasTshark ? false : 'tshark is not installed';

function compareWithTshark(t: Test, path: string): void {
  t.strictSame(
    ours(path).map(({ sec, nsec, origBytes, data }) => ({
      epoch: `${sec}.${nsec.toString().padStart(9, '0')}`,
      origBytes,
      capBytes: data.length,
      data: toHex(data),
    })),
    tshark(path),
  );
}

for (const name of CAPTURES) {
  void t.test(`tshark reads the same from ${name}`, { skip }, (t) => {
    compareWithTshark(t, pcapPath(name));
    t.end();
  });
}

void t.test('tshark reads what we write', { skip }, (t) => {
  const packets = Array.from({ length: 50 }, (_, i) => ({
    data: patternBytes(14 + i * 3, i),
    origBytes: 14 + i * 4,
    sec: 1_700_000_000 + i,
    nsec: 123_456_789 - i,
    interfaceId: i % 2,
    comment: i % 3 === 0 ? `number ${i}` : undefined,
  }));
  const interfaces = [{ linkType: 1, name: 'eth0' }, { linkType: 1 }];
  const files = {
    'us.pcap': writePcap(packets),
    'ns-big.pcap': writePcap(packets, { nanoseconds: true, bigEndian: true }),
    'little.pcapng': writePcapng(interfaces, packets),
    'big.pcapng': writePcapng(interfaces, packets, true),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(t.testdir({}), name);
    writeFileSync(path, bytes);
    compareWithTshark(t, path);
  }
  t.end();
});
