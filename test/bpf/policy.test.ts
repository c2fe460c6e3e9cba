/** policy.bpf.o in skep, on each engine: the scenarios, random policies against the model, and the events it sends. */
import t from 'tap';
import { ENGINES } from '../../vm/datapath/engines.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { Attachment } from '../../vm/datapath/attachment.js';
import { viewOf } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import { testAgainstModel, testScenarios } from '../control/policy-suite.js';
import type { OpenRunner } from '../control/policy-suite.js';

const skip = hookOf('sched_cls') === undefined ? 'skep has no tc hook' : false;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

const POLICIES = 25;

function openOn(engine: EngineName): OpenRunner {
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

for (const engine of Object.keys(ENGINES) as EngineName[]) {
  t.test(`scenarios on ${engine}`, { skip }, (t) => {
    testScenarios(t, openOn(engine));
    t.end();
  });

  t.test(`random policies and packets on ${engine}: the program decides as the model does`, { skip }, (t) => {
    const seen = testAgainstModel(openOn(engine), seed, POLICIES);
    const packets = [...seen.values()].reduce((sum, count) => sum + count, 0);
    t.comment(`${packets} packets: ${[...seen].map(([what, count]) => `${what} ${count}`).join(', ')}`);
    t.ok(packets >= 200, 'enough packets');
    t.ok(seen.size >= 10, 'of most kinds');
    t.end();
  });
}
