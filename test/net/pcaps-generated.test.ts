/** The generated captures are what their scripts make, and hold what pcaps/README.md says. BLESS=1 writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { fragmentGroups } from '../../scripts/captures-fragments.js';
import { GENERATED_CAPTURES } from '../../scripts/captures-generated.js';
import { headerCases } from '../../scripts/captures-headers.js';
import { malformedFrames } from '../../scripts/captures-malformed.js';
import { equalBytes } from '../../vm/bytes.js';
import { checkChecksums } from '../../vm/net/checksum.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { readAll } from '../support/captures.js';

const captureUrl = (name: string) => new URL(`../../pcaps/${name}`, import.meta.url);
const bless = process.env.BLESS === '1';

function framesOf(name: string): Uint8Array[] {
  const { packets, failure } = readAll(readFileSync(captureUrl(name)));
  if (failure !== undefined) throw failure;
  return packets.map(({ data }) => data);
}

const badChecksums = (frame: Uint8Array) =>
  checkChecksums(frame, parseFrame(frame)).filter(({ state }) => state.kind === 'bad').length;

for (const [name, make] of Object.entries(GENERATED_CAPTURES)) {
  void t.test(`${name} is what its script makes`, (t) => {
    const made = make();
    if (bless) writeFileSync(captureUrl(name), made);
    t.ok(equalBytes(readFileSync(captureUrl(name)), made), 'equal bytes');
    t.ok(equalBytes(make(), made), 'the same when made again');
    t.ok(made.length < 1 << 20, 'below 1 MB');
    t.end();
  });
}

void t.test('checksums are right where nothing says otherwise', (t) => {
  for (const name of ['mixed.pcapng', 'syn-flood.pcap', 'vlan.pcap', 'fragments.pcap']) {
    const bad = framesOf(name).flatMap((frame, i) => (badChecksums(frame) === 0 ? [] : [i + 1]));
    t.strictSame(bad, name === 'mixed.pcapng' ? oddOfMixed() : [], name);
  }
  t.end();
});

/** The frames of mixed.pcapng whose header was changed after it was summed up. */
function oddOfMixed(): number[] {
  const { packets } = readAll(readFileSync(captureUrl('mixed.pcapng')));
  const odd = new Set(['total length above the frame', 'IP header of four words', 'TCP header beyond the packet']);
  return packets.flatMap(({ data, comment }, i) => (odd.has(comment ?? '') && badChecksums(data) > 0 ? [i + 1] : []));
}

void t.test('malformed.pcap: a checksum that is called wrong is wrong', (t) => {
  for (const { name, frame } of malformedFrames()) {
    const is = badChecksums(frame);
    if (name.endsWith('nothing wrong')) t.equal(is, 0, name);
    // In UDP over IPv4, 0 says that there is none.
    else if (name.includes('checksum') && !name.includes('udp checksum 0')) t.equal(is, 1, name);
  }
  t.end();
});

void t.test('names of cases are unique', (t) => {
  for (const names of [fragmentGroups(), headerCases(), malformedFrames()].map((all) => all.map(({ name }) => name))) {
    t.equal(new Set(names).size, names.length);
  }
  t.end();
});
