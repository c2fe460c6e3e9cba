/** Tests by annotation: what tags mean, and what comes of programs that carry them. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { mapSpec, objectOf } from '../machine/harness.js';
import { ObjectTests } from '../../vm/testing/object-tests.js';

const CASES: readonly { name: string; text: string; tags: readonly string[]; wants: unknown }[] = [
  { name: 'no annotation', text: 'r0 = 0\nexit', tags: ['tail:calls/3'], wants: undefined },
  {
    name: 'a value',
    text: 'r0 = 42\nexit',
    tags: ['comment:test_expect_success', 'comment:test_retval=42'],
    wants: { status: 'pass' },
  },
  { name: 'a numbered tag', text: 'r0 = 42\nexit', tags: ['comment:7:test_retval=0x2a'], wants: { status: 'pass' } },
  { name: 'a negative value', text: 'r0 = -1\nexit', tags: ['comment:test_retval=-1'], wants: { status: 'pass' } },
  { name: 'in parentheses', text: 'r0 = -1\nexit', tags: ['comment:test_retval=(-1)'], wants: { status: 'pass' } },
  { name: 'above int32', text: 'r0 = -1\nexit', tags: ['comment:test_retval=0xffffffff'], wants: { status: 'pass' } },
  {
    name: 'the length of the data',
    text: 'r0 = *(u32 *)(r1 + 4)\nr2 = *(u32 *)(r1 + 0)\nr0 -= r2\nexit',
    tags: ['comment:test_retval=TEST_DATA_LEN'],
    wants: { status: 'pass' },
  },
  {
    name: 'another value',
    text: 'r0 = 41\nexit',
    tags: ['comment:test_retval=42'],
    wants: { status: 'fail', reason: 'returned 41, must return 42' },
  },
  {
    name: 'a trap',
    text: 'r0 = *(u32 *)(r1 + 4)\nr0 = *(u8 *)(r0 + 0)\nexit',
    tags: ['comment:test_retval=0'],
    wants: { status: 'error', reason: /did not end: out of bounds read/ },
  },
  { name: 'to be refused', text: 'r0 = r9\nexit', tags: ['comment:test_expect_failure'], wants: { status: 'skip' } },
  { name: 'to be accepted', text: 'r0 = 0\nexit', tags: ['comment:test_expect_success'], wants: { status: 'skip' } },
  { name: 'for others', text: 'r0 = 0\nexit', tags: ['comment:test_expect_msg=x', 'comment'], wants: undefined },
];

for (const { name, text, tags, wants } of CASES) {
  t.test(name, (t) => {
    const object = objectFromInsns(assemble(text).bytes, { type: 'xdp', name: 'program' });
    const programs = object.programs.map((program) => ({ ...program, declTags: tags }));
    const tests = new ObjectTests(new Datapath({ ...object, programs }, { memoryBytes: 16 << 20 }));
    const [test] = tests.list();
    if (test === undefined || wants === undefined) t.equal(test, wants);
    else t.match(tests.run(test), wants);
    t.end();
  });
}

t.test('each begins with maps as the object has them', (t) => {
  const text = `
    r1 = &value0
    r0 = *(u32 *)(r1 + 0)
    r0 += 1
    *(u32 *)(r1 + 0) = r0
    exit`;
  const object = objectOf(text, [mapSpec({ type: 'array', maxEntries: 1 })]);
  const [program] = object.programs;
  if (program === undefined) throw new Error('no program');
  const tagged = { ...program, type: 'xdp' as const, declTags: ['comment:test_retval=1'] };
  const programs = [tagged, { ...tagged, name: 'again' }];
  const tests = new ObjectTests(new Datapath({ ...object, programs }, { memoryBytes: 16 << 20 }));
  t.strictSame(
    tests.list().map((test) => tests.run(test).status),
    ['pass', 'pass'],
  );
  t.end();
});
