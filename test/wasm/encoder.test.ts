/** The encoder: numbers against BigInt, modules against the host. */
import fc from 'fast-check';
import t from 'tap';
import { InvariantError } from '../../vm/errors.js';
import { wasm as host } from '../../vm/host.js';
import { ByteWriter } from '../../vm/wasm/byte-writer.js';
import { CodeBuilder } from '../../vm/wasm/code-builder.js';
import { ModuleBuilder } from '../../vm/wasm/module-builder.js';
import { MEMORY_OPS, PLAIN_OPS, type MemoryOp, type PlainOp, type ValueType } from '../../vm/wasm/opcodes.js';

if (host === undefined) throw new Error('no WebAssembly here');
const WebAssembly = host;

function written(write: (out: ByteWriter) => void): number[] {
  const out = new ByteWriter();
  write(out);
  return [...out.finish()];
}

/** LEB128 as the specification defines it, on BigInt; `signed` extends from the last group. */
function decodeLeb(bytes: readonly number[], signed: boolean): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => (value |= BigInt(byte & 0x7f) << BigInt(7 * i)));
  return signed ? BigInt.asIntN(7 * bytes.length, value) : value;
}

/** The last group is the only one without bit 7, and none could be left out. */
function isShortest(bytes: readonly number[], signed: boolean): boolean {
  if (bytes.some((byte, i) => byte >> 7 !== (i < bytes.length - 1 ? 1 : 0))) return false;
  return bytes.length === 1 || decodeLeb(bytes, signed) !== decodeLeb(bytes.slice(0, -1), signed);
}

const edges64 = [0n, 1n, -1n, 63n, 64n, -64n, -65n, 127n, 128n, 8191n, 8192n, -8192n, -8193n]
  .concat(
    [31n, 32n, 34n, 35n, 62n, 63n].flatMap((bit) => [1n << bit, (1n << bit) - 1n, -(1n << bit), -(1n << bit) - 1n]),
  )
  .map((value) => BigInt.asIntN(64, value));

t.test('LEB128 of edge values and random ones', (t) => {
  const seed = Date.now() | 0;
  t.comment(`seed ${seed}`);
  const any64 = fc.oneof(fc.constantFrom(...edges64), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }));
  fc.assert(
    fc.property(any64, (value) => {
      const bytes = written((out) => {
        out.s64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
      });
      return decodeLeb(bytes, true) === value && isShortest(bytes, true);
    }),
    { numRuns: 5000, seed },
  );
  const edges32 = [0, 1, -1, 63, 64, -64, -65, 0x7fffffff, -0x80000000];
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges32), fc.integer()), (value) => {
      const bytes = written((out) => {
        out.s32(value);
      });
      return decodeLeb(bytes, true) === BigInt(value) && isShortest(bytes, true);
    }),
    { numRuns: 2000, seed },
  );
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(0, 127, 128, 16383, 16384, 0xffffffff), fc.nat(0xffffffff)), (value) => {
      const bytes = written((out) => {
        out.u32(value);
      });
      return decodeLeb(bytes, false) === BigInt(value) && isShortest(bytes, false);
    }),
    { numRuns: 2000, seed },
  );
  t.end();
});

t.test('the buffer grows over what is written at once', (t) => {
  const big = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
  const bytes = written((out) => {
    out.byte(7);
    out.sized(big);
    out.name('é');
  });
  t.strictSame(bytes, [7, 0x88, 0x27, ...big, 2, 0xc3, 0xa9]);
  t.end();
});

interface Compiled {
  readonly bytes: Uint8Array;
  readonly run: (...args: number[]) => unknown;
}

/** A module of one function, exported as `f`, with a memory where that is given. */
function moduleOf(
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  write: (code: CodeBuilder, module: ModuleBuilder) => void,
  imports: Record<string, unknown> = {},
  before: (module: ModuleBuilder) => void = () => undefined,
): Compiled {
  const module = new ModuleBuilder();
  before(module);
  const func = module.addFunction(module.type(parameters, results));
  const code = new CodeBuilder(parameters.length);
  write(code, module);
  module.setBody(func, code);
  module.exportFunction('f', func);
  const bytes = module.finish();
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: imports });
  return { bytes, run: instance.exports.f as (...args: number[]) => unknown };
}

