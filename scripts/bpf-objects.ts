/**
 * Compiles every `*.bpf.c` and `*.test.c` under a folder to the object beside it, and compares what a build here would give with what
 * is committed. The same clang and the same system headers give the same bytes, wherever the checkout lies; with
 * others there is nothing to compare. Knows nothing of what the programs do, nor of the command line.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';

/**
 * What objects were built with. `headers` is the SHA-256 over the sorted SHA-256s of every system header that took part:
 * types and inline functions of headers end up in BTF, so they are an input like clang is.
 */
export interface Toolchain {
  readonly clang: string;
  readonly headers: string;
}

/** How one object is made from its source. Paths are relative to the folder, with forward slashes. */
interface Recipe {
  readonly object: string;
  readonly target?: 'bpf' | 'bpfeb';
  readonly cpu?: 'v1' | 'v2' | 'v3' | 'v4';
  /** Whether the object has BTF. */
  readonly debug?: boolean;
}

/** Sources that are not simply `x.bpf.c` -> `x.bpf.o` for a v3 machine with BTF. */
const specialRecipes: Readonly<Partial<Record<string, readonly Recipe[]>>> = {
  'examples/pass.bpf.c': [
    { object: 'examples/pass.bpf.o' },
    { object: 'examples/pass-big-endian.bpf.o', target: 'bpfeb' },
  ],
  'examples/loops.bpf.c': [{ object: 'examples/loops.bpf.o' }, { object: 'examples/loops-v1.bpf.o', cpu: 'v1' }],
  'examples/cpu-v4.bpf.c': [{ object: 'examples/cpu-v4.bpf.o', cpu: 'v4' }],
  'examples/no-btf.bpf.c': [{ object: 'examples/no-btf.bpf.o', debug: false }],
};

/** C sources that become objects; headers are none. */
export function listSources(bpfDir: string): string[] {
  return [...listFiles(bpfDir, '.bpf.c'), ...listFiles(bpfDir, '.test.c')];
}

/** The build cannot go on: no compiler, or a compiler that refused. The message is for people. */
export class BuildError extends Error {}

export type CheckResult =
  | { readonly kind: 'equal'; readonly objects: readonly string[] }
  | { readonly kind: 'differs'; readonly findings: readonly string[] }
  | { readonly kind: 'skipped'; readonly reason: string };

/**
 * Compiles all sources under `bpfDir` beside themselves and records the toolchain.
 * @throws BuildError
 */
export function buildObjects(bpfDir: string): { objects: readonly string[]; toolchain: Toolchain } {
  const clang = findClang();
  if (clang === undefined) throw new BuildError('no clang found; install clang 19, or name one in CLANG');
  const built = compileAll(clang, bpfDir, bpfDir);
  writeFileSync(join(bpfDir, 'toolchain.json'), `${JSON.stringify(built.toolchain, null, 2)}\n`);
  return built;
}

/**
 * Compiles all sources under `bpfDir` into a temporary directory and compares byte for byte; `skipped` where clang or
 * the system headers are not those that the committed objects were built with.
 * @throws BuildError
 */
export function checkObjects(bpfDir: string): CheckResult {
  const recorded = JSON.parse(readFileSync(join(bpfDir, 'toolchain.json'), 'utf8')) as Toolchain;
  const clang = findClang();
  if (clang === undefined) return skipped(`no clang here; the objects were built with "${recorded.clang}"`);
  const version = readVersion(clang);
  if (version !== recorded.clang) {
    return skipped(`clang is "${version}"; the objects were built with "${recorded.clang}"`);
  }

  const outDir = mkdtempSync(join(tmpdir(), 'build-bpf-'));
  try {
    const { objects, toolchain } = compileAll(clang, bpfDir, outDir);
    if (toolchain.headers !== recorded.headers) return skipped('the system headers are not those recorded');
    const findings = objects
      .filter((object) => !isSameFile(join(bpfDir, object), join(outDir, object)))
      .map((object) => `${object} differs from what its source gives`);
    const orphans = listFiles(bpfDir, '.o').filter((object) => !objects.includes(object));
    findings.push(...orphans.map((object) => `${object} has no source`));
    return findings.length > 0 ? { kind: 'differs', findings } : { kind: 'equal', objects };
  } finally {
    rmSync(outDir, { recursive: true });
  }
}

