/** Finds the program that a user means by a name or a section. Knows no machine. */
import { ConfigError } from '../errors.js';
import { hookOf } from '../hooks/table.js';
import type { ObjectSpec, ProgId, ProgramSpec } from '../object/object-spec.js';

/** Programs as a list for messages: `name (section)`. */
function listPrograms(programs: readonly ProgramSpec[]): string {
  return programs.map(({ name, section }) => `${name} (${section})`).join(', ');
}

/**
 * @param wanted a program's name or section; undefined means the only one that skep can run
 * @throws ConfigError `config-value` where none or several fit, `config-unsupported` where its type has no hook
 */
export function chooseProgram(object: ObjectSpec, wanted?: string): ProgId {
  const { programs } = object;
  const fitting = programs.flatMap((program, id) => {
    const fits =
      wanted === undefined ? hookOf(program.type) !== undefined : program.name === wanted || program.section === wanted;
    return fits ? [id] : [];
  });
  const [id] = fitting;
  if (id === undefined) {
    const what = wanted === undefined ? 'no program that skep can run' : `no program or section \`${wanted}\``;
    throw new ConfigError('config-value', `there is ${what}`, {
      where: { file: object.name },
      hint: programs.length === 0 ? 'the object has no programs' : `it has ${listPrograms(programs)}`,
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
  if (program !== undefined && hookOf(program.type) === undefined) {
    throw new ConfigError(
      'config-unsupported',
      `program \`${program.name}\`: type ${program.type} is unsupported by skep`,
      {
        where: { file: object.name, section: program.section },
      },
    );
  }
  return id;
}
