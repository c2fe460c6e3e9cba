/**
 * `npm run generate` writes what is made from tables: pages of docs/ from vm/spec and from examples, the JSON schema from vm/config; `npm run generate:check`
 * compares instead. Exit codes: 0 written or equal; 1 one is stale; 2 wrong arguments.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { writeJsonSchema } from '../vm/config/index.js';
import { writeHelpersPage } from './page-helpers.js';
import { writeIsaPage } from './page-isa.js';
import { writeVerifierPage } from './page-verifier.js';

const PAGES: readonly { readonly path: string; readonly write: () => string }[] = [
  { path: 'docs/isa.md', write: writeIsaPage },
  { path: 'docs/helpers.md', write: writeHelpersPage },
  { path: 'docs/verifier.md', write: writeVerifierPage },
  { path: 'schema/skep.schema.json', write: writeJsonSchema },
];

async function main(args: readonly string[]): Promise<number> {
  const check = args[0] === '--check';
  if (args.length > 1 || (args.length === 1 && !check)) {
    console.error('usage: npm run generate, or npm run generate:check');
    return 2;
  }
  const stale: string[] = [];
  for (const { path, write } of PAGES) {
    const text = await format(write(), {
      ...(await resolveConfig(path)),
      parser: path.endsWith('.md') ? 'markdown' : 'json',
    });
    if (!check) writeFileSync(path, text);
    else if (readIfThere(path) !== text) stale.push(path);
  }
  for (const path of stale) console.log(`${path} is stale: run \`npm run generate\` and commit it`);
  if (stale.length === 0) console.log(`${check ? 'equal' : 'wrote'}: ${PAGES.map(({ path }) => path).join(', ')}`);
  return stale.length === 0 ? 0 : 1;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
