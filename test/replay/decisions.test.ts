/** Where verdicts are decided: written programs by instruction, and the firewall against the reason that its events give. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { Datapath, load } from '../../vm/datapath/datapath.js';
import { readCaptureBytes } from '../../vm/net/capture.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { DecisionRecorder } from '../../vm/replay/decisions.js';
import { Replay } from '../../vm/replay/replay.js';

const CASES: readonly { readonly name: string; readonly text: string; readonly path: readonly number[] }[] = [
  { name: 'nothing was asked', text: 'r0 = 2\nexit', path: [0] },
  {
    name: 'a return of its own',
    text: 'r2 = *(u32 *)(r1 + 0)\nr0 = 1\nif r2 == 0 goto +1\nexit\nr0 = 2\nexit',
    path: [1, 2],
  },
  {
    name: 'a shared tail: the branch that led to it, not those that joined before',
    text: `r2 = *(u32 *)(r1 + 12)
r3 = 0
if r2 == 7 goto +1
r3 = 1
r0 = 1
if r2 == 9 goto tail
if r2 == 1 goto tail
r0 = 2
tail:
exit`,
    path: [4, 6],
  },
  {
    name: 'through an enum of reasons, set before it is known whether it holds',
    text: `r2 = *(u32 *)(r1 + 12)
r9 = 4
if r2 == 8 goto judge
r9 = 5
if r2 == 1 goto judge
r9 = 0
judge:
r0 = 2
if r9 == 0 goto out
r0 = 1
out:
exit`,
    path: [8, 7, 4],
  },
  {
    name: 'through a stack slot and a bit test',
    text: `r2 = *(u32 *)(r1 + 12)
r9 = 3
if r2 == 1 goto judge
r9 = 0
judge:
*(u64 *)(r10 - 8) = r9
r3 = *(u64 *)(r10 - 8)
r4 = 8
r4 >>= r3
r4 &= 1
r0 = 2
if r4 == 0 goto out
r0 = 1
out:
exit`,
    path: [11, 10, 2],
  },
  {
    name: 'past an early return into the same exit: the last of the branches that chose',
    text: `r2 = *(u32 *)(r1 + 12)
r0 = 2
if r2 == 77 goto out
r0 = 1
if r2 == 1 goto +1
r0 = 0
r0 <<= 1
out:
exit`,
    path: [6, 4],
  },
  {
    name: 'a computed verdict: the instruction that computed it',
    text: 'r0 = *(u32 *)(r1 + 12)\nr0 += 1\nr2 = r0\nr0 = r2\nexit',
    path: [1],
  },
  {
    name: 'in a loop: the round that left it',
    text: `r2 = 0
r3 = *(u32 *)(r1 + 12)
r0 = 2
head:
r2 += 1
if r2 == r3 goto found
if r2 < 10 goto head
goto out
found:
r0 = 1
out:
exit`,
    path: [7, 4],
  },
];

function pathOf(text: string): readonly number[] {
  const datapath = new Datapath(objectFromInsns(assemble(text).bytes), { memoryBytes: 16 * 2 ** 20 });
  const recorder = new DecisionRecorder(datapath.machine);
  datapath.attach(undefined, { probe: recorder }).run(new Uint8Array(64));
  return recorder.path().map(({ insn }) => insn);
}

for (const { name, text, path } of CASES) {
  t.test(name, (t) => {
    t.same(pathOf(text), path);
    t.end();
  });
}

t.test('through functions: a result picked in one, by an argument picked in the caller', (t) => {
  const text = `r2 = *(u32 *)(r1 + 12)
r1 = 4
if r2 == 1 goto ask
r1 = 5
ask:
call judge
exit
judge:
r0 = 2
if r1 == 5 goto out
r0 = 1
out:
exit`;
  t.same(pathOf(text), [2, 1, 2]);
  t.end();
});

const LONG: readonly {
  readonly name: string;
  readonly head: string;
  readonly tail: string;
  readonly path: number[];
}[] = [
  { name: 'the branch is kept', head: '', tail: 'if r3 == 1 goto out\nr0 = 1', path: [6, 5] },
  { name: 'the branch is lost', head: 'r0 = 1\nif r3 == 9 goto out', tail: 'r0 = 2', path: [6] },
];

for (const { name, head, tail, path } of LONG) {
  t.test(`a run longer than what is kept: ${name}`, (t) => {
    const start = `r3 = *(u32 *)(r1 + 0)\nr2 = 100000${head === '' ? '\nr0 = 2' : `\n${head}`}`;
    t.same(pathOf(`${start}\nround:\nr2 += -1\nif r2 != 0 goto round\n${tail}\nout:\nexit`), path);
    t.end();
  });
}

/** enum reason of the firewall, and the functions whose lines may decide it. */
const REASONS: Readonly<Record<number, RegExp>> = {
  3: /^(read_\w+|take)$/,
  4: /^is_denied$/,
  5: /^judge_port$/,
  6: /^spend$/,
};

/** The function of firewall.bpf.c that a line lies in. */
function functionAt(source: readonly string[], line: number): string | undefined {
  for (let at = line - 1; at >= 0; at--) {
    const name = /^(?:static|int)\b[^;]*?(\w+)\(/.exec(source[at] ?? '')?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}

for (const capture of ['http.pcap', 'dns.pcapng', 'edge-cases.pcap']) {
  t.test(`firewall over ${capture}: the line is in the function that the event's reason names`, (t) => {
    const source = readFileSync('bpf/firewall.bpf.c', 'utf8').split('\n');
    const datapath = load(readFileSync('bpf/firewall.bpf.o'));
    const recorder = new DecisionRecorder(datapath.machine);
    const replay = new Replay(datapath.machine, datapath.attach(undefined, { probe: recorder }), {
      decisions: recorder,
    });
    let drops = 0;
    const wrong: string[] = [];
    for (const packet of readCaptureBytes(readFileSync(`pcaps/${capture}`))) {
      replay.packet(packet, ({ verdict, events, decided = [] }) => {
        const [event] = events;
        if (verdict !== 'XDP_DROP' || event === undefined) return;
        drops++;
        const reason = event.data[45] ?? 0;
        const line = decided[0]?.line;
        const func = line === undefined ? undefined : functionAt(source, line.line);
        if (REASONS[reason]?.test(func ?? '') !== true) {
          wrong.push(`packet ${packet.index + 1}: reason ${reason}, ${line?.line} in ${func}`);
        }
      });
    }
    t.same(wrong, []);
    t.ok(drops > 10, `${drops} drops`);
    const { decisions = [], packets } = replay.summary();
    t.equal(
      decisions.reduce((sum, row) => sum + row.packets, 0),
      packets,
      'every packet is in one row',
    );
    t.end();
  });
}
