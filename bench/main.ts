/** `npm run bench`: everything, or with --smoke just enough to see that it runs. */
import { cpus } from 'node:os';
import { benchInterp } from './interp.js';
import { benchPcap } from './pcap.js';

const smoke = process.argv.includes('--smoke');

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}; medians of interleaved slices`);
console.log(benchInterp(smoke ? 3 : 150).join('\n'));
await benchPcap({ smoke });
