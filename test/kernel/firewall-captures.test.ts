/**
 * firewall.bpf.o over all captures on the live kernel, loaded and run but never attached, side by side with both engines:
 * verdicts and bytes, packet by packet. Skips with the reason where bpf() cannot be used.
 */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { LINKTYPE_ETHERNET } from '../../vm/net/link-types.js';
import { withVariable } from '../bpf/with-variable.js';
import { readAll } from '../support/captures.js';
import { whyNoBpf } from './bpf-syscall.js';
import { Kernel } from './helpers-kernel.js';

const skip = whyNoBpf() ?? false;

/** No bucket runs empty: the kernel's clock goes on while the test runs, and skep's is that of the test. */
const BURST = 1_000_000;
const object = withVariable(loadObject(readFileSync('bpf/firewall.bpf.o')), 'burst_packets', BURST);
const program = must(object.programs[0], 'a program').func;

for (const file of readdirSync('pcaps').filter((name) => /\.pcap(ng)?$/.test(name))) {
  t.test(`${file}: kernel and skep agree`, { skip }, (t) => {
    const frames = readAll(readFileSync(`pcaps/${file}`))
      .packets.filter(
        ({ linkType, data }) => linkType === LINKTYPE_ETHERNET && data.length >= 14 && data.length <= 3000,
      )
      .map(({ data }) => data);
    const machine = new Kernel().open(object);
    t.teardown(() => {
      machine.close();
    });
    const attachments = (['interp', 'wasm'] as const).map((engine) => new Datapath(object, { engine }).attach());
    const verdicts = [0, 0, 0, 0, 0];
    for (const [index, frame] of frames.entries()) {
      const theirs = machine.run(frame, program);
      const wanted = `${theirs.errno} ${theirs.retval} ${toHex(theirs.data)}`;
      for (const attachment of attachments) {
        const { code, packet } = attachment.run(frame);
        const ours = `0 ${code} ${toHex(packet)}`;
        if (ours !== wanted) t.equal(ours, wanted, `packet ${index + 1}: ${toHex(frame)}`);
      }
      verdicts[theirs.retval] = (verdicts[theirs.retval] ?? 0) + 1;
    }
    t.ok(frames.length > 0, `${frames.length} packets, by verdict ${verdicts.join(' ')}`);
    t.end();
  });
}
