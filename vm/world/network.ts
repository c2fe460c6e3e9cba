/** The network around a program, read from a `WorldSpec`. It never changes during runs, so no checkpoint holds it. */
import { Devices } from './devices.js';
import { Neighbours } from './neighbours.js';
import { Routes } from './routes.js';
import { BARE_WORLD } from './world-spec.js';
import type { WorldSpec } from './world-spec.js';

export class Network {
  /** False where nobody described one: then a device that is missing may well be there. */
  readonly isGiven: boolean;
  readonly devices: Devices;
  readonly routes: Routes;
  readonly neighbours: Neighbours;

  /** @throws ConfigError `config-value` with the path of what is wrong, such as `world.routes[0].dev` */
  constructor(spec?: WorldSpec) {
    const { devices = [], routes = [], neighbours = [] } = spec ?? BARE_WORLD;
    this.isGiven = spec !== undefined;
    this.devices = new Devices(devices);
    this.routes = new Routes(routes, this.devices);
    this.neighbours = new Neighbours(neighbours, this.devices);
  }
}
