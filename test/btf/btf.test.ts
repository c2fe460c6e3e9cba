/** BTF: every kind read back, names, sizes, C text, and what is refused. */
import t from 'tap';
import { parseBtf } from '../../vm/btf/btf.js';
import { typeDefinitions, typeText } from '../../vm/btf/c-text.js';
import { BtfError } from '../../vm/errors.js';
import { BtfBuilder } from './build-btf.js';

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof BtfError) return error.code;
    throw error;
  }
  return undefined;
}

t.test('every kind is read', (t) => {
  const b = new BtfBuilder();
  const i32 = b.int('int', 4, true);
  const proto = b.raw('', 13, 2, i32, [b.string('x'), i32, 0, 0]);
  const u8 = b.int('unsigned char', 1);
  const cases = [
    [i32, { kind: 'int', name: 'int', sizeBytes: 4, signed: true, bits: 32 }],
    [
      proto,
      {
        kind: 'func_proto',
        ret: i32,
        params: [
          { name: 'x', type: i32 },
          { name: '', type: 0 },
        ],
      },
    ],
    [b.ptr(i32), { kind: 'ptr', type: i32 }],
    [b.array(u8, i32, 16), { kind: 'array', type: u8, indexType: i32, count: 16 }],
    [
      b.struct('s', 8, [
        ['a', i32, 0, 3],
        ['b', i32, 32],
      ]),
      {
        kind: 'struct',
        name: 's',
        members: [
          { name: 'a', bitOff: 0, bits: 3 },
          { name: 'b', bitOff: 32, bits: 0 },
        ],
      },
    ],
    [b.struct('u', 4, [['a', i32, 0]], 'union'), { kind: 'union', name: 'u' }],
    [
      b.enumeration('e', [['MINUS', -1]], true),
      { kind: 'enum', signed: true, values: [{ name: 'MINUS', value: -1n }] },
    ],
    [b.enumeration('f', [['BIG', 0xffff_ffff]]), { kind: 'enum', signed: false, values: [{ value: 0xffff_ffffn }] }],
    [b.raw('fw', 7, 0, 0, [], true), { kind: 'fwd', name: 'fw', of: 'union' }],
    [b.typedef('t', i32), { kind: 'typedef', name: 't', type: i32 }],
    [b.modifier('volatile', i32), { kind: 'volatile', type: i32 }],
    [b.modifier('const', i32), { kind: 'const', type: i32 }],
    [b.modifier('restrict', i32), { kind: 'restrict', type: i32 }],
    [b.raw('fn', 12, 1, proto), { kind: 'func', name: 'fn', type: proto, linkage: 'global' }],
    [b.raw('v', 14, 0, i32, [2]), { kind: 'var', name: 'v', type: i32, linkage: 'extern' }],
    [
      b.raw('.data', 15, 1, 4, [1, 0, 4]),
      { kind: 'datasec', name: '.data', vars: [{ type: 1, off: 0, sizeBytes: 4 }] },
    ],
    [b.raw('double', 16, 0, 8), { kind: 'float', name: 'double', sizeBytes: 8 }],
    [b.raw('tag', 17, 0, i32, [-1]), { kind: 'decl_tag', name: 'tag', type: i32, component: -1 }],
    [b.modifier('type_tag', i32, 'user'), { kind: 'type_tag', name: 'user', type: i32 }],
    [
      b.raw('e64', 19, 1, 8, [b.string('HUGE'), 1, 0x8000_0000]),
      { kind: 'enum64', signed: false, values: [{ name: 'HUGE', value: 0x8000_0000_0000_0001n }] },
    ],
  ] as const;
  const btf = parseBtf(b.build());
  t.equal(btf.count, cases.length + 2, 'void, and unsigned char');
  for (const [id, expected] of cases) {
    t.match(btf.type(id), expected, expected.kind);
    t.equal(btf.kind(id), expected.kind);
  }
  t.same(btf.type(0), { kind: 'void' });
  t.same(btf.idsNamed('int'), [i32]);
  t.same(btf.idsNamed('nothing'), []);
  t.end();
});

t.test('sizes', (t) => {
  const b = new BtfBuilder();
  const i32 = b.int('int', 4);
  const row = b.array(i32, i32, 3);
  const grid = b.array(b.typedef('row_t', b.modifier('const', row)), i32, 5);
  const huge = b.array(b.array(i32, i32, 0xffff_ffff), i32, 0xffff_ffff);
  const proto = b.raw('', 13, 0, 0);
  const btf = parseBtf(b.build());
  t.equal(btf.sizeOf(grid), 60);
  t.equal(btf.sizeOf(proto), undefined);
  t.equal(btf.sizeOf(0), undefined);
  t.equal(
    codeOf(() => btf.sizeOf(huge)),
    'btf-type-id',
  );
  t.end();
});

