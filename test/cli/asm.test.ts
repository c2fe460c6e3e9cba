/** `skep asm` and `skep disasm` from the command line on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { assemble, assembleObject, disassemble, disassembleSource } from '../../vm/asm/index.js';
import { runSkep } from '../support/run-skep.js';

const TEXT = '.section "xdp"\nprog:\nr0 = 2\nexit\n';
const OBJECT = 'bpf/examples/subprograms.bpf.o';

const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

t.test('asm writes an object beside its input', async (t) => {
  const path = join(t.testdir({ 'a.s': TEXT }), 'a.s');
  t.match(await runSkep(['asm', path]), { status: 0, stdout: '', stderr: '' });
  t.same(new Uint8Array(readFileSync(path.replace(/s$/, 'o'))), assembleObject(TEXT, { file: path }));
  t.match(await runSkep(['asm', path, '-o', `${path}.x`, '--no-debug-info']), { status: 0 });
  t.same(new Uint8Array(readFileSync(`${path}.x`)), assembleObject(TEXT, { debugInfo: false }));
});

t.test('asm reads standard input and writes standard output', async (t) => {
  const object = assembleObject(TEXT, { file: 'stdin' });
  t.equal((await runSkep(['asm', '-', '-o', '-'], TEXT)).stdout, asText(object));
  t.equal((await runSkep(['asm', '-', '-o', '-', '--raw'], 'exit')).stdout, asText(assemble('exit').bytes));
  t.equal((await runSkep(['asm', '-', '--hex'], 'r0 = 2\nexit')).stdout, 'b700000002000000\n9500000000000000\n');
});

t.test('asm reports every mistake', async (t) => {
  const { status, stdout, stderr } = await runSkep(['asm', '--hex', '-'], 'ext\nr0 = 0\n\tr11 = 1\n');
  t.equal(status, 2);
  t.equal(stdout, '');
  t.match(
    stderr,
    /^skep: stdin:1:1: .*\n {2}ext\n {2}\^\n {2}hint: .*exit.*\nskep: stdin:3:2: .*\n {2}\tr11 = 1\n {2}\t\^\n/,
  );
});

t.test('asm refuses what it cannot read or write', async (t) => {
  const folder = t.testdir({ 'a.s': TEXT });
  t.match(await runSkep(['asm', join(folder, 'b.s')]), { status: 2, stderr: /b\.s/ });
  t.match(await runSkep(['asm', join(folder, 'a.s'), '-o', join(folder, 'no', 'a.o')]), { status: 2, stderr: /a\.o/ });
  t.match(await runSkep(['asm', '-'], TEXT), { status: 2, stderr: /-o FILE/ });
});

t.test('disasm', async (t) => {
  const bytes = readFileSync(OBJECT);
  const name = OBJECT;
  t.equal((await runSkep(['disasm', OBJECT])).stdout, disassemble(bytes, { name }));
  t.equal((await runSkep(['disasm', OBJECT, OBJECT])).stdout, disassemble(bytes, { name }).repeat(2));
  t.equal(
    (await runSkep(['disasm', '-r', '-S', '--mcpu', 'v4', '-j', 'xdp', OBJECT])).stdout,
    disassemble(bytes, { name, relocations: true, source: true, alu32: true, section: 'xdp' }),
  );
  t.equal((await runSkep(['disasm', '--mcpu', 'v2', OBJECT])).stdout, disassemble(bytes, { name }));
  t.equal((await runSkep(['disasm', '--asm', OBJECT])).stdout, disassembleSource(bytes));
});

t.test('disasm refuses what is no object', async (t) => {
  const path = join(t.testdir({ 'a.o': 'no object' }), 'a.o');
  const { status, stderr } = await runSkep(['disasm', path]);
  t.equal(status, 2);
  t.ok(stderr.startsWith(`skep: ${path}, byte offset 0x0: `), stderr);
  t.match(await runSkep(['disasm', '--mcpu', 'v9', OBJECT]), { status: 2, stderr: /v1, v2, v3, v4/ });
});
