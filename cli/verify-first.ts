/** Asking the verifier before a run: what commands that run programs share. */
import { RejectedProgram, verifyFirst } from '../node/verify-first.js';
import { VerdictCache } from '../node/verdict-cache.js';
import { chooseProgram, ConfigError } from '../vm/index.js';
import type { Checks, DatapathOptions, ObjectSpec, RejectionReport } from '../vm/index.js';
import type { Io } from './io.js';
import { renderReport } from './render-report.js';

/** As commander has `--no-verify` and `--no-cache`: true unless given. */
export interface VerifyFirstFlags {
  readonly verify: boolean;
  readonly cache: boolean;
  /** A limit that was asked for is kept, verified or not. */
  readonly fuel?: number;
}

const EXIT_REJECTED = 1;

/**
 * Options that make a datapath verify what it is going to run.
 * @param program as the user named it, or undefined
 */
export function judged(
  bytes: Uint8Array,
  flags: VerifyFirstFlags,
  program: string | undefined,
  io: Io,
): Pick<DatapathOptions, 'judge'> {
  const judge = judgeProgram(bytes, flags, io);
  return judge === undefined ? {} : { judge: (object) => judge(object, program) };
}

/**
 * Decides on the checks of a run: accepted programs run without, of undecided ones a note is written and checks stay.
 * Undefined where nobody wants to know.
 */
export function judgeProgram(
  bytes: Uint8Array,
  { verify, cache, fuel }: VerifyFirstFlags,
  io: Io,
): ((object: ObjectSpec, program: string | undefined) => Partial<Checks>) | undefined {
  if (!verify) return undefined;
  return (object, program) => {
    const prog = programMeant(object, program);
    if (prog === undefined) return {};
    const remembered = new VerdictCache(cache ? io.cacheFolder : undefined);
    const { checks, undecided } = verifyFirst(object, [prog], bytes, remembered);
    for (const { program: name, what } of undecided) io.err(undecidedNote(name, what));
    return fuel === undefined ? checks : { ...checks, fuel: true };
  };
}

/** Undefined where there is none: that is said when the program is attached, after what else is wrong. */
function programMeant(object: ObjectSpec, wanted: string | undefined): number | undefined {
  try {
    return chooseProgram(object, wanted);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

export function undecidedNote(program: string, what: string): string {
  return `note: ${program} is not verified, unsupported by skep: ${what}; it runs with all checks\n`;
}

/** Runs a command; where a program is rejected its report is printed, and the answer is no. */
export async function unlessRejected(io: Io, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof RejectedProgram)) throw error;
    io.err(rejectionText(error.program, error.report, io));
    return EXIT_REJECTED;
  }
}

/** Why nothing runs, ending with a newline. */
export function rejectionText(program: string, report: RejectionReport, { colours }: Io): string {
  return `${renderReport(report, program, colours)}\n(--no-verify runs it all the same, with all checks)\n`;
}
