/**
 * `skep conformance-plugin`: one program of a conformance suite, as bpf_conformance's runner starts its plugins: memory in hex as an
 * argument, the program in hex on standard input, r0 in hex on standard output. Started once a test, so that it imports little.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Engine } from '../vm/engine/engine.js';
import { ConfigError } from '../vm/errors.js';

type EngineName = Engine['name'];

/** Imported by need: a process runs one program on one engine. */
const ENGINES: Readonly<Partial<Record<EngineName, () => Promise<Engine>>>> = {
  interp: async () => (await import('../vm/engine/interp/interp.js')).interp,
};

/** Enough for any test of an instruction, and quick to reserve. */
const MEMORY_BYTES = 16 * 1024 * 1024;

/** Adds the command; it writes to standard output, or says on standard error why there is no r0 and sets the exit code. */
export function addConformancePluginCommand(program: Command): void {
  program
    .command('conformance-plugin')
    .description('run one program for the runner of bpf_conformance: r1 and r2 are the memory and its length')
    .argument('[memory]', 'bytes in hex')
    .addOption(new Option('--engine <engine>', 'what runs it').choices(Object.keys(ENGINES)).default('interp'))
    .action(async (memory: string | undefined, flags: { readonly engine: EngineName }) => {
      const outcome = await runConformanceProgram(await readStandardInput(), memory ?? '', flags.engine);
      if (outcome.ok) {
        process.stdout.write(`${outcome.r0.toString(16)}\n`);
      } else {
        process.stderr.write(`${outcome.message}\n`);
        process.exitCode = 1;
      }
    });
}

export type ConformanceOutcome =
  { readonly ok: true; readonly r0: bigint } | { readonly ok: false; readonly message: string };

/**
 * Runs a program, unverified and with every check on, with r1 = address of a copy of the memory and r2 = its length.
 * @param program instructions in hex; bytes may be apart
 * @param memory bytes in hex
 * @throws ConfigError `config-value` where that is no hex; LoadError where the program is not one
 */
export async function runConformanceProgram(
  program: string,
  memory: string,
  engineName: EngineName,
): Promise<ConformanceOutcome> {
  const [{ objectFromInsns }, { layoutOf }, { Machine }, { ALL_CHECKS, DEFAULT_FUEL }, { cells }] = await Promise.all([
    import('../vm/object/from-insns.js'),
    import('../vm/machine/layout.js'),
    import('../vm/machine/machine.js'),
    import('../vm/engine/engine.js'),
    import('../vm/memory/cells.js'),
  ]);
  const engine = await ENGINES[engineName]?.();
  if (engine === undefined) throw new ConfigError('config-value', `there is no engine ${engineName}`);
  const object = objectFromInsns(parseHex(program, 'program'));
  const data = parseHex(memory, 'memory');
  const layout = layoutOf(object, { memoryBytes: MEMORY_BYTES });
  const machine = new Machine(object, layout);
  machine.memory.setWord(cells.fuel, DEFAULT_FUEL);
  machine.packet.receive(data);
  const runner = engine.compile(object, layout, ALL_CHECKS).bind(machine);
  runner.run(0, data.length === 0 ? 0 : machine.packet.data, data.length);
  const outcome = runner.outcome();
  if (outcome.kind === 'exit') return { ok: true, r0: outcome.r0 };
  return { ok: false, message: `pc ${String(outcome.trap.pc)}: ${outcome.trap.message}` };
}

function parseHex(text: string, what: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new ConfigError('config-value', `the ${what} is not bytes in hex`, { data: { what } });
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

async function readStandardInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
