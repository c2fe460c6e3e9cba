#!/usr/bin/env node
/** The `skep` command. Exit codes: 0 done, 1 a test or check said no, 2 bad input or usage. */
import { Command, CommanderError } from 'commander';
import { createRequire } from 'node:module';
import { addAsmCommand } from './asm.js';
import { addConformancePluginCommand } from './conformance-plugin.js';
import { addDisasmCommand } from './disasm.js';
import { addLoadCommand } from './load.js';
import { renderThrown } from './render-error.js';
import { addRunCommand } from './run.js';

const EXIT_BAD_INPUT = 2;

function version(): string {
  const require = createRequire(import.meta.url);
  // Resolved through the package's own name, so that it works from source and from dist alike.
  const { version } = require('skep/package.json') as { version: string };
  return version;
}

function createProgram(): Command {
  const program = new Command('skep')
    .description('Run eBPF datapath programs outside the kernel: load, replay captures, disassemble, assemble.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(skep help shows what there is)')
    .exitOverride();
  addLoadCommand(program);
  addRunCommand(program);
  addDisasmCommand(program);
  addAsmCommand(program);
  addConformancePluginCommand(program);
  return program;
}

/** Runs one command line. Returns the exit code; output has gone to the standard streams. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (thrown) {
    // Commander has printed its own message already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
    process.stderr.write(renderThrown(thrown));
    return EXIT_BAD_INPUT;
  }
}

// A reader that has seen enough (head, less) closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
