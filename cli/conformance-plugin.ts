/**
 * `skep conformance-plugin`: one program of a conformance suite, as bpf_conformance's runner starts its plugins: memory in hex as an
 * argument, the program in hex on standard input, r0 in hex on standard output.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { ConfigError, fromHex, runInsns } from '../vm/index.js';
import type { EngineName } from '../vm/index.js';
import { readStdin } from './io.js';
import type { Io } from './io.js';

/** Adds the command; a trap goes to standard error with exit code 1. */
export function addConformancePluginCommand(program: Command, io: Io): void {
  program
    .command('conformance-plugin')
    .description('run one program for the runner of bpf_conformance: r1 and r2 are the memory and its length')
    .argument('[memory]', 'bytes in hex')
    .addOption(new Option('--engine <engine>', 'what runs it').choices(['interp', 'wasm']).default('interp'))
    .action(async (memory: string | undefined, flags: { readonly engine: EngineName }) => {
      const code = parseHex(new TextDecoder().decode(await readStdin(io)), 'program');
      const outcome = runInsns(code, parseHex(memory ?? '', 'memory'), flags.engine);
      if (outcome.kind === 'exit') {
        io.out(`${outcome.r0.toString(16)}\n`);
      } else {
        io.err(`pc ${String(outcome.trap.pc)}: ${outcome.trap.message}\n`);
        io.exit(1);
      }
    });
}

/** Bytes in hex, apart or not. */
function parseHex(text: string, what: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new ConfigError('config-value', `the ${what} is not bytes in hex`, { data: { what } });
  return bytes;
}
