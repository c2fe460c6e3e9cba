/** The surroundings of a program, read from a `WorldSpec`. They never change during runs, so no checkpoint holds them. */
import { Cgroups } from './cgroups.js';
import { Devices } from './devices.js';
import { Namespaces } from './namespaces.js';
import { Neighbours } from './neighbours.js';
import { Routes } from './routes.js';
import { Rules } from './rules.js';
import { readSockets } from './sockets.js';
import type { Socket } from './sockets.js';
import { readTask } from './task.js';
import type { Task } from './task.js';
import { BARE_WORLD } from './world-spec.js';
import type { WorldSpec } from './world-spec.js';

export class Network {
  /** False where nobody described one: then a device that is missing may well be there. */
  readonly isGiven: boolean;
  readonly devices: Devices;
  readonly routes: Routes;
  readonly rules: Rules;
  readonly neighbours: Neighbours;
  readonly cgroups: Cgroups;
  readonly namespaces: Namespaces;
  /** As they are given; what programs change of them is in the socket table. */
  readonly sockets: readonly Socket[];
  readonly task: Task;

  /** @throws ConfigError `config-value` with the path of what is wrong, such as `world.routes[0].dev` */
  constructor(spec?: WorldSpec) {
    const world = spec ?? BARE_WORLD;
    this.isGiven = spec !== undefined;
    this.devices = new Devices(world.devices ?? []);
    this.routes = new Routes(world.routes ?? [], this.devices);
    this.rules = new Rules(world.rules ?? [], this.devices, this.routes);
    this.neighbours = new Neighbours(world.neighbours ?? [], this.devices);
    this.cgroups = new Cgroups(world.cgroups ?? []);
    this.namespaces = new Namespaces(world.netns ?? []);
    this.sockets = readSockets(world.sockets ?? [], this);
    this.task = readTask(world.task ?? {}, this.cgroups);
  }
}
