// @ts-check
/** Lint rules: typescript-eslint strict and stylistic, type-checked, plus the house's own words (CONTRIBUTING.md). */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const houseSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'No default exports: a name is the same everywhere.' },
  { selector: 'TSEnumDeclaration', message: 'Unions, not enums.' },
  { selector: 'TSModuleDeclaration', message: 'No namespaces.' },
];

export default defineConfig(
  { ignores: ['dist/', '.tap/', 'node_modules/'] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', ...houseSyntax],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['vm/**/*.ts'],
    ignores: ['vm/host.ts'],
    rules: { 'no-restricted-globals': ['error', { name: 'globalThis', message: 'Only vm/host.ts reads it.' }] },
  },
  {
    // Hot paths over typed arrays, whose every read is `number | undefined` to TypeScript.
    files: [
      'vm/engine/**/*.ts',
      'vm/wasm/**/*.ts',
      'vm/verifier/**/*.ts',
      'vm/isa/dominators.ts',
      'vm/u64.ts',
      'bench/**/*.ts',
    ],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-non-null-assertion': 'off',
    },
  },
  {
    // tap awaits its subtests itself. Asynchronous assertions (t.rejects, t.resolves) stay under the rule.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }] },
      ],
    },
  },
  {
    // Configuration and plug-in files have the shape that their tools dictate.
    files: ['*.mjs', '.*.mjs', 'test/support/*.mjs'],
    rules: { 'no-restricted-syntax': ['error', ...houseSyntax.slice(1)] },
  },
);
