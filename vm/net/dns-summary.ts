/**
 * A DNS message in the few words that `tcpdump` has for it: `4711+ A? www.hive.example. (34)` and
 * `4711* 1/0/0 A 192.0.2.1 (50)`. Knows nothing of the packet around the message.
 */
import { viewOf } from '../bytes.js';
import { formatIpv4, formatIpv6 } from '../address-text.js';

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  41: 'OPT',
  43: 'DS',
  46: 'RRSIG',
  48: 'DNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  252: 'AXFR',
  255: 'ANY',
};

const RESPONSE_CODES: readonly string[] = ['', 'FormErr', 'ServFail', 'NXDomain', 'NotImp', 'Refused'];

const HEADER_BYTES = 12;
/** Labels in a name, compressed ones together; also ends loops of pointers. */
const MAX_LABELS = 64;
/** Answers that are spelt out; the line has to end somewhere. */
const MAX_ANSWERS = 3;

/** The summary, or undefined if these bytes are no DNS message. `messageBytes` is its length before the capture cut it. */
export function summarizeDns(message: Uint8Array, messageBytes: number): string | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const view = viewOf(message);
  const flags = view.getUint16(2, false);
  const questions = view.getUint16(4, false);
  const answers = view.getUint16(6, false);
  const isResponse = (flags & 0x8000) !== 0;
  if (((flags >>> 11) & 15) !== 0 || questions > 1) return undefined;

  let at = HEADER_BYTES;
  let asked = '';
  if (questions === 1) {
    const name = readName(message, at);
    if (name === undefined || name.end + 4 > message.length) return undefined;
    asked = `${typeName(view.getUint16(name.end, false))}? ${name.text}`;
    at = name.end + 4;
  }
  const id = view.getUint16(0, false);
  if (!isResponse) {
    const extra = view.getUint16(10, false);
    return `${id}${(flags & 0x0100) === 0 ? '' : '+'}${extra === 0 ? '' : ` [${extra}au]`} ${asked} (${messageBytes})`;
  }

  const code = flags & 15;
  const marks = `${(flags & 0x0400) === 0 ? '' : '*'}${(flags & 0x0080) === 0 ? '-' : ''}${(flags & 0x0200) === 0 ? '' : '|'}`;
  const failure = code === 0 ? '' : ` ${RESPONSE_CODES[code] ?? `code ${code}`}`;
  const counts = `${answers}/${view.getUint16(8, false)}/${view.getUint16(10, false)}`;
  const records = readAnswers(message, view, at, answers);
  return `${id}${failure}${marks} ${counts}${records === '' ? '' : ` ${records}`} (${messageBytes})`;
}

function readAnswers(message: Uint8Array, view: DataView, from: number, count: number): string {
  const texts: string[] = [];
  let at = from;
  for (let i = 0; i < Math.min(count, MAX_ANSWERS); i++) {
    const owner = readName(message, at);
    if (owner === undefined || owner.end + 10 > message.length) break;
    const type = view.getUint16(owner.end, false);
    const dataAt = owner.end + 10;
    const dataBytes = view.getUint16(owner.end + 8, false);
    if (dataAt + dataBytes > message.length) break;
    texts.push(recordText(message, type, dataAt, dataBytes));
    at = dataAt + dataBytes;
  }
  return texts.join(', ');
}

function recordText(message: Uint8Array, type: number, at: number, bytes: number): string {
  const name = typeName(type);
  switch (name) {
    case 'A':
      return bytes === 4 ? `A ${formatIpv4(message, at)}` : name;
    case 'AAAA':
      return bytes === 16 ? `AAAA ${formatIpv6(message, at)}` : name;
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return `${name} ${readName(message, at)?.text ?? '[bad name]'}`;
    case 'MX':
      return `MX ${readName(message, at + 2)?.text ?? '[bad name]'} ${((message[at] ?? 0) << 8) | (message[at + 1] ?? 0)}`;
    case 'SRV': {
      const target = bytes < 7 ? undefined : readName(message, at + 6);
      if (target === undefined) return name;
      const [priority, weight, port] = [0, 2, 4].map((off) => viewOf(message).getUint16(at + off, false));
      return `SRV ${target.text}:${port ?? 0} ${priority ?? 0} ${weight ?? 0}`;
    }
    case 'TXT':
      return `TXT "${printable(message.subarray(at + 1, Math.min(at + bytes, at + 1 + (message[at] ?? 0))))}"`;
    default:
      return name;
  }
}

function typeName(type: number): string {
  return TYPES[type] ?? `Type${type}`;
}

/** Text as it is, other bytes as `\\DDD`. */
function printable(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString().padStart(3, '0')}`;
  }
  return text;
}

/** A name with its final dot, and where what follows it begins. Undefined if it runs out of the message or in circles. */
function readName(message: Uint8Array, from: number): { text: string; end: number } | undefined {
  let text = '';
  let at = from;
  let end: number | undefined;
  for (let labels = 0; labels < MAX_LABELS; labels++) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return { text: text === '' ? '.' : text, end: end ?? at + 1 };
    if (length >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | low;
      continue;
    }
    if (length > 63 || at + 1 + length > message.length) return undefined;
    text += `${printable(message.subarray(at + 1, at + 1 + length))}.`;
    at += 1 + length;
  }
  return undefined;
}
