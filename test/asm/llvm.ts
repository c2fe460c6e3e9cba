/** LLVM 19's tools, where they are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function isInstalled(tool: string): boolean {
  return spawnSync(tool, ['--version']).status === 0;
}

/** Runs a tool over a file with these contents, which it sees as `in`; gives its output. */
export function runOver(tool: string, args: readonly string[], contents: string | Uint8Array): string {
  return withFolder((folder) => {
    writeFileSync(join(folder, 'in'), contents);
    return run(tool, [...args, 'in'], folder);
  });
}

/** What llvm-mc assembles a text to. */
export function llvmAssemble(text: string): Uint8Array {
  return withFolder((folder) => {
    writeFileSync(join(folder, 'in'), text);
    run('llvm-mc-19', ['-triple', 'bpfel', '-mcpu=v4', '-filetype=obj', '-o', 'out', 'in'], folder);
    return readFileSync(join(folder, 'out'));
  });
}

function run(tool: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'skep-llvm-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
