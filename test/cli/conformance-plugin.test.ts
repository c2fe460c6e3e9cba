/** `skep conformance-plugin` as the runner of bpf_conformance starts it. */
import t from 'tap';
import { assemble } from '../../vm/asm/index.js';
import { runSkep } from '../support/run-skep.js';

/** Bytes as the runner writes them: two spaces between, a newline at the end. */
function hex(text: string): string {
  return `${Array.from(assemble(text).bytes, (byte) => byte.toString(16).padStart(2, '0')).join('  ')}\n`;
}

const SUM = hex('r0 = *(u8 *)(r1 + 1)\nr0 += r2\nexit');

for (const engine of ['interp', 'wasm']) {
  t.test(engine, async (t) => {
    const run = (args: readonly string[], program: string): ReturnType<typeof runSkep> =>
      runSkep(['conformance-plugin', ...args, '--engine', engine], program);

    t.match(await run(['11  f2  33'], SUM), { status: 0, stdout: 'f5\n', stderr: '' });
    t.match(await run(['11f233'], SUM.replace(/ +/g, ' ')), { status: 0, stdout: 'f5\n' }, 'spaces do not matter');
    t.match(await run([''], hex('r0 = r2\nexit')), { status: 0, stdout: '0\n' }, 'empty memory');
    t.match(await run([], hex('r0 = -1\nexit')), { status: 0, stdout: 'ffffffffffffffff\n' }, 'no memory');

    t.match(await run(['11'], SUM), {
      status: 1,
      stdout: '',
      stderr: /^pc 0: out of bounds read of 1 byte at packet\+1/,
    });
    t.match(await run([], hex('again:\ngoto again')), { status: 1, stdout: '', stderr: /fuel/ });
    t.match(await run([], hex('r0 = 0')), { status: 1, stdout: '', stderr: /past its last instruction/ });
  });
}

t.test('engine interp is the default, and both run callx', async (t) => {
  const callx = hex('r1 = -1\nr2 = 5\ncallx r2\nr0 = 2\nexit');
  t.match(await runSkep(['conformance-plugin'], callx), { status: 0, stdout: '2\n' });
  t.match(await runSkep(['conformance-plugin', '--engine', 'wasm'], callx), { status: 0, stdout: '2\n' });
});

t.test('what is no program', async (t) => {
  const bad: readonly (readonly [args: readonly string[], program: string, stderr: RegExp])[] = [
    [[], '', /no instruction/],
    [[], '95 00 00', /8-byte/],
    [[], 'zz', /program is not bytes in hex/],
    [['1'], SUM, /memory is not bytes in hex/],
    [[], 'ff 00 00 00 00 00 00 00', /unknown opcode/],
    [['--engine', 'quick'], SUM, /interp, wasm/],
  ];
  for (const [args, program, stderr] of bad) {
    t.match(await runSkep(['conformance-plugin', ...args], program), { status: 2, stdout: '', stderr });
  }
});
