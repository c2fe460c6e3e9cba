/** Finds the program that a user means by a name or a section. Knows no machine. */
import { ConfigError } from '../errors.js';
import { hookOf, takesFrames } from '../hooks/table.js';
import type { ObjectSpec, ProgId, ProgramSpec } from '../object/object-spec.js';

/** A message names no more programs than this. */
const MAX_LISTED = 4;

/** Why skep cannot run a program; undefined where it can. */
function whyNot({ type, unsupported }: ProgramSpec): string | undefined {
  if (hookOf(type) !== undefined) return undefined;
  return unsupported ?? `type ${type} is unsupported by skep`;
}

/** Programs that cannot run, as a list for messages: `name (section): why`. */
function listReasons(programs: readonly ProgramSpec[]): string {
  const shown = programs.slice(0, MAX_LISTED).map((program) => {
    return `${program.name} (${program.section}): ${whyNot(program) ?? 'can run'}`;
  });
  const more = programs.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${String(more)} more` : ''}`;
}

/** Programs as a list for messages: `name (section)`. */
function listPrograms(programs: readonly ProgramSpec[]): string {
  return programs.map(({ name, section }) => `${name} (${section})`).join(', ');
}

/** Unless one is named, those that packets come to go before those that other events call. */
function fittingPrograms(programs: readonly ProgramSpec[], wanted: string | undefined): ProgId[] {
  const where = (fits: (program: ProgramSpec) => boolean): ProgId[] =>
    programs.flatMap((program, id) => (fits(program) ? [id] : []));
  if (wanted !== undefined) return where(({ name, section }) => name === wanted || section === wanted);
  const framed = where(({ type }) => {
    const hook = hookOf(type);
    return hook !== undefined && takesFrames(hook);
  });
  return framed.length > 0 ? framed : where(({ type }) => hookOf(type) !== undefined);
}

/**
 * @param wanted a program's name or section; undefined means the only one that skep can run
 * @throws ConfigError `config-value` where none or several fit, `config-unsupported` where its type has no hook
 */
export function chooseProgram(object: ObjectSpec, wanted?: string): ProgId {
  const { programs } = object;
  const fitting = fittingPrograms(programs, wanted);
  const [id] = fitting;
  if (id === undefined) {
    const what = wanted === undefined ? 'no program that skep can run' : `no program or section \`${wanted}\``;
    throw new ConfigError('config-value', `there is ${what}`, {
      where: { file: object.name },
      hint: hintOf(programs, wanted),
    });
  }
  if (fitting.length > 1) {
    const candidates = fitting.flatMap((each) => programs[each] ?? []);
    throw new ConfigError('config-value', 'several programs could be meant', {
      where: { file: object.name },
      hint: `choose one with --prog: ${listPrograms(candidates)}`,
    });
  }
  const program = programs[id];
  const reason = program === undefined ? undefined : whyNot(program);
  if (program !== undefined && reason !== undefined) {
    throw new ConfigError('config-unsupported', `program \`${program.name}\`: ${reason}`, {
      where: { file: object.name, section: program.section },
      hint: '`skep load` says of each program whether skep runs it',
    });
  }
  return id;
}

function hintOf(programs: readonly ProgramSpec[], wanted: string | undefined): string {
  if (programs.length === 0) return 'the object has no programs';
  return `it has ${wanted === undefined ? listReasons(programs) : listPrograms(programs)}`;
}
