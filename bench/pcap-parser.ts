/** The untyped CommonJS package `pcap-parser`, with the types of what tests and benches use of it. */
import { createRequire } from 'node:module';
import { type Readable } from 'node:stream';
import { type PcapParserEmitter } from '../vm/net/from-pcap-parser.js';

const require = createRequire(import.meta.url);
const untyped: unknown = require('pcap-parser');

/** Its parser of a path or a stream; reading begins in the next turn. */
export const { parse } = untyped as { parse: (input: string | Readable) => PcapParserEmitter };
