/**
 * A config over an object: the datapath that it describes, with maps, globals and world as it says. What does not fit is
 * said at its line and column, all of it at once. Knows no files: whoever reads them hands them in.
 */
import { Datapath } from '../datapath/datapath.js';
import type { AttachOptions, DatapathOptions } from '../datapath/datapath.js';
import type { Attachment } from '../datapath/attachment.js';
import type { Checks } from '../engine/engine.js';
import { chooseProgram } from '../datapath/choose-program.js';
import { ReasonCounters } from '../datapath/reason-counters.js';
import { ConfigError, ConfigErrors, LoadError } from '../errors.js';
import { loadObject } from '../loader/load-object.js';
import type { LoadOptions as ObjectOptions } from '../loader/load-object.js';
import type { ObjectSpec } from '../object/object-spec.js';
import type { MapOverrides } from '../object/override-maps.js';
import type { CtxFields } from '../packet/ctx-fields.js';
import { suggestion } from '../suggest.js';
import type { ValueInput } from '../btf/value.js';
import type { ConfigPath } from './config-text.js';
import { MapFiller } from './fill-maps.js';
import type { ConfigFile } from './config-file.js';
import { relocate, stepsOf } from './relocate.js';
import { bytesOf } from './schema.js';
import type { Config } from './schema.js';

export interface ConfigureOptions extends DatapathOptions, ObjectOptions {
  /** Program to run, instead of the config's. */
  readonly program?: string | undefined;
  /** As `judge`, and told which program is meant. */
  readonly judgeProgram?: (object: ObjectSpec, program: string | undefined) => Partial<Checks>;
  /** Texts of the files that `from` names, by that name. */
  readonly dumps?: ReadonlyMap<string, string>;
}

export interface Configured {
  readonly datapath: Datapath;
  /** For `datapath.attach`. */
  readonly program: string | undefined;
  readonly attach: AttachOptions;
  /** Device that packets come in on. */
  readonly ifindex: number | undefined;
  /** Counts why packets got their verdicts, if the config says where the program does so. */
  readonly reasons: ReasonCounters | undefined;
}

const MAX_LISTED = 24;
const HOOK_TYPES = { xdp: ['xdp'], tc: ['sched_cls', 'sched_act'] } as const;

/** Files that a config wants to be read: names as written, in its order. */
export function dumpsOf({ config }: ConfigFile): readonly { readonly name: string; readonly path: ConfigPath }[] {
  return Object.entries(config.maps ?? {}).flatMap(([map, each]) =>
    !Array.isArray(each) && each.from !== undefined ? [{ name: each.from, path: ['maps', map, 'from'] }] : [],
  );
}

/**
 * Loads an object as a config wants it. What `options` give comes before what the config says.
 * @throws ConfigErrors with all that does not fit the object, or where the config has stages: each has its own object
 * @throws ElfError, BtfError, LoadError where the object cannot be loaded
 */
