/**
 * What a command runs, from its arguments: objects and configs become stages, each a datapath with a program to attach. One
 * stage is a run as usual, several are a chain. Knows no capture.
 */
import { readInput } from '../node/read-input.js';
import { chooseProgram, ConfigError, load } from '../vm/index.js';
import type { Checks } from '../vm/index.js';
import type { Io } from './io.js';
import type { GlobalSetting } from './set-globals.js';
import { setGlobals } from './set-globals.js';
import type { Stage, StageFlags, UnnamedStage } from './stage.js';
import { judged, judgeProgram } from './verify-first.js';

const CONFIG_NAME = /\.(?:ya?ml|json)$/i;

/**
 * @param given objects (`FILE` or `FILE.o:PROGRAM`) and configs, in the order in which packets meet them
 * @throws SkepError where something cannot be read or does not fit
 */
export async function loadStages(given: readonly string[], flags: StageFlags, io: Io): Promise<readonly Stage[]> {
  const isConfig = (name: string): boolean => flags.config === undefined && CONFIG_NAME.test(name);
  if (given.length === 0 && flags.config === undefined) {
    throw usage('which object?', 'give an object, or --config FILE that names one');
  }
  if (given.length > 1 && flags.config !== undefined) {
    throw usage('--config is for one object', 'configs may stand among the objects: skep run a.yaml b.yaml');
  }
  if (given.length > 1 && flags.prog !== undefined) {
    throw usage('--prog is for one object', 'write the program behind the object: lb.bpf.o:lb');
  }
  const stages: UnnamedStage[] = [];
  if (flags.config !== undefined) stages.push(...(await fromConfig(flags.config, given[0], flags, io)));
  else {
    for (const name of given) {
      stages.push(
        ...(isConfig(name) ? await fromConfig(name, undefined, flags, io) : [await fromObject(name, flags, io)]),
      );
    }
  }
  const named = stages.map((stage, index) => ({ ...stage, name: nameOf(stages, index) }));
  setVariables(named, flags.set ?? []);
  return named;
}

function usage(message: string, hint: string): ConfigError {
  return new ConfigError('config-usage', message, { hint });
}

async function optionsOf(flags: StageFlags) {
  return {
    tiered: true,
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.preferred === undefined ? {} : { preferred: flags.preferred }),
    ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory }),
    ...(flags.fuel === undefined ? {} : { fuel: flags.fuel }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.btf === undefined ? {} : { targetBtf: await readInput(flags.btf) }),
    ...checksOf(flags),
  };
}

/** Nothing where flags say nothing: a config may. */
function checksOf({ unchecked, checked, counters }: StageFlags): { readonly checks?: Partial<Checks> } {
  const checks = {
    ...(unchecked === true ? { fuel: false, memory: false } : {}),
    ...(checked === true ? { fuel: true, memory: true } : {}),
    ...(counters === true ? { counters: true } : {}),
  };
  return Object.keys(checks).length === 0 ? {} : { checks };
}

async function fromConfig(
  path: string,
  object: string | undefined,
  flags: StageFlags,
  io: Io,
): Promise<UnnamedStage[]> {
  const { loadConfigStages } = await import('./config.js');
  const options = { ...(await optionsOf(flags)), program: flags.prog };
  return await loadConfigStages(path, object, options, (bytes) => judgeProgram(bytes, flags, io));
}

async function fromObject(given: string, flags: StageFlags, io: Io): Promise<UnnamedStage> {
  const [, object = given, behind] = /^(.+\.o):([^/:]+)$/.exec(given) ?? [];
  const bytes = await readInput(object);
  const program = behind ?? flags.prog;
  const datapath = load(bytes, { name: object, ...(await optionsOf(flags)), ...judged(bytes, flags, program, io) });
  return {
    name: undefined,
    object,
    datapath,
    program,
    attach: {},
    ifindex: undefined,
    reasons: undefined,
    goesOn: () => undefined,
  };
}

/** Its own name, or its program's; a number behind where others have that as well. */
function nameOf(stages: readonly UnnamedStage[], index: number): string {
  const names = stages.map(({ name, datapath: { object }, program }) => {
    return name ?? object.programs[chooseProgram(object, program)]?.name ?? '';
  });
  const name = names[index] ?? '';
  const before = names.slice(0, index).filter((each) => each === name).length;
  return before === 0 ? name : `${name}#${String(before + 1)}`;
}

/** With several stages a variable's path begins with the stage's name. */
function setVariables(stages: readonly Stage[], settings: readonly GlobalSetting[]): void {
  const [only] = stages;
  if (stages.length === 1 && only !== undefined) {
    setGlobals(only.datapath, settings);
    return;
  }
  for (const { path, value } of settings) {
    const stage = stages.find(({ name }) => path.startsWith(`${name}.`));
    if (stage === undefined) {
      const names = stages.map(({ name }) => `${name}.${path}`).join(' or ');
      throw new ConfigError('config-usage', `--set ${path}: which stage?`, { hint: `say ${names}` });
    }
    setGlobals(stage.datapath, [{ path: path.slice(stage.name.length + 1), value }]);
  }
}
