/** `services` and `policies` of a config: what bpf/control makes of them goes into the maps of bpf/lb and bpf/policy. */
import { servicesToMaps } from '../bpf/control/lb.js';
import { policyMaps } from '../bpf/control/policy.js';
import type { ConfigFile, ConfigPath } from '../vm/config/index.js';
import { relocate } from '../vm/config/index.js';
import { ConfigError, ConfigErrors } from '../vm/index.js';
import type { Datapath } from '../vm/index.js';

type Entries = Iterable<readonly [key: Uint8Array, value: Uint8Array]>;

/** @throws ConfigErrors where they contradict themselves, or the object is none that they are for */
export function joinControl(datapath: Datapath, file: ConfigFile): void {
  const { services, policies } = file.config;
  const faults: ConfigError[] = [];
  if (services !== undefined) {
    noting(
      faults,
      file,
      ['services'],
      (path, error) => servicePath(file, path, error),
      () => {
        mustHave(datapath, file, ['services'], ['services', 'rings', 'backends'], 'bpf/lb.bpf.o');
        const ringSlots = Number(datapath.getGlobal('ring_slots'));
        for (const [map, entries] of Object.entries(servicesToMaps({ services, ringSlots })))
          put(datapath, map, entries);
      },
    );
  }
  if (policies !== undefined) {
    noting(
      faults,
      file,
      ['policies'],
      (path) => path,
      () => {
        mustHave(datapath, file, ['policies'], ['ipcache', 'rules'], 'bpf/policy.bpf.o');
        const { ipcache, rules } = policyMaps(policies);
        put(
          datapath,
          'ipcache',
          ipcache.map(({ key, value }) => [key, value]),
        );
        put(
          datapath,
          'rules',
          rules.map(({ key, value }) => [key, value]),
        );
      },
    );
  }
  if (faults.length > 0) throw new ConfigErrors(faults);
}

function noting(
  faults: ConfigError[],
  file: ConfigFile,
  path: ConfigPath,
  placeOf: (path: ConfigPath, error: ConfigError) => ConfigPath,
  act: () => void,
): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const config = error;
    faults.push(config.where.line === undefined ? relocate(file, placeOf(path, config), config) : config);
  }
}

/** Which part of which service an error of bpf/control/lb speaks of. */
function servicePath({ config }: ConfigFile, path: ConfigPath, { data }: ConfigError): ConfigPath {
  const services = config.services ?? [];
  const names = services.map(({ name }) => name);
  // Of two with one name the second is the one too many.
  const index = names.lastIndexOf(String(data?.service));
  const service = services[index];
  if (service === undefined) return path;
  const backend = service.backends.findIndex(
    ({ address, port }) => address === data?.address || (port !== undefined && port === data?.port),
  );
  return backend < 0 ? [...path, index] : [...path, index, 'backends', backend];
}

function mustHave(
  datapath: Datapath,
  { text }: ConfigFile,
  path: ConfigPath,
  maps: readonly string[],
  object: string,
): void {
  const has = new Set(datapath.object.maps.map(({ name }) => name));
  const missing = maps.find((map) => !has.has(map));
  if (missing === undefined) return;
  throw text.fault(path, 'refused', `${datapath.object.name} has no map \`${missing}\``, {
    at: 'key',
    hint: `these are for ${object}`,
  });
}

function put(datapath: Datapath, map: string, entries: Entries): void {
  const handle = datapath.map(map);
  for (const [key, value] of entries) {
    const failed = handle.set(key, value);
    if (failed === 0) continue;
    throw new ConfigError('config-value', `map \`${map}\` does not take an entry: errno ${String(-failed)}`, {
      data: { map, errno: -failed },
    });
  }
}