/** What each plain instruction makes of 64-bit (a) and 32-bit (b) operands; taken from the specification, on BigInt. */
const A = 0x8000_0001_ffff_fff3n;
const B = 5n;
type Fn = (a: bigint, b: bigint, bits: 32 | 64) => bigint;
const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);
const bool = (value: boolean): bigint => (value ? 1n : 0n);
const BINARY: Record<string, Fn> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div_u: (a, b) => a / b,
  div_s: (a, b, n) => signed(a, n) / signed(b, n),
  rem_u: (a, b) => a % b,
  rem_s: (a, b, n) => signed(a, n) % signed(b, n),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr_u: (a, b) => a >> b,
  shr_s: (a, b, n) => signed(a, n) >> b,
  rotl: (a, b, n) => (a << b) | (a >> (BigInt(n) - b)),
  eq: (a, b) => bool(a === b),
  ne: (a, b) => bool(a !== b),
  lt_u: (a, b) => bool(a < b),
  lt_s: (a, b, n) => bool(signed(a, n) < signed(b, n)),
  gt_u: (a, b) => bool(a > b),
  gt_s: (a, b, n) => bool(signed(a, n) > signed(b, n)),
  le_u: (a, b) => bool(a <= b),
  le_s: (a, b, n) => bool(signed(a, n) <= signed(b, n)),
  ge_u: (a, b) => bool(a >= b),
  ge_s: (a, b, n) => bool(signed(a, n) >= signed(b, n)),
};
const UNARY: Record<string, Fn> = {
  eqz: (a) => bool(a === 0n),
  wrap_i64: (a) => a,
  extend_i32_s: (a) => signed(a, 32),
  extend_i32_u: (a) => BigInt.asUintN(32, a),
  extend8_s: (a) => signed(a, 8),
  extend16_s: (a) => signed(a, 16),
  extend32_s: (a) => signed(a, 32),
};
const OTHER: readonly PlainOp[] = ['unreachable', 'return', 'drop'];
const COMPARES = /(eqz|eq|ne|[lg][te]_[su])$/;

t.test('every plain instruction does what its name says', (t) => {
  for (const name of Object.keys(PLAIN_OPS) as PlainOp[]) {
    if (OTHER.includes(name)) continue;
    const [type = '', what = ''] = name.split('.');
    const bits = type === 'i64' ? 64 : 32;
    const from = what.startsWith('extend_i32') ? 32 : what === 'wrap_i64' ? 64 : bits;
    const model = BINARY[what] ?? UNARY[what];
    if (model === undefined) {
      t.fail(`no model of ${name}`);
      continue;
    }
    const resultBits = COMPARES.test(what) ? 32 : bits;
    const { run } = moduleOf([], ['i32', 'i32'], (code) => {
      const result = code.local(resultBits === 64 ? 'i64' : 'i32');
      const words = (value: bigint): void => {
        if (from === 64) code.i64(Number(signed(value, 32)), Number(signed(value >> 32n, 32)));
        else code.i32(Number(signed(value, 32)));
      };
      words(A);
      if (what in BINARY) words(B);
      code.op(name).localTee(result);
      if (resultBits === 32) {
        code.i32(0);
        return;
      }
      code.op('i32.wrap_i64').localGet(result).i64(32).op('i64.shr_u').op('i32.wrap_i64');
    });
    const [lo = 0, hi = 0] = run() as number[];
    const found = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    const a = BigInt.asUintN(from, A);
    t.equal(found, BigInt.asUintN(resultBits, model(a, B, bits)), name);
  }
  t.end();
});

t.test('every load and store has its width and extension', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const view = new DataView(memory.buffer);
  const setup = (module: ModuleBuilder): void => {
    module.importMemory('m', 'memory', 1);
  };
  for (const name of Object.keys(MEMORY_OPS) as MemoryOp[]) {
    const [, type = '', what = '', digits = '', sign = ''] = /^(i32|i64)\.(load|store)(\d*)_?([su]?)$/.exec(name) ?? [];
    const bits = type === 'i64' ? 64 : 32;
    const width = digits === '' ? bits : Number(digits);
    const value = 0xf1f2_f3f4_f5f6_f7f8n;
    view.setBigUint64(16, what === 'load' ? value : 0n, true);
    const { run } = moduleOf(
      [],
      ['i32', 'i32'],
      (code) => {
        code.i32(3);
        if (what === 'store') {
          if (bits === 64) code.i64(0xf5f6f7f8, 0xf1f2f3f4);
          else code.i32(0xf5f6f7f8);
          code.memory(name, 13).i32(0).i32(0);
          return;
        }
        code.memory(name, 13);
        const result = code.local(type as ValueType);
        code.localSet(result).localGet(result);
        if (bits === 32) code.i32(0);
        else code.op('i32.wrap_i64').localGet(result).i64(32).op('i64.shr_u').op('i32.wrap_i64');
      },
      { memory },
      setup,
    );
    const [lo = 0, hi = 0] = run() as number[];
    if (what === 'store') t.equal(view.getBigUint64(16, true), BigInt.asUintN(width, value), name);
    else {
      const part = BigInt.asUintN(width, value);
      const want = BigInt.asUintN(bits, sign === 's' ? signed(part, width) : part);
      t.equal((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0), want, name);
    }
  }
  t.end();
});

