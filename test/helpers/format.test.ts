/** The format language of bpf_trace_printk: what is printed, what is counted, what is refused. */
import t from 'tap';
import { errno } from '../../vm/spec/errno.js';
import { runText, signedR0 } from '../machine/harness.js';

/** Runs trace_printk with a format and three values; `S` and `A` stand for the address of "text" and of 20 bytes. */
function print(format: string, args: readonly (bigint | 'S' | 'A')[] = [], size?: number): [bigint, readonly string[]] {
  const bytes = [...new TextEncoder().encode(format), 0];
  const stores = bytes.map((byte, i) => `*(u8 *)(r10 - ${400 - i}) = ${byte}`);
  const text = Array.from('text\0', (letter, i) => `*(u8 *)(r10 - ${64 - i}) = ${letter.charCodeAt(0)}`);
  const address = [192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0, 9];
  const place = address.map((byte, i) => `*(u8 *)(r10 - ${32 - i}) = ${byte}`);
  const load = (arg: bigint | 'S' | 'A' | undefined, r: number) =>
    arg === 'S' || arg === 'A' ? `r${r} = r10\nr${r} += ${arg === 'S' ? -64 : -32}` : `r${r} = ${arg ?? 0n} ll`;
  const result = runText(`
    ${stores.join('\n')}
    ${text.join('\n')}
    ${place.join('\n')}
    r1 = r10
    r1 += -400
    r2 = ${size ?? bytes.length}
    ${[3, 4, 5].map((r, i) => load(args[i], r)).join('\n')}
    call trace_printk
    exit`);
  return [signedR0(result), result.machine.world.effects.take().trace];
}

const MINUS_ONE = 0xffff_ffff_ffff_ffffn;

const PRINTED: readonly (readonly [string, readonly (bigint | 'S' | 'A')[], string])[] = [
  ['plain', [], 'plain'],
  ['100%%', [], '100%'],
  ['%d %i %u', [MINUS_ONE, MINUS_ONE, MINUS_ONE], '-1 -1 4294967295'],
  ['%x %X', [0xabcdefn, 0xabcdefn], 'abcdef ABCDEF'],
  ['%d', [0x1_0000_0005n], '5'],
  ['%ld %lld', [0x1_0000_0005n, MINUS_ONE], '4294967301 -1'],
  ['%lu %llu', [MINUS_ONE, MINUS_ONE], '18446744073709551615 18446744073709551615'],
  ['%lx %llX', [MINUS_ONE, 0xdead_beef_0000n], 'ffffffffffffffff DEADBEEF0000'],
  ['[%5d] [%-5d] [%05d]', [42n, 42n, 42n], '[   42] [42   ] [00042]'],
  ['[%05d] [%+d] [% d]', [-42n & MINUS_ONE, 7n, 7n], '[-0042] [+7] [ 7]'],
  ['[%-05d] [%+05d]', [42n, 42n], '[42   ] [+0042]'],
  ['[%8x] [%08x]', [0xbeefn, 0xbeefn], '[    beef] [0000beef]'],
  ['%c%c%3c', [0x41n, 0x42n, 0x43n], 'AB  C'],
  ['<%s>', ['S'], '<text>'],
  ['<%6s> <%-6s>', ['S', 'S'], '<  text> <text  >'],
  ['<%pks> <%pus>', ['S', 'S'], '<text> <text>'],
  ['%s', [0n], ''],
  ['%s', [MINUS_ONE], ''],
  ['%pI4 %pi4', ['A', 'A'], '192.0.2.1 192.000.002.001'],
  ['%pI6', ['A'], 'c000:0201:0000:0000:0000:0000:00ab:0009'],
  ['%pi6', ['A'], 'c000020100000000000000000 0ab0009'.replace(' ', '')],
  ['%pI4', [0n], '0.0.0.0'],
  ['%pI4, then', ['A'], '192.0.2.1, then'],
  ['%px', [0x1234n], '0000000000001234'],
  ['%p', [0n], '0000000000000000'],
  ['%pS', [0x1234n], '0x1234'],
  ['line\n', [], 'line'],
  ['%d %%d %d', [1n, 2n], '1 %d 2'],
];

t.test('printed', (t) => {
  for (const [format, args, line] of PRINTED) {
    const counted = BigInt(line.length + (format.endsWith('\n') ? 1 : 0));
    t.strictSame(print(format, args), [counted, [line]], JSON.stringify(format));
  }
  t.end();
});

t.test('refused', (t) => {
  const formats = [
    '%',
    '%z',
    '%f',
    '%n',
    '%hd',
    '%hhx',
    '%o',
    '%#x',
    '%.3d',
    '%.3s',
    '%5',
    '%*d',
    '%lld%',
    '%lllx',
    '%Ld',
    '%lp',
    '%lc',
    '%sx',
    '%s1',
    '%px%',
    '%pZ',
    '%pI',
    '%pI5',
    '%pkx',
    '%pa',
    '%d %d %d %d',
    '%\u00e9',
    'bell\u0007',
    '%pM',
  ];
  for (const format of formats) t.strictSame(print(format), [BigInt(-errno.EINVAL), []], JSON.stringify(format));
  t.end();
});

t.test('the size is of the buffer, not of the text', (t) => {
  t.strictSame(print('four', [], 4), [BigInt(-errno.EINVAL), []], 'no NUL within it');
  t.strictSame(print('four\0more', [], 10), [4n, ['four']], 'the first NUL ends the text');
  t.end();
});

t.test('a line has an end', (t) => {
  const [counted, [line = '']] = print('%2000d', [1n]);
  t.equal(counted, 2000n);
  t.equal(line.length, 1023);
  t.end();
});
