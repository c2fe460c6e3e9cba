/**
 * Puts the command line into one file, `dist/skep.cjs`: some 460 modules take longer to find and link than most runs take. Each
 * module becomes a function that is called when it is first asked for. From the compiled modules, by the compiler's own
 * transformation to CommonJS; packages stay outside.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

const DIST = 'dist';
const MAIN = 'cli/main.js';
const OUTPUT = 'skep.cjs';

/** Modules by their path below `dist`, those that they import included. */
function collect(): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const waiting = [MAIN];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (sources.has(path)) continue;
    const source = readFileSync(join(DIST, path), 'utf8').replace(/^#!.*\n/, '');
    sources.set(path, source);
    for (const { fileName } of ts.preProcessFile(source, true, true).importedFiles) {
      if (fileName.startsWith('.')) waiting.push(posix.join(dirname(path), fileName));
    }
  }
  return sources;
}

/** The module as the body of a function of `exports`, `require` and `moduleUrl`. */
function toFunctionBody(path: string, source: string): string {
  const text = source
    .replace(/^\/\/# sourceMappingURL=.*$/gm, '')
    .replace(/import\.meta\.resolve\(('[^']+')\)/g, 'new URL($1, moduleUrl).href')
    .replace(/import\.meta\.url/g, 'moduleUrl');
  if (text.includes('import.meta')) throw new Error(`${path}: import.meta has no other use in the bundle`);
  const { outputText } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2023,
      esModuleInterop: true,
      removeComments: true,
    },
  });
  return outputText;
}

const PROLOGUE = `#!/usr/bin/env node
'use strict';
const { posix } = require('node:path');
const { pathToFileURL } = require('node:url');
const base = pathToFileURL(__dirname + '/').href;
const loaded = new Map();
const load = (path) => {
  let exports = loaded.get(path);
  if (exports === undefined) {
    loaded.set(path, (exports = {}));
    const folder = posix.dirname(path);
    modules[path](exports, (name) => (name.startsWith('.') ? load(posix.join(folder, name)) : require(name)), base + path);
  }
  return exports;
};
const modules = {
`;

function bundle(): string {
  const modules = [...collect()].map(
    ([path, source]) =>
      `${JSON.stringify(path)}: (exports, require, moduleUrl) => {\n${toFunctionBody(path, source)}\n},\n`,
  );
  return `${PROLOGUE}${modules.join('')}};\nload(${JSON.stringify(MAIN)});\n`;
}

const output = join(DIST, OUTPUT);
writeFileSync(output, bundle());
chmodSync(output, 0o755);
