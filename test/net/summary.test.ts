/** Summary lines against tcpdump's own for the HTTP capture, where tcpdump is installed; DNS and rarer lines by table. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { fromHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { summarizeDns } from '../../vm/net/dns-summary.js';
import { summarizePacket } from '../../vm/net/summary.js';
import { readAll } from '../support/captures.js';

// Its lines change a little from version to version.
const tcpdump = spawnSync('tcpdump', ['--version'], { encoding: 'utf8' });
const skip = tcpdump.error === undefined && tcpdump.stdout.includes('4.99.') ? false : 'tcpdump 4.99 is not installed';

void t.test('http.pcap: as tcpdump -nS', { skip }, (t) => {
  const path = fileURLToPath(new URL('../../pcaps/http.pcap', import.meta.url));
  const theirs = spawnSync('tcpdump', ['-nS', '-t', '-r', path], { encoding: 'utf8' }).stdout.trimEnd().split('\n');
  const ours = readAll(readFileSync(path)).packets.map(({ data, linkType }) => summarizePacket(data, linkType));
  t.strictSame(ours, theirs);
  t.end();
});

const QUERY = '1267 0100 0001 0000 0000 0000 0377777704686976650765786 16d706c6500 0001 0001';
const DNS: readonly { name: string; hex: string; text: string | undefined }[] = [
  { name: 'query', hex: QUERY, text: '4711+ A? www.hive.example. (99)' },
  { name: 'query without recursion', hex: QUERY.replace('0100', '0000'), text: '4711 A? www.hive.example. (99)' },
  {
    name: 'answer with a compressed name',
    hex: `${QUERY.replace('0100 0001 0000', '8580 0001 0002')} c00c 0005 0001 0000003c 0002 c010 c010 0001 0001 0000003c 0004 c0000201`,
    text: '4711* 2/0/0 CNAME hive.example., A 192.0.2.1 (99)',
  },
  { name: 'no such name', hex: QUERY.replace('0100', '8183'), text: '4711 NXDomain 0/0/0 (99)' },
  { name: 'truncated answer, no recursion', hex: QUERY.replace('0100', '8300'), text: '4711-| 0/0/0 (99)' },
  { name: 'a name that points at itself', hex: '1267 0100 0001 0000 0000 0000 c00c 0001 0001', text: undefined },
  { name: 'a name that runs out', hex: '1267 0100 0001 0000 0000 0000 3f61', text: undefined },
  { name: 'too short', hex: '1267 0100 0001', text: undefined },
  { name: 'not a query', hex: QUERY.replace('0100', '2800'), text: undefined },
];

for (const { name, hex, text } of DNS) {
  void t.test(`DNS: ${name}`, (t) => {
    t.equal(summarizeDns(must(fromHex(hex), 'hex'), 99), text);
    t.end();
  });
}
