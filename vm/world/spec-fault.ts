/** The one way to refuse a world: what is wrong, and where in it. */
import { ConfigError } from '../errors.js';

/**
 * @param path such as `devices[1].mac`
 * @throws ConfigError `config-value` with the path in its data
 */
export function refuseWorld(path: string, message: string): never {
  throw new ConfigError('config-value', `world.${path}: ${message}`, { data: { path: `world.${path}` } });
}
