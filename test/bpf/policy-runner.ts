/** Runs policy.bpf.o in skep, for the policy's suite. */
import { viewOf } from '../../vm/bytes.js';
import type { Attachment } from '../../vm/datapath/attachment.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { must } from '../../vm/errors.js';
import type { OpenRunner } from '../control/policy-suite.js';

/** A runner on an engine. */
export function openSkep(engine: EngineName): OpenRunner {
  return (object) => {
    const datapath = new Datapath(object, { engine });
    const attachments = new Map<string, Attachment>();
    return {
      update: (map, key, value) => {
        datapath.map(map).set(key, value);
      },
      run: (program, frame) => {
        const attachment = attachments.get(program) ?? datapath.attach(program);
        attachments.set(program, attachment);
        const { code, trap } = attachment.run(frame);
        if (trap !== undefined) throw new Error(`${program}: ${trap.message}`);
        return code;
      },
      count: (map, key, off) => {
        const handle = datapath.map(map);
        const value = must(handle.get(key), `a value of ${map}`);
        const { valueBytes } = handle.spec;
        let sum = 0;
        for (let at = 0; at < value.length; at += valueBytes) sum += Number(viewOf(value).getBigUint64(at + off, true));
        return sum;
      },
      close: () => undefined,
    };
  };
}
