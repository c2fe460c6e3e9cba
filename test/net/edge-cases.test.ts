/**
 * pcaps/edge-cases.pcap is what its script makes, and each of its frames is taken apart, checked and summed up as
 * recorded. BLESS=1 writes both files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { edgeCaseCapture, edgeCases } from '../../scripts/edge-cases.js';
import { equalBytes } from '../../vm/bytes.js';
import { checkChecksums } from '../../vm/net/checksum.js';
import type { ParsedFrame } from '../../vm/net/headers.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { summarizeFrame } from '../../vm/net/summary.js';
import { readAll } from '../support/captures.js';

const CAPTURE = new URL('../../pcaps/edge-cases.pcap', import.meta.url);
const GOLDEN = new URL('edge-cases.golden', import.meta.url);
const bless = process.env.BLESS === '1';

function describe(name: string, data: Uint8Array): string {
  const frame = parseFrame(data);
  const checksums = checkChecksums(data, frame).map(({ header, state }) =>
    state.kind === 'bad' ? `${header} bad, expected 0x${state.expected.toString(16)}` : `${header} ${state.kind}`,
  );
  const lines = [name, summarizeFrame(data, frame), stackOf(frame), checksums.join(', ')];
  return lines.filter((line) => line !== '').join('\n  ');
}

function stackOf({ headers, stop, payloadOff, endOff }: ParsedFrame): string {
  const stack = headers.map((header) => `${header.kind}@${header.off}+${header.headerBytes}`);
  return `${stack.join(' ')} ${JSON.stringify(stop)} ${payloadOff}..${endOff}`.trim();
}

void t.test('the capture is what the script makes', (t) => {
  const made = edgeCaseCapture();
  if (bless) writeFileSync(CAPTURE, made);
  t.ok(equalBytes(readFileSync(CAPTURE), made), 'equal bytes');
  t.end();
});

void t.test('each case is as recorded', (t) => {
  const { packets } = readAll(readFileSync(CAPTURE));
  const got = edgeCases().map(({ name }, i) => describe(name, packets[i]?.data ?? new Uint8Array(0)));
  if (bless) writeFileSync(GOLDEN, `${got.join('\n')}\n`);
  t.strictSame(got.join('\n').split('\n'), readFileSync(GOLDEN, 'utf8').trimEnd().split('\n'));
  t.equal(new Set(edgeCases().map(({ name }) => name)).size, got.length, 'names are unique');
  t.end();
});

void t.test('only the cases that say so have bad checksums', (t) => {
  for (const { name, frame } of edgeCases()) {
    const bad = checkChecksums(frame, parseFrame(frame)).filter(({ state }) => state.kind === 'bad');
    t.equal(bad.length, name.includes('bad') ? 1 : 0, name);
  }
  t.end();
});