t.test('types that never end are refused', (t) => {
  const b = new BtfBuilder();
  const typedef = b.typedef('self', 1);
  const array = b.array(2, 2, 1);
  const a = b.modifier('const', 4);
  b.modifier('volatile', 3);
  const struct = b.struct('list', 8, [['next', 6, 0]]);
  b.ptr(struct);
  const btf = parseBtf(b.build());
  t.equal(
    codeOf(() => btf.resolve(typedef)),
    'btf-cycle',
  );
  t.equal(
    codeOf(() => btf.sizeOf(array)),
    'btf-cycle',
  );
  t.equal(
    codeOf(() => btf.resolve(a)),
    'btf-cycle',
  );
  t.equal(typeDefinitions(btf, [struct]), 'struct list {\n\tstruct list *next;\n};\n');
  t.match(typeText(btf, typedef), /self/);
  t.end();
});

t.test('C text', (t) => {
  const b = new BtfBuilder();
  const i32 = b.int('int', 4, true);
  const chr = b.int('char', 1, true);
  const proto = b.raw('', 13, 2, i32, [b.string('x'), i32, 0, 0]);
  const anonymous = b.struct('', 4, [['inside', i32, 0]], 'union');
  const e = b.enumeration('color', [['RED', 0]]);
  const s = b.struct('s', 40, [
    ['grid', b.array(b.array(i32, i32, 3), i32, 2), 0],
    ['', anonymous, 192],
    ['bits', i32, 224, 5],
    ['color', e, 256],
  ]);
  const cases = [
    [0, 'void'],
    [b.ptr(0), 'void *'],
    [b.ptr(b.modifier('const', chr)), 'const char *'],
    [b.modifier('const', b.ptr(chr)), 'char *const'],
    [b.array(b.ptr(s), i32, 4), 'struct s *[4]'],
    [b.ptr(b.array(i32, i32, 4)), 'int (*)[4]'],
    [b.ptr(proto), 'int (*)(int x, ...)'],
    [anonymous, 'union {...}'],
    [b.ptr(b.modifier('type_tag', i32, 'user')), 'int *'],
  ] as const;
  const btf = parseBtf(b.build());
  for (const [id, text] of cases) t.equal(typeText(btf, id), text);
  t.equal(
    typeDefinitions(btf, [s, s]),
    [
      'enum color {\n\tRED = 0,\n};',
      'struct s {\n\tint grid[2][3];\n\tunion {\n\t\tint inside;\n\t};\n\tint bits: 5;\n\tenum color color;\n};\n',
    ].join('\n'),
  );
  t.end();
});

t.test('broken blobs', (t) => {
  const good = ((): Uint8Array => {
    const b = new BtfBuilder();
    b.int('int', 4);
    return b.build();
  })();
  const patched = (off: number, ...bytes: number[]): Uint8Array => {
    const copy = good.slice();
    copy.set(bytes, off);
    return copy;
  };
  t.ok(parseBtf(good));
  const cases: [string, Uint8Array, string, number][] = [
    ['empty', good.subarray(0, 0), 'btf-truncated', 0],
    ['header cut', good.subarray(0, 20), 'btf-truncated', 20],
    ['cut at the end', good.subarray(0, good.length - 1), 'btf-truncated', 20],
    ['magic', patched(0, 1, 2), 'btf-header', 0],
    ['big endian', patched(0, 0xeb, 0x9f), 'btf-header', 0],
    ['version', patched(2, 9), 'btf-header', 2],
    ['header length', patched(4, 0xff, 0xff), 'btf-header', 4],
    ['types beyond the end', patched(15, 0xff), 'btf-truncated', 12],
    ['unknown kind', patched(24 + 7, 31), 'btf-kind', 28],
    ['members beyond the end', patched(24 + 4, 0xff, 0xff, 0, 4), 'btf-truncated', 24],
    ['strings without an end', patched(good.length - 1, 0x41), 'btf-string', 40],
  ];
  for (const [name, bytes, code, offset] of cases) {
    t.throws(() => parseBtf(bytes), { code, where: { section: '.BTF', offset } }, name);
  }
  const btf = parseBtf(patched(24, 0xff, 0xff));
  t.equal(
    codeOf(() => btf.type(1)),
    'btf-string',
  );
  t.equal(
    codeOf(() => btf.type(2)),
    'btf-type-id',
  );
  t.end();
});

t.test('strings that overlap beyond reason are refused, not decoded', (t) => {
  const b = new BtfBuilder();
  const long = b.string('x'.repeat(50_000));
  for (let index = 0; index < 1000; index++) b.raw('', 8, 0, 0);
  const bytes = b.build();
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < 1000; index++) view.setUint32(24 + 12 * index, long + index, true);
  const btf = parseBtf(bytes);
  t.equal(
    codeOf(() => btf.names()),
    'btf-string',
  );
  t.end();
});
