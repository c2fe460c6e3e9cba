/** The whole command line as a function: parses, runs, renders what went wrong, gives the exit code. */
import { Command, CommanderError } from 'commander';
import { addAsmCommand } from './asm.js';
import { addBenchCommand } from './bench.js';
import { addConformancePluginCommand } from './conformance-plugin.js';
import { addDisasmCommand } from './disasm.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { addLoadCommand } from './load.js';
import { renderThrown } from './render-error.js';
import { addRunCommand } from './run.js';
import { addTestCommand } from './test.js';
import { addTraceCommand } from './trace.js';
import { addVerifyCommand } from './verify.js';
import { version } from './version.js';

function createProgram(io: Io): Command {
  const program = new Command('skep')
    .description('Run eBPF datapath programs outside the kernel: load, test, replay captures, disassemble, assemble.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(skep help shows what there is)')
    .configureOutput({
      writeOut: (text) => {
        io.out(text);
      },
      writeErr: (text) => {
        io.err(text);
      },
    })
    .exitOverride();
  for (const add of [
    addLoadCommand,
    addVerifyCommand,
    addRunCommand,
    addTestCommand,
    addTraceCommand,
    addBenchCommand,
    addDisasmCommand,
    addAsmCommand,
    addConformancePluginCommand,
  ]) {
    add(program, io);
  }
  return program;
}

/** `go test` spells the option so, and hands know it. */
function asLongOption(argument: string): string {
  return /^-run(?:=|$)/.test(argument) ? `-${argument}` : argument;
}

/**
 * Runs one command line.
 * @param argv without the interpreter and the script
 * @returns 0 done, 1 a test or check said no, 2 bad input or usage
 */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  const noting: Io = {
    ...io,
    exit: (wanted) => {
      code = wanted;
    },
  };
  try {
    await createProgram(noting).parseAsync(argv.map(asLongOption), { from: 'user' });
    return code;
  } catch (thrown) {
    // Commander has printed its own message already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
    io.err(renderThrown(thrown));
    return EXIT_BAD_INPUT;
  }
}