export function configure(bytes: Uint8Array, file: ConfigFile, options: ConfigureOptions = {}): Configured {
  const { config, text, stages } = file;
  if (stages.length > 0) throw new ConfigErrors([text.fault(['stages'], 'refused', 'there are several programs here')]);
  const object = loadObject(bytes, options);
  const faults: ConfigError[] = [];
  const program = programOf(object, file, options.program, faults);
  checkNames(object, file, faults);
  const ifindex = ifindexOf(file, faults);
  if (faults.length > 0) throw new ConfigErrors(faults);

  const datapath = build(object, file, options);
  new MapFiller(datapath, file, options.dumps ?? new Map(), faults).fillAll();
  for (const [name, value] of Object.entries(config.globals ?? {})) {
    try {
      datapath.setGlobal(name, value as ValueInput);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(relocate(file, ['globals', name], error, stepsOf(name).length - 1));
    }
  }
  const reasons = reasonsOf(datapath, file, faults);
  if (faults.length > 0) throw new ConfigErrors(faults);
  const { rx_queue_index: queue, ...ctx } = config.ctx ?? {};
  const attach = { ctx: ctxFields(ctx), ...(queue === undefined ? {} : { queue }) };
  return { datapath, program, attach, ifindex, reasons };

  function build(spec: ObjectSpec, from: ConfigFile, given: ConfigureOptions): Datapath {
    try {
      const { judgeProgram } = given;
      const judge = judgeProgram === undefined ? {} : { judge: (each: ObjectSpec) => judgeProgram(each, program) };
      return new Datapath(spec, { ...datapathOptions(from.config), ...judge, ...given });
    } catch (error) {
      const data = error instanceof ConfigError || error instanceof LoadError ? error.data : undefined;
      if (error instanceof ConfigError && typeof data?.path === 'string' && data.path.startsWith('world.')) {
        throw new ConfigErrors([
          text.fault(stepsOf(data.path), 'refused', tailOf(error), { hint: error.hint, cause: error }),
        ]);
      }
      if (error instanceof LoadError && typeof data?.map === 'string') {
        const path = ['maps', data.map, 'max_entries'];
        if (overridesOf(from.config)[data.map] !== undefined) {
          throw new ConfigErrors([text.fault(path, 'refused', error.message, { hint: error.hint, cause: error })]);
        }
      }
      if (error instanceof LoadError && error.code === 'load-memory' && from.config.memory !== undefined) {
        throw new ConfigErrors([text.fault(['memory'], 'refused', error.message, { hint: error.hint, cause: error })]);
      }
      throw error;
    }
  }
}

function reasonsOf(datapath: Datapath, file: ConfigFile, faults: ConfigError[]): ReasonCounters | undefined {
  const { reasons } = file.config;
  if (reasons === undefined) return undefined;
  try {
    return new ReasonCounters(datapath, reasons);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(relocate(file, ['reasons'], error));
    return undefined;
  }
}

/**
 * With which verdicts and reasons a packet comes in at the next stage; undefined where the config does not say.
 * @param attachment of the stage
 * @throws ConfigErrors where one is no verdict of this hook and no reason that is counted
 */
export function goesOnOf(
  { config, text }: ConfigFile,
  { verdictNames }: Attachment,
  reasons: ReasonCounters | undefined,
): readonly string[] | undefined {
  const { goes_on: names } = config;
  if (names === undefined) return undefined;
  const known = [...verdictNames, ...(reasons?.names ?? [])];
  const faults = names.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const hint = suggestion(name, known) ?? `there are ${known.slice(0, MAX_LISTED).join(', ')}`;
    return [text.fault(['goes_on', index], 'unknown-name', `\`${name}\` is no verdict and no reason`, { hint })];
  });
  if (faults.length > 0) throw new ConfigErrors(faults);
  return names;
}

/** The message without the path that begins it. */
function tailOf({ message }: ConfigError): string {
  return message.slice(message.indexOf(': ') + 2);
}

function datapathOptions(config: Config): DatapathOptions {
  const { engine, checks, cpus, seed, memory, fuel, world } = config;
  const { stack_init: stackInit, ...otherChecks } = checks ?? {};
  return {
    ...(engine === undefined ? {} : { engine }),
    checks: { ...otherChecks, ...(stackInit === undefined ? {} : { stackInit }) },
    ...(cpus === undefined ? {} : { cpus }),
    ...(seed === undefined ? {} : { seed }),
    ...(memory === undefined ? {} : { memoryBytes: bytesOf(memory) }),
    ...(fuel === undefined ? {} : { fuel }),
    ...(world === undefined ? {} : { world }),
    mapOverrides: overridesOf(config),
  };
}

function overridesOf({ maps = {} }: Config): MapOverrides {
  return Object.fromEntries(
    Object.entries(maps).flatMap(([name, each]) =>
      !Array.isArray(each) && each.max_entries !== undefined ? [[name, { maxEntries: each.max_entries }]] : [],
    ),
  );
}

