/**
 * Routing rules: which tables are asked for a packet, and in which order. Linux begins with local, main and default; where there
 * is a VRF it adds one that leads to that one's table. Knows no programs.
 */
import type { Device, Devices } from './devices.js';
import { isTable } from './devices.js';
import { contains, parsePrefix } from './ip-prefix.js';
import type { IpPrefix } from './ip-prefix.js';
import { TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN } from './routes.js';
import type { OutputDevice, Route, Routes } from './routes.js';
import { refuseWorld } from './spec-fault.js';
import type { RouteType, RuleSpec } from './world-spec.js';

/** Priorities of Linux's own rules. */
const PRIORITY = { local: 0, vrf: 1000, main: 32_766, default: 32_767 } as const;

/** What rules look at. */
export interface Flow {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly mark: number;
  /** Where the packet came in, or the device that it is to leave by. */
  readonly iif: Device | undefined;
  readonly oif: Device | undefined;
  /** For the lookup in a table. */
  readonly output: OutputDevice | undefined;
}

interface Rule {
  readonly priority: number;
  readonly ipBytes: 4 | 16 | undefined;
  readonly from: IpPrefix | undefined;
  readonly to: IpPrefix | undefined;
  readonly iif: Device | undefined;
  readonly oif: Device | undefined;
  readonly mark: number;
  readonly mask: number;
  /** A table's number, the flow's own VRF, or what becomes of the packet. */
  readonly then: number | 'vrf' | 'blackhole' | 'unreachable' | 'prohibit';
}

export class Rules {
  readonly #rules: readonly Rule[];
  readonly #routes: Routes;
  readonly #devices: Devices;

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly RuleSpec[], devices: Devices, routes: Routes) {
    this.#routes = routes;
    this.#devices = devices;
    const own = [
      { priority: PRIORITY.local, then: TABLE_LOCAL },
      { priority: PRIORITY.vrf, then: 'vrf' as const },
      { priority: PRIORITY.main, then: TABLE_MAIN },
      { priority: PRIORITY.default, then: TABLE_DEFAULT },
    ];
    this.#rules = [
      ...own.map((rule) => ({ ...ANY, ...rule })),
      ...specs.map((spec, index) => readRule(spec, devices, `rules[${String(index)}]`)),
    ].sort((a, b) => a.priority - b.priority);
  }

  /** The route that the rules lead to, or how they refuse; undefined where none leads anywhere. */
  find(flow: Flow): Route | undefined {
    const vrf = [flow.oif, flow.iif].flatMap((device) => (device && this.#devices.vrfOf(device)) ?? [])[0];
    for (const rule of this.#rules) {
      if (!applies(rule, flow)) continue;
      if (typeof rule.then === 'string' && rule.then !== 'vrf') return refusal(rule.then, flow.destination.length);
      const table = rule.then === 'vrf' ? vrf?.table : rule.then;
      if (table === undefined) continue;
      const route = this.#routes.findIn(table, flow.destination, flow.output);
      if (route !== undefined && route.type !== 'throw') return route;
    }
    return undefined;
  }
}

/** What a rule says that drops, as a route to everywhere. */
function refusal(type: RouteType, ipBytes: number): Route {
  const prefix = { address: new Uint8Array(ipBytes), length: 0 };
  return { prefix, type, device: undefined, via: undefined, metric: 0, src: undefined };
}

const ANY = {
  ipBytes: undefined,
  from: undefined,
  to: undefined,
  iif: undefined,
  oif: undefined,
  mark: 0,
  mask: 0,
} as const;

function applies({ ipBytes, from, to, iif, oif, mark, mask }: Rule, flow: Flow): boolean {
  if (ipBytes !== undefined && ipBytes !== flow.destination.length) return false;
  if (from !== undefined && !contains(from, flow.source)) return false;
  if (to !== undefined && !contains(to, flow.destination)) return false;
  if (iif !== undefined && iif.ifindex !== flow.iif?.ifindex) return false;
  if (oif !== undefined && oif.ifindex !== flow.oif?.ifindex) return false;
  return ((flow.mark ^ mark) & mask) === 0;
}

function readRule(spec: RuleSpec, devices: Devices, path: string): Rule {
  const { priority, family, table, type, mark } = spec;
  if (!Number.isInteger(priority) || priority < 0 || priority > 0xffff_ffff) {
    refuseWorld(`${path}.priority`, `${String(priority)} is no priority`);
  }
  if (table !== undefined && !isTable(table)) refuseWorld(`${path}.table`, `${String(table)} is no routing table`);
  const then = type ?? table ?? refuseWorld(`${path}.table`, 'a rule has a table, or a type that drops');
  const prefix = (field: 'from' | 'to'): IpPrefix | undefined => {
    const text = spec[field];
    return text === undefined
      ? undefined
      : (parsePrefix(text) ?? refuseWorld(`${path}.${field}`, `\`${text}\` is no prefix`));
  };
  const device = (field: 'iif' | 'oif'): Device | undefined => {
    const name = spec[field];
    return name === undefined ? undefined : devices.mustHave(name, `${path}.${field}`);
  };
  const [from, to] = [prefix('from'), prefix('to')];
  const ofPrefix = (from ?? to)?.address.length === 16 ? 16 : 4;
  const ipBytes = family === 'ipv6' ? 16 : family === 'ipv4' ? 4 : (from ?? to) === undefined ? undefined : ofPrefix;
  for (const [field, given] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (given !== undefined && given.address.length !== ipBytes) {
      refuseWorld(`${path}.${field}`, 'the prefix is of the other family');
    }
  }
  const mask = spec.mask ?? (mark === undefined ? 0 : 0xffff_ffff);
  return { priority, ipBytes, from, to, iif: device('iif'), oif: device('oif'), mark: mark ?? 0, mask, then };
}