/** Paths under `bpfDir`, relative to it with forward slashes, in a fixed order. */
export function listFiles(bpfDir: string, suffix: string): string[] {
  return readdirSync(bpfDir, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith(suffix))
    .sort();
}

function skipped(reason: string): CheckResult {
  return { kind: 'skipped', reason };
}

function isSameFile(left: string, right: string): boolean {
  return existsSync(left) && readFileSync(left).equals(readFileSync(right));
}

function findClang(): string | undefined {
  const candidates = process.env.CLANG ? [process.env.CLANG] : ['clang-19', 'clang'];
  return candidates.find((name) => spawnSync(name, ['--version']).status === 0);
}

function readVersion(clang: string): string {
  return run(clang, ['--version']).split('\n', 1)[0] ?? '';
}

/** Runs a compiler's command to its end, and returns what it printed. */
function run(command: string, args: readonly string[], cwd?: string): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...(cwd && { cwd }) });
  if (error) throw new BuildError(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new BuildError(`${[command, ...args].join(' ')}\n${stderr}`);
  return stdout;
}

function compileAll(clang: string, bpfDir: string, outDir: string): { objects: string[]; toolchain: Toolchain } {
  const headers = new Set<string>();
  const objects: string[] = [];
  for (const source of listSources(bpfDir)) {
    for (const recipe of specialRecipes[source] ?? [{ object: source.replace(/\.c$/, '.o') }]) {
      for (const header of compile(clang, bpfDir, source, recipe, outDir)) headers.add(header);
      objects.push(recipe.object);
    }
  }
  return { objects, toolchain: { clang: readVersion(clang), headers: digest(headers) } };
}

/** Compiles one object into `outDir` and returns the system headers that took part. */
function compile(clang: string, bpfDir: string, source: string, recipe: Recipe, outDir: string): string[] {
  const { object, target = 'bpf', cpu = 'v3', debug = true } = recipe;
  const output = resolve(outDir, object);
  mkdirSync(dirname(output), { recursive: true });
  const args = [
    ...[`--target=${target}`, `-mcpu=${cpu}`, '-O2', ...(debug ? ['-g'] : [])],
    ...['-Wall', '-Wextra', '-Wno-sign-compare', '-Wno-unused-parameter', '-Werror'],
    // Debian and its kin keep <asm/*.h> where a BPF target does not look by itself.
    ...['-idirafter', `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`],
    // Names of files in BTF: relative to bpf/, wherever this checkout and the headers lie.
    ...['-fdebug-compilation-dir=.', '-ffile-prefix-map=/usr/include=include', '-fno-addrsig'],
    ...['-MD', '-MF', '-', '-c', source, '-o', output],
  ];
  const dependencies = run(clang, args, bpfDir);
  // DWARF goes: it is most of the file, and nothing reads it. BTF stays.
  if (debug) run(run(clang, ['-print-prog-name=llvm-strip']).trim(), ['--strip-debug', output]);
  // Headers of our own are sources, no part of the toolchain.
  return dependencies
    .split(/[\s\\]+/)
    .filter((path) => path.endsWith('.h'))
    .map((path) => resolve(bpfDir, path))
    .filter((path) => !path.startsWith(resolve(bpfDir) + sep));
}

/** Independent of where the headers lie and of the order in which they were read. */
function digest(paths: ReadonlySet<string>): string {
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  return hash([...new Set([...paths].map((path) => hash(readFileSync(path))))].sort().join('\n'));
}
