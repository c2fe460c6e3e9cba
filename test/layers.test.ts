/**
 * The layer check catches what it is there to catch: small trees with one planted violation each, and one without.
 * Whether the repository itself keeps the layers is the business of `npm run lint:layers`.
 */
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import t from 'tap';
import config from '../.dependency-cruiser.mjs';

const leaf = 'export interface Leaf { readonly leaf: number }\nexport const leaf = 1;\n';

/** Rules broken by a tree of files, sorted; each as `rule: from -> to`. */
async function findViolations(baseDir: string, folders: string[]): Promise<string[]> {
  const { options = {}, forbidden = [] } = config;
  const result = await cruise(
    folders,
    {
      ...options,
      baseDir,
      validate: true,
      ruleSet: { forbidden },
    },
    options.enhancedResolveOptions,
  );
  const { summary } = result.output as ICruiseResult;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}

const cases: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly violations: readonly string[];
}[] = [
  {
    name: 'lower ranks, own folder, foundation among itself',
    files: {
      'vm/errors.ts': leaf,
      'vm/spec/insns.ts': `import { leaf } from '../errors.js';\nexport const insns = leaf;\n`,
      'vm/isa/insn.ts': `import { insns } from '../spec/insns.js';\nexport const insn = insns;\n`,
      'vm/isa/decode.ts': `import { insn } from './insn.js';\nexport const decode = insn;\n`,
      'vm/index.ts': `export { decode } from './isa/decode.js';\n`,
      'cli/main.ts': `import { decode } from '../vm/index.js';\nexport const main = decode;\n`,
    },
    violations: [],
  },
  {
    name: 'a higher rank',
    files: {
      'vm/engine/engine.ts': leaf,
      'vm/maps/array.ts': `import { leaf } from '../engine/engine.js';\nexport const array = leaf;\n`,
    },
    violations: ['layer-vm/maps: vm/maps/array.ts -> vm/engine/engine.ts'],
  },
  {
    name: 'a higher rank, types only',
    files: {
      'vm/object/object-spec.ts': leaf,
      'vm/isa/insn.ts': `import type { Leaf } from '../object/object-spec.js';\nexport type Insn = Leaf;\n`,
    },
    violations: ['layer-vm/isa: vm/isa/insn.ts -> vm/object/object-spec.ts'],
  },
  {
    name: 'the same rank, another folder',
    files: {
      'vm/elf/elf.ts': leaf,
      'vm/btf/btf.ts': `export { leaf } from '../elf/elf.js';\n`,
    },
    violations: ['layer-vm/btf: vm/btf/btf.ts -> vm/elf/elf.ts'],
  },
  {
    name: 'the foundation importing upwards',
    files: {
      'vm/isa/insn.ts': leaf,
      'vm/spec/insns.ts': `export { leaf } from '../isa/insn.js';\n`,
    },
    violations: ['layer-foundation: vm/spec/insns.ts -> vm/isa/insn.ts'],
  },
  {
    name: 'node: in vm/',
    files: { 'vm/net/pcap.ts': `import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n` },
    violations: ['vm-is-platform-free: vm/net/pcap.ts -> fs'],
  },
  {
    name: 'the command line past the front door',
    files: {
      'vm/elf/elf.ts': leaf,
      'cli/main.ts': `export { leaf } from '../vm/elf/elf.js';\n`,
    },
    violations: ['edge-uses-the-front-door: cli/main.ts -> vm/elf/elf.ts'],
  },
  {
    name: 'a folder that the table does not list',
    files: {
      'vm/errors.ts': leaf,
      'vm/shed/spade.ts': `export { leaf } from '../errors.js';\n`,
    },
    violations: ['outside-the-house: vm/shed/spade.ts -> vm/errors.ts'],
  },
  {
    name: 'a cycle of types',
    files: {
      'vm/elf/a.ts': `import type { B } from './b.js';\nexport interface A { readonly b: B }\n`,
      'vm/elf/b.ts': `import type { A } from './a.js';\nexport interface B { readonly a?: A }\n`,
    },
    violations: ['no-cycles: vm/elf/a.ts -> vm/elf/b.ts'],
  },
  {
    name: 'a test in what is published',
    files: {
      'test/support/fixture.ts': leaf,
      'node/files.ts': `export { leaf } from '../test/support/fixture.js';\n`,
    },
    violations: ['house-imports-workshop: node/files.ts -> test/support/fixture.ts'],
  },
  {
    name: 'an import of nothing',
    files: { 'vm/elf/elf.ts': `export { leaf } from './gone.js';\n` },
    violations: ['resolvable: vm/elf/elf.ts -> ./gone.js'],
  },
];

/** `{ 'a/b.ts': text }` as the nested shape that `t.testdir` takes. */
function nest(files: Readonly<Record<string, string>>): Record<string, Record<string, never> | string> {
  const tree: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/');
    const file = parts.pop() ?? path;
    let folder = tree;
    for (const part of parts) folder = (folder[part] ??= {}) as Record<string, unknown>;
    folder[file] = text;
  }
  return tree as Record<string, string>;
}

for (const { name, files, violations } of cases) {
  t.test(name, async (t) => {
    const baseDir = t.testdir(nest({ 'package.json': '{ "type": "module" }', ...files }));
    const folders = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? path))];
    t.same(await findViolations(baseDir, folders), violations);
  });
}
