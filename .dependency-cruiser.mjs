// @ts-check
/**
 * The layer check. Every rule is generated from the rank table in scripts/ranks.json, so that the table is the one
 * place that says who may import whom. Knows nothing of what the folders do.
 */
import { readFileSync } from 'node:fs';

/** @typedef {{ rank: number; folders: string[] }} RankRow */

/** @type {unknown} */
const table = JSON.parse(readFileSync(new URL('./scripts/ranks.json', import.meta.url), 'utf8'));

export const ranks = /** @type {RankRow[]} */ (table);

/** Files beside the folders that the whole of vm/ stands on: one unit, since all of them are rank 0. */
const FOUNDATION = 0;

/** @param {string} path */
const toPattern = (path) => `^${path.replaceAll('.', '\\.')}${path.endsWith('/') ? '' : '$'}`;

/** One forbidden edge set a folder: everything of its own rank or above, itself excepted. */
const layerRules = ranks.flatMap(({ rank, folders }) => {
  const units = rank === FOUNDATION ? [folders] : folders.map((folder) => [folder]);
  return units.map((unit) => ({
    name: `layer-${rank === FOUNDATION ? 'foundation' : (unit[0] ?? '').replace(/\/$/, '')}`,
    comment: `rank ${rank}: across folders, import strictly lower ranks only (scripts/ranks.json)`,
    severity: /** @type {const} */ ('error'),
    from: { path: unit.map(toPattern) },
    to: {
      path: ranks.filter((row) => row.rank >= rank).flatMap((row) => row.folders.map(toPattern)),
      pathNot: unit.map(toPattern),
    },
  }));
});

const house = ranks.flatMap((row) => row.folders.map(toPattern));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    {
      name: 'outside-the-house',
      comment: 'a file under vm/, node/, cli/, web/ or bpf/control/ stands in a folder that scripts/ranks.json lists',
      severity: 'error',
      from: { path: '^(vm|node|cli|web|bpf/control)/', pathNot: house },
      to: {},
    },
    {
      name: 'house-imports-workshop',
      comment: 'what is published never imports tests, benchmarks, examples or repository scripts',
      severity: 'error',
      from: { path: house },
      to: { path: '^(test|bench|examples|scripts)/' },
    },
    {
      name: 'vm-is-platform-free',
      comment:
        'vm/ runs in Node.js, browsers and workers: no node: modules and no npm packages, but for yaml and zod in vm/config',
      severity: 'error',
      from: { path: '^vm/' },
      to: {
        dependencyTypes: [
          'core',
          'npm',
          'npm-dev',
          'npm-optional',
          'npm-peer',
          'npm-bundled',
          'npm-no-pkg',
          'npm-unknown',
        ],
        pathNot: ['node_modules/(yaml|zod)/'],
      },
    },
    {
      name: 'config-alone-has-packages',
      comment: 'yaml and zod cost 150 to 300 ms to load: who reads no config does not pay for them',
      severity: 'error',
      from: { path: '^vm/', pathNot: '^vm/config/' },
      to: { path: 'node_modules/(yaml|zod)/' },
    },
    {
      name: 'edge-uses-the-front-door',
      comment: 'cli/ and web/ see of vm/ only what is published: the index.ts of vm, vm/asm and vm/config',
      severity: 'error',
      from: { path: '^(cli|web)/' },
      to: { path: '^vm/', pathNot: ['^vm/index\\.ts$', '^vm/asm/index\\.ts$', '^vm/config/index\\.ts$'] },
    },
    {
      name: 'no-cycles',
      comment: 'also of types: a cycle means that two files are one concept or that a third is missing',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'an import that resolves to nothing escapes every other rule',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-packages',
      comment: 'what is published imports only packages listed under dependencies',
      severity: 'error',
      from: { path: house },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^\\.tap/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
    combinedDependencies: false,
  },
};
