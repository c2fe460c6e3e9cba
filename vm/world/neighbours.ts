/** Who answers to an address on a device: the ARP and NDP tables. Knows no routes. */
import { parseMac } from '../address-text.js';
import type { Device, Devices } from './devices.js';
import { parseIp } from './ip-prefix.js';
import { refuseWorld } from './spec-fault.js';
import type { NeighbourSpec } from './world-spec.js';

export class Neighbours {
  readonly #macs = new Map<string, Uint8Array>();

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly NeighbourSpec[], devices: Devices) {
    for (const [index, { ip, mac, dev, state = 'permanent' }] of specs.entries()) {
      const path = `neighbours[${String(index)}]`;
      const address = parseIp(ip) ?? refuseWorld(`${path}.ip`, `\`${ip}\` is no address`);
      const device = devices.mustHave(dev, `${path}.dev`);
      const bytes = mac === undefined ? undefined : parseMac(mac);
      if (mac !== undefined && bytes === undefined) refuseWorld(`${path}.mac`, `\`${mac}\` is no MAC address`);
      if (state === 'failed' || state === 'incomplete') continue;
      this.#macs.set(
        neighbourKey(device, address),
        bytes ?? refuseWorld(`${path}.mac`, `a ${state} neighbour has one`),
      );
    }
  }

  /** Its MAC address where it is known and usable. */
  macOf(device: Device, address: Uint8Array): Uint8Array | undefined {
    return this.#macs.get(neighbourKey(device, address));
  }
}

function neighbourKey({ ifindex }: Device, address: Uint8Array): string {
  return `${String(ifindex)} ${String.fromCharCode(...address)}`;
}
