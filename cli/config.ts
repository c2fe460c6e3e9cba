/**
 * `-C skep.yaml`: reads the files that a config names, and gives the datapaths that it describes. Paths in a config are
 * relative to it. Loaded only where there is a config: yaml and zod take long to load.
 */
import { dirname, resolve } from 'node:path';
import { readInput } from '../node/read-input.js';
import { configure, dumpsOf, goesOnOf, readConfig } from '../vm/config/index.js';
import type { ConfigFile, ConfigureOptions } from '../vm/config/index.js';
import { ConfigError, ConfigErrors, SkepError } from '../vm/index.js';
import type { Attachment } from '../vm/index.js';
import { joinControl } from './config-control.js';
import type { UnnamedStage } from './stage.js';

type JudgeFile = (bytes: Uint8Array) => ConfigureOptions['judgeProgram'];

/**
 * @param object path from the command line; absent: the config's
 * @param options what the command line says comes before what the config says
 * @param judgeProgram given an object's file, what decides on the checks of its run
 * @returns a stage where the config is about one program, else all of its stages
 */
export async function loadConfigStages(
  path: string,
  object: string | undefined,
  options: ConfigureOptions,
  judgeProgram: JudgeFile,
): Promise<UnnamedStage[]> {
  const file = readConfig(new TextDecoder().decode(await readInput(path)), path);
  if (file.stages.length === 0) return [await loadStage(path, file, object, options, judgeProgram)];
  if (object !== undefined || options.program !== undefined) {
    throw new ConfigErrors([
      file.text.fault(['stages'], 'refused', 'the stages say which object and which program runs', {
        at: 'key',
        hint: `leave ${object ?? '--prog'} away`,
      }),
    ]);
  }
  const stages: UnnamedStage[] = [];
  const faults: ConfigError[] = [];
  for (const stage of file.stages) {
    try {
      stages.push(await loadStage(path, stage, undefined, options, judgeProgram));
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      faults.push(...error.errors);
    }
  }
  if (faults.length > 0) throw new ConfigErrors(faults);
  return stages;
}

async function loadStage(
  path: string,
  file: ConfigFile,
  object: string | undefined,
  options: ConfigureOptions,
  judgeProgram: JudgeFile,
): Promise<UnnamedStage> {
  const { config, text } = file;
  const beside = (name: string): string => resolve(dirname(path), name);
  if (object === undefined && config.object === undefined) {
    throw new ConfigErrors([
      text.fault([], 'missing', 'which object?', { hint: 'say object: in the config, or give it on the command line' }),
    ]);
  }
  const read = async (name: string, at: readonly PropertyKey[]): Promise<Uint8Array> => {
    try {
      return await readInput(beside(name));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw text.fault(at, 'refused', `\`${name}\`: ${error.message}`, { cause: error });
    }
  };
  const faults: ConfigError[] = [];
  const dumps = new Map<string, string>();
  let bytes: Uint8Array | undefined;
  for (const { name, path: at } of dumpsOf(file)) {
    await read(name, at).then(
      (contents) => dumps.set(name, new TextDecoder().decode(contents)),
      (error: unknown) => faults.push(mustBeConfigError(error)),
    );
  }
  if (object !== undefined) bytes = await readInput(object);
  else {
    bytes = await read(config.object ?? '', ['object']).catch((error: unknown) => {
      faults.push(mustBeConfigError(error));
      return undefined;
    });
  }
  if (faults.length > 0 || bytes === undefined) throw new ConfigErrors(faults);
  const name = object ?? config.object ?? path;
  const judge = judgeProgram(bytes);
  const configured = configure(bytes, file, {
    ...options,
    ...(judge === undefined ? {} : { judgeProgram: judge }),
    name,
    dumps,
  });
  joinControl(configured.datapath, file);
  const goesOn = (attachment: Attachment) => goesOnOf(file, attachment, configured.reasons);
  return { ...configured, name: config.name, object: name, goesOn };
}

function mustBeConfigError(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  throw error instanceof SkepError ? (error as SkepError) : error;
}