function ctxFields(ctx: Omit<NonNullable<Config['ctx']>, 'rx_queue_index'>): CtxFields {
  const { tc_index, tc_classid, queue_mapping, ingress_ifindex, ...same } = ctx;
  return {
    ...same,
    ...(tc_index === undefined ? {} : { tcIndex: tc_index }),
    ...(tc_classid === undefined ? {} : { tcClassid: tc_classid }),
    ...(queue_mapping === undefined ? {} : { queueMapping: queue_mapping }),
    ...(ingress_ifindex === undefined ? {} : { ingressIfindex: ingress_ifindex }),
  };
}

function programOf(
  object: ObjectSpec,
  { config, text }: ConfigFile,
  given: string | undefined,
  faults: ConfigError[],
): string | undefined {
  const { hook } = config;
  const types: readonly string[] = hook === undefined ? [] : HOOK_TYPES[hook];
  const names = object.programs.flatMap(({ name, section }) => [name, section]);
  const wanted = given ?? config.program;
  if (wanted === undefined) {
    if (hook === undefined) return undefined;
    const fitting = object.programs.filter(({ type }) => types.includes(type));
    const [only] = fitting;
    if (only === undefined) faults.push(text.fault(['hook'], 'refused', `${object.name} has no program for ${hook}`));
    if (fitting.length > 1) {
      const hint = `choose one with program: ${fitting.map(({ name }) => name).join(', ')}`;
      faults.push(text.fault(['hook'], 'refused', `${object.name} has several programs for ${hook}`, { hint }));
    }
    return only?.name;
  }
  if (given === undefined && !names.includes(wanted)) {
    const hint = suggestion(wanted, names) ?? `it has ${[...new Set(names)].join(', ')}`;
    faults.push(
      text.fault(['program'], 'unknown-name', `${object.name} has no program or section \`${wanted}\``, { hint }),
    );
    return undefined;
  }
  const program = object.programs.find(({ name }) => name === wanted) ?? object.programs[chooseProgram(object, wanted)];
  if (hook !== undefined && program !== undefined && !types.includes(program.type)) {
    faults.push(text.fault(['hook'], 'refused', `program \`${program.name}\` is of type ${program.type}`));
  }
  return wanted;
}

/** Names of maps and globals. */
function checkNames(object: ObjectSpec, { config, text }: ConfigFile, faults: ConfigError[]): void {
  const maps = object.maps.map(({ name }) => name);
  for (const name of Object.keys(config.maps ?? {})) {
    if (maps.includes(name)) continue;
    const hint = suggestion(name, maps) ?? (maps.length === 0 ? 'it has no maps' : `it has ${maps.join(', ')}`);
    faults.push(text.fault(['maps', name], 'unknown-name', `${object.name} has no such map`, { at: 'key', hint }));
  }
  const globals = object.maps.flatMap(({ variables = [] }) => variables.map((each) => each.name));
  for (const path of Object.keys(config.globals ?? {})) {
    const isKnown = globals.some((name) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
    if (isKnown) continue;
    const hint = suggestion(path, globals) ?? (globals.length === 0 ? 'it has none' : `it has ${globals.join(', ')}`);
    faults.push(
      text.fault(['globals', path], 'unknown-name', `${object.name} has no such global`, { at: 'key', hint }),
    );
  }
}

function ifindexOf({ config, text }: ConfigFile, faults: ConfigError[]): number | undefined {
  const { ifindex, world } = config;
  if (typeof ifindex !== 'string') return ifindex;
  const devices = world?.devices ?? [];
  const found = devices.find(({ name }) => name === ifindex);
  if (found === undefined) {
    const names = devices.map(({ name }) => name);
    const hint =
      suggestion(ifindex, names) ??
      (names.length === 0 ? 'say which there are in world.devices' : `there are ${names.join(', ')}`);
    faults.push(text.fault(['ifindex'], 'unknown-name', `there is no device \`${ifindex}\``, { hint }));
  }
  return found?.ifindex;
}
