/**
 * What a linter does not see of the house style (CONTRIBUTING.md): names of files, their opening comments, their place
 * in the rank table, licences of the C files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ranks } from '../.dependency-cruiser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const published = /^(vm|node|cli|web|bpf\/control)\//;
const forbiddenNames = /^(utils?|common|misc|shared|types)\.ts$/;
const listed = ranks.flatMap(({ folders }) => folders);

/** Paths under some folders of the repository, relative to its root. */
function listFiles(folders: readonly string[], ending: RegExp): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
    )
    .filter((path) => ending.test(path))
    .sort();
}

function read(path: string): string {
  return readFileSync(root + path, 'utf8');
}

const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(\..*|node_modules|dist)$/.test(entry.name))
  .map((entry) => entry.name);
const sources = listFiles(folders, /\.ts$/);

t.test('there are sources to look at', (t) => {
  t.ok(sources.includes('vm/errors.ts'));
  t.end();
});

t.test('file names are kebab-case and say what is inside', (t) => {
  const odd = sources.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench))?\.ts$/.test(basename(path)));
  t.same(odd, [], 'kebab-case');
  t.same(
    sources.filter((path) => forbiddenNames.test(basename(path))),
    [],
    'no grab-bags',
  );
  t.end();
});

t.test('every source opens with its purpose', (t) => {
  const silent = sources.filter((path) => !/^(#!.*\n)?(\/\/ @ts-check\n)?\/\*\*\n? ?\*? *\S/.test(read(path)));
  t.same(silent, []);
  t.end();
});

t.test('every published source stands in a folder of the rank table', (t) => {
  const homeless = sources.filter(
    (path) =>
      published.test(path) && !listed.some((unit) => path === unit || (unit.endsWith('/') && path.startsWith(unit))),
  );
  t.same(homeless, []);
  t.end();
});

t.test('no unfinished business', (t) => {
  const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
  t.same(
    sources.filter((path) => marks.test(read(path))),
    [],
  );
  t.end();
});

t.test('C files carry both licences', (t) => {
  const files = listFiles(['bpf'], /\.[ch]$/);
  t.same(
    files.filter((path) => !/^(\/\/|\/\*) SPDX-License-Identifier: GPL-2\.0-only OR BSD-2-Clause\b/.test(read(path))),
    [],
    'SPDX line first',
  );
  t.same(
    files.filter((path) => path.endsWith('.bpf.c') && !read(path).includes('SEC("license") = "Dual BSD/GPL";')),
    [],
    'license section',
  );
  t.end();
});
