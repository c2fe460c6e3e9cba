/**
 * Kfuncs and dynptrs against Linux: answers of a live kernel are recorded in `test/cases/kernel` (`BLESS=1` records again),
 * the engines are held against the record, and the kernel where it can be asked.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import type { Runner } from '../../vm/engine/engine.js';
import { must } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import type { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { ObjectSpec, Ref } from '../../vm/object/object-spec.js';
import { beginXdpTestRun, endXdpTestRun } from '../../vm/packet/test-run-xdp.js';
import { beginTestRun, endTestRun } from '../../vm/packet/test-run.js';
import { KFUNCS } from '../../vm/spec/kfuncs.js';
import { PROG_FLAGS } from '../../vm/spec/prog-types.js';
import { machineOf } from '../machine/harness.js';
import { Kernel, KernelRefusal } from './helpers-kernel.js';
import { readKernelBtf } from './kernel-btf.js';
import { KFUNC_CASES, type KfuncCase } from './kfunc-cases.js';
import { hashBytes, testRecordedAnswers, type Mode } from './recorded-answers.js';

const NAMES = KFUNCS.map(({ name }) => name as string);

/** Kfuncs stand in the text by name, in the instructions by their place in the table, in the object as references. */
function objectOf({ text, type, maps = [] }: KfuncCase): ObjectSpec {
  const bare = text
    .replace(/call (\w+)/g, (whole, name: string) =>
      NAMES.includes(name) ? `call kfunc ${NAMES.indexOf(name)}` : whole,
    )
    .replace(/(r\d) = &map(\d+)/g, 'ld_pseudo $1, 0x1, $2');
  const object = objectFromInsns(assemble(bare).bytes, { type, maps });
  const functions = object.functions.map((func) => {
    const refs = new Map(func.refs);
    for (const [index, { name, imm }] of func.insns.entries()) {
      const ref: Ref = { kind: 'kfunc', name: NAMES[imm] ?? '?' };
      if (name === 'call_kfunc') refs.set(index, ref);
    }
    return { ...func, refs };
  });
  const flags = type === 'xdp' ? PROG_FLAGS.xdpHasFrags : 0;
  return { ...object, functions, programs: object.programs.map((each) => ({ ...each, flags })) };
}

function answer(retval: number, data: Uint8Array): string {
  return `${retval | 0} ${data.length}:${hashBytes(data)}`;
}

/** Cases that share a machine, each a function of one object. Those with maps have one of their own. */
const BATCH = 200;

function batches(): KfuncCase[][] {
  const all: KfuncCase[][] = [];
  for (const each of KFUNC_CASES) {
    const last = all.at(-1);
    const [first] = last ?? [];
    const shares = first?.type === each.type && first.maps === undefined && each.maps === undefined;
    if (last !== undefined && shares && last.length < BATCH) last.push(each);
    else all.push([each]);
  }
  return all;
}

function* askSkep({ engine, checks }: Mode): Generator<[each: KfuncCase, answer: string]> {
  for (const batch of batches()) {
    const parts = batch.map(objectOf);
    const object = { ...must(parts[0], 'an object'), functions: parts.flatMap(({ functions }) => functions) };
    const machine = machineOf(object, { packetBytes: 12_000, memoryBytes: 2 << 20, shadow: checks.memory });
    machine.enter(must(hookOf(must(batch[0], 'a case').type), 'a hook'));
    const runner = ENGINES[engine].compile(object, machine.layout, checks).bind(machine);
    for (const [func, each] of batch.entries()) yield [each, runCase(machine, runner, func, each)];
  }
}

function runCase(machine: Machine, runner: Runner, func: number, { type, packet }: KfuncCase): string {
  const refused = type === 'xdp' ? beginXdpTestRun(machine.xdp, packet) : beginTestRun(machine.skb, packet);
  if (refused !== 0) return `errno ${refused}`;
  runner.run(func, machine.layout.ctx);
  const outcome = runner.outcome();
  if (outcome.kind === 'trap') return `trap ${outcome.trap.name}: ${outcome.trap.message}`;
  const { errno } = type === 'xdp' ? endXdpTestRun(machine.xdp) : endTestRun(machine.skb);
  if (errno !== 0) return `errno ${errno}`;
  return answer(Number(BigInt.asIntN(32, outcome.r0)), machine.packet.bytes());
}

/** With the numbers that this kernel's BTF gives. */
function askKernel(kernel: Kernel, ids: ReadonlyMap<string, number>, each: KfuncCase): string {
  const object = objectOf(each);
  const functions = object.functions.map((func) => ({
    ...func,
    insns: func.insns.map((insn, index) => {
      const ref = func.refs.get(index);
      return ref?.kind === 'kfunc' ? { ...insn, imm: must(ids.get(ref.name), ref.name) } : insn;
    }),
  }));
  const machine = kernel.open({ ...object, functions });
  try {
    const run = machine.run(each.packet);
    return run.errno === 0 ? answer(run.retval, run.data) : `errno ${run.errno}`;
  } catch (error) {
    if (error instanceof KernelRefusal) throw new Error(`${each.name}: ${error.message}`);
    throw error;
  } finally {
    machine.close();
  }
}

function readIds(): ReadonlyMap<string, number> {
  const btf = readKernelBtf();
  const ids = new Map<string, number>();
  for (const { name, unsupported } of KFUNCS) {
    const id =
      unsupported === true ? undefined : [...btf.idsNamed(name)].find((each) => btf.type(each).kind === 'func');
    if (id !== undefined) ids.set(name, id);
  }
  return ids;
}

testRecordedAnswers({
  file: 'test/cases/kernel/kfuncs.json',
  cases: KFUNC_CASES,
  moreThan: 800,
  askSkep,
  openKernel: () => {
    const kernel = new Kernel();
    const ids = readIds();
    return (each) => askKernel(kernel, ids, each);
  },
});