t.test('labels count from the inside, however deep', (t) => {
  const { run } = moduleOf(['i32'], ['i32'], (code) => {
    const sum = code.local('i32');
    const out = code.block();
    const again = code.loop();
    code.localGet(0).op('i32.eqz').brIf(out);
    const skip = code.block();
    code.localGet(0).i32(1).op('i32.and').brIf(skip);
    code.localGet(sum).localGet(0).op('i32.add').localSet(sum).end();
    code.localGet(0).i32(1).op('i32.sub').localSet(0).br(again).end().end();
    t.equal(code.depth, 0);
    t.equal(code.deepest, 3);
    code.localGet(sum);
  });
  t.equal(run(10), 30, 'the even numbers to 10');
  t.end();
});

t.test('if, else, jump tables', (t) => {
  const { run } = moduleOf(['i32'], ['i32'], (code) => {
    const out = code.block();
    const two = code.block();
    const one = code.block();
    const zero = code.block();
    code.localGet(0).brTable([zero, one, two], out).end();
    code.i32(100).localSet(0).br(out).end();
    code.i32(101).localSet(0).br(out).end();
    code.localGet(0).i32(2).op('i32.eq');
    code.if();
    code.i32(102).localSet(0);
    code.else().i32(-1).localSet(0).end().end();
    code.localGet(0);
  });
  t.strictSame(
    [0, 1, 2, 3, -1].map((n) => run(n)),
    [100, 101, 102, 3, -1],
  );
  t.end();
});

t.test('imports, tables, tail calls, several results, bulk memory', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const seen: number[][] = [];
  const module = new ModuleBuilder();
  module.importMemory('m', 'memory', 1);
  const tell = module.importFunction('m', 'tell', module.type(['i32', 'i32'], ['i32']));
  const pair = module.type(['i32'], ['i32', 'i64']);
  t.equal(module.type(['i32'], ['i32', 'i64']), pair, 'one type for one signature');
  const inner = module.addFunction(pair);
  const outer = module.addFunction(pair);
  const main = module.addFunction(module.type(['i32'], ['i32']));
  const innerCode = new CodeBuilder(1);
  innerCode.localGet(0).i32(40).call(tell).i64(0x1234_5678, 1);
  const outerCode = new CodeBuilder(1);
  outerCode.localGet(0).i32(0).returnCallIndirect(pair);
  const mainCode = new CodeBuilder(1);
  const high = mainCode.local('i64');
  mainCode.i32(100).i32(0xab).i32(7).memoryFill();
  mainCode.localGet(0).i32(1).callIndirect(pair).localSet(high);
  mainCode.localGet(high).i64(32).op('i64.shr_u').op('i32.wrap_i64').op('i32.add');
  module.makeTable(2);
  module.setElement(0, inner);
  module.setElement(1, outer);
  module.setBody(inner, innerCode);
  module.setBody(outer, outerCode);
  module.setBody(main, mainCode);
  module.exportFunction('main', main);
  const bytes = module.finish();
  t.ok(WebAssembly.validate(bytes));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    m: { memory, tell: (a: number, b: number) => seen.push([a, b]) },
  });
  t.equal((exports.main as (n: number) => number)(2), 1 + 1);
  t.strictSame(seen, [[2, 40]]);
  t.strictSame([...new Uint8Array(memory.buffer, 99, 9)], [0, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0]);
  t.end();
});

t.test('misuse is a bug of ours', (t) => {
  const module = new ModuleBuilder();
  const type = module.type([], []);
  module.addFunction(type);
  t.throws(() => module.importFunction('m', 'late', type), InvariantError);
  t.throws(() => {
    module.setBody(7, new CodeBuilder(0));
  }, InvariantError);
  t.throws(() => module.finish(), InvariantError, 'a function without a body');
  t.end();
});
