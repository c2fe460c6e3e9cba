/**
 * What may stand in a `skep.yaml`, in zod's words: the published JSON schema is made from it. What depends on an object
 * (names of maps, types of values) is checked elsewhere. Knows no YAML.
 */
import * as z from 'zod';
import { parseIpv4, parseIpv6, parseMac } from '../address-text.js';
import { parseEndpoint, SOCKET_STATES } from '../world/sockets.js';

const U16 = 0xffff;
const U32 = 0xffff_ffff;
const MAX_IFINDEX = 0x7fff_ffff;

const text = z.string().min(1);
const whole = (least: number, most: number) => z.int().min(least).max(most);
const port = whole(1, U16);
const u32 = whole(0, U32);

/** 0 where it is no address, else 32 or 128. */
const bitsOf = (address: string): number =>
  parseIpv4(address) === undefined ? (parseIpv6(address) === undefined ? 0 : 128) : 32;

function isPrefix(value: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(value) ?? [];
  return bitsOf(address) > 0 && Number(bits ?? 0) <= bitsOf(address);
}

const address = z.string().refine((value) => bitsOf(value) > 0, { error: 'no IP address' });
const prefix = z.string().refine(isPrefix, { error: 'no prefix such as 10.1.0.0/16 or 2001:db8::/32' });
const mac = z.string().refine((value) => parseMac(value) !== undefined, { error: 'no MAC address' });
const deviceName = z
  .string()
  .refine((name) => /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..', { error: 'no name of a device' });

const SIZES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** A whole number of bytes from `256M`. */
export function bytesOf(size: number | string): number {
  if (typeof size === 'number') return size;
  const [, digits = '', unit = ''] = /^(\d+)([KMG]?)/i.exec(size) ?? [];
  return Number(digits) * (SIZES[unit.toUpperCase()] ?? 1);
}

/** `256M`, `2G`, or a number of bytes. */
const size = z.union([
  whole(1, 2 ** 32),
  z
    .string()
    .regex(/^\d{1,10}[KMG]?(?:i?B)?$/i, { abort: true })
    .refine((value) => bytesOf(value) >= 1 && bytesOf(value) <= 2 ** 32, { error: 'not between 1 byte and 4G' }),
]);

const entry = z.strictObject({
  key: z.exactOptional(z.unknown()).describe('by the BTF type of the key: fields by name, addresses as text'),
  value: z.exactOptional(z.unknown()).describe('by the BTF type; a program of a prog_array; a map of a map of maps'),
  key_hex: z.exactOptional(z.string()).describe('the bytes of the key'),
  value_hex: z.exactOptional(z.string()).describe('the bytes of the value'),
});

const entries = z.union([z.array(entry), z.record(z.string(), z.unknown())]);

const map = z.strictObject({
  max_entries: z.exactOptional(whole(1, U32)).describe('instead of what the object says'),
  entries: z.exactOptional(entries).describe('a list of keys and values, or a mapping from keys to values'),
  from: z.exactOptional(text).describe('file that `bpftool map dump -j` wrote, beside this one'),
});

/** A map that is put into a map of maps: a fresh one with contents. */
export const innerMapSchema = z.strictObject({
  max_entries: z.exactOptional(whole(1, U32)),
  entries: z.exactOptional(entries),
});

const ctx = z.strictObject({
  mark: z.exactOptional(u32),
  priority: z.exactOptional(u32),
  cb: z.exactOptional(z.array(u32).max(5)),
  tc_index: z.exactOptional(whole(0, U16)),
  tc_classid: z.exactOptional(u32),
  queue_mapping: z.exactOptional(whole(0, U16)),
  ingress_ifindex: z.exactOptional(whole(0, MAX_IFINDEX)),
  tstamp: z.exactOptional(whole(0, Number.MAX_SAFE_INTEGER)).describe('ns'),
  rx_queue_index: z.exactOptional(whole(0, U16)).describe('XDP'),
});

const device = z.strictObject({
  ifindex: whole(1, MAX_IFINDEX),
  name: deviceName,
  mac: z.exactOptional(mac),
  mtu: z.exactOptional(whole(68, 65_536)),
  addresses: z.exactOptional(z.array(prefix)),
  peer: z.exactOptional(deviceName),
  master: z.exactOptional(deviceName),
  kind: z.exactOptional(z.enum(['ethernet', 'loopback', 'veth', 'netkit', 'vrf'])),
  table: z.exactOptional(whole(1, U32)),
  up: z.exactOptional(z.boolean()),
  forwarding: z.exactOptional(z.boolean()),
});

const endpoint = z.string().refine((value) => parseEndpoint(value) !== undefined, {
  error: 'no address and port such as 10.0.0.1:80 or [::1]:80',
});
const cgroupPath = z.string().regex(/^\/$|^(\/[^/]+)+$/);
const SAFE = Number.MAX_SAFE_INTEGER;

const socket = z.strictObject({
  name: text,
  protocol: z.union([z.enum(['tcp', 'udp', 'unix']), whole(0, 255)]).describe('a number: a raw socket'),
  local: z.exactOptional(endpoint),
  remote: z.exactOptional(endpoint),
  family: z.exactOptional(z.enum(['ipv4', 'ipv6'])),
  state: z.exactOptional(z.enum(SOCKET_STATES)),
  dev: z.exactOptional(deviceName),
  mark: z.exactOptional(u32),
  priority: z.exactOptional(u32),
  uid: z.exactOptional(u32),
  cookie: z.exactOptional(whole(1, SAFE)),
  cgroup: z.exactOptional(cgroupPath),
  netns: z.exactOptional(text),
  v6only: z.exactOptional(z.boolean()),
  reuseport: z.exactOptional(z.boolean()),
  transparent: z.exactOptional(z.boolean()),
  overflowed: z.exactOptional(z.boolean()).describe('it has had more SYNs than it could take'),
  queue: z.exactOptional(whole(0, U16)),
  listener: z.exactOptional(text).describe('name of the socket that a request is made to'),
  tcp: z.exactOptional(z.record(z.string(), whole(0, SAFE))).describe('fields of struct bpf_tcp_sock'),
});

const cgroup = z.strictObject({
  path: cgroupPath,
  id: z.exactOptional(whole(1, SAFE)),
  classid: z.exactOptional(u32),
});

const netns = z.strictObject({
  name: text,
  cookie: whole(1, SAFE),
  id: z.exactOptional(whole(0, MAX_IFINDEX)),
});

const task = z.strictObject({
  pid: z.exactOptional(u32),
  tgid: z.exactOptional(u32),
  uid: z.exactOptional(u32),
  gid: z.exactOptional(u32),
  comm: z.exactOptional(z.string().max(15)),
  cgroup: z.exactOptional(cgroupPath),
});

const route = z.strictObject({
  prefix: z.union([z.literal('default'), prefix]),
  via: z.exactOptional(address),
  dev: z.exactOptional(deviceName),
  table: z.exactOptional(whole(1, U32)),
  type: z.exactOptional(z.enum(['unicast', 'local', 'broadcast', 'blackhole', 'unreachable', 'prohibit', 'throw'])),
  metric: z.exactOptional(u32),
  src: z.exactOptional(address),
});

const routingRule = z.strictObject({
  priority: u32,
  family: z.exactOptional(z.enum(['ipv4', 'ipv6'])),
  table: z.exactOptional(whole(1, U32)),
  type: z.exactOptional(z.enum(['blackhole', 'unreachable', 'prohibit'])),
  from: z.exactOptional(prefix),
  to: z.exactOptional(prefix),
  iif: z.exactOptional(deviceName),
  oif: z.exactOptional(deviceName),
  mark: z.exactOptional(u32),
  mask: z.exactOptional(u32),
});

const neighbour = z.strictObject({
  ip: address,
  mac: z.exactOptional(mac),
  dev: deviceName,
  state: z.exactOptional(
    z.enum(['permanent', 'noarp', 'reachable', 'stale', 'delay', 'probe', 'failed', 'incomplete']),
  ),
});

const service = z.strictObject({
  name: text,
  vip: address,
  port,
  protocol: z.enum(['tcp', 'udp']),
  mode: z.exactOptional(z.enum(['nat', 'ipip'])),
  affinity: z.exactOptional(z.boolean()),
  backends: z.array(
    z.strictObject({
      address,
      port: z.exactOptional(port),
      weight: z.exactOptional(whole(0, U16)),
    }),
  ),
});

const rule = z.strictObject({
  direction: z.enum(['ingress', 'egress']),
  action: z.enum(['allow', 'deny']),
  peer: z.exactOptional(u32),
  protocol: z.exactOptional(z.union([z.enum(['icmp', 'tcp', 'udp', 'icmpv6', 'sctp']), whole(0, 255)])),
  ports: z.exactOptional(z.union([whole(0, U16), z.strictObject({ from: whole(0, U16), to: whole(0, U16) })])),
});

/** What is said of one program. */
const programFields = {
  object: z.exactOptional(text).describe('ELF file made by clang -target bpf, beside this one'),
  program: z.exactOptional(text).describe('its name or section'),
  hook: z.exactOptional(z.enum(['xdp', 'tc'])).describe('where the program must belong'),
  ifindex: z
    .exactOptional(z.union([whole(1, MAX_IFINDEX), deviceName]))
    .describe('device that packets come in on: its number, or its name in `world`'),
  engine: z.exactOptional(z.enum(['interp', 'wasm'])),
  checks: z.exactOptional(
    z.strictObject({
      fuel: z.exactOptional(z.boolean()),
      memory: z.exactOptional(z.boolean()),
      stack_init: z.exactOptional(z.boolean()),
    }),
  ),
  cpus: z.exactOptional(whole(1, 8192)),
  seed: z.exactOptional(u32),
  memory: z.exactOptional(size).describe('linear memory for maps, packets and their shadow, such as 512M'),
  fuel: z.exactOptional(whole(1, Number.MAX_SAFE_INTEGER)).describe('instructions that one packet may cost'),
  maps: z.exactOptional(z.record(z.string(), z.union([map, z.array(entry)]))),
  globals: z.exactOptional(z.record(z.string(), z.unknown())).describe('by name, or a part: `limits.low`'),
  ctx: z.exactOptional(ctx).describe('what each packet begins with'),
  world: z.exactOptional(
    z.strictObject({
      devices: z.exactOptional(z.array(device)),
      routes: z.exactOptional(z.array(route)),
      rules: z.exactOptional(z.array(routingRule)),
      neighbours: z.exactOptional(z.array(neighbour)),
      sockets: z.exactOptional(z.array(socket)),
      cgroups: z.exactOptional(z.array(cgroup)),
      netns: z.exactOptional(z.array(netns)),
      task: z.exactOptional(task),
    }),
  ),
  reasons: z
    .exactOptional(z.strictObject({ map: text, enum: z.exactOptional(text) }))
    .describe('an array that counts packets by reason, and the enum whose values are its keys'),
  services: z.exactOptional(z.array(service)).describe('for bpf/lb.bpf.o'),
  policies: z
    .exactOptional(
      z.strictObject({
        identities: z.array(z.strictObject({ id: whole(1, U32), prefixes: z.array(prefix) })),
        rules: z.array(rule),
      }),
    )
    .describe('for bpf/policy.bpf.o'),
};

/** What stands once for all stages of a chain; a stage may say otherwise for itself. */
export const SHARED_KEYS = ['ifindex', 'engine', 'checks', 'cpus', 'seed', 'memory', 'fuel', 'world'] as const;

const stage = z.strictObject({
  name: z.exactOptional(text).describe('for people; default: that of the program'),
  goes_on: z
    .exactOptional(z.array(text).min(1))
    .describe(
      'verdicts or reasons with which a packet comes in at the next stage; default: all that do not end its way',
    ),
  ...programFields,
});

export const configSchema = z
  .strictObject({
    ...programFields,
    stages: z.exactOptional(z.array(stage).min(1)).describe('programs one behind the other, as a packet meets them'),
  })
  .describe('How skep runs a program, or several that a packet meets one after the other.');

/** What is said of one program, alone or as a stage. */
export type Config = z.infer<typeof stage>;
export type MapEntryConfig = z.infer<typeof entry>;

/** Names of the keys that may stand at a path, for hints. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  return [
    ...new Set(
      path
        .reduce<z.core.$ZodType[]>((found, step) => found.flatMap((each) => into(each, step)), [configSchema])
        .flatMap(keysOf),
    ),
  ];
}

/** An optional's or union's alternatives, all the way down. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodExactOptional) return unwrap(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((each) => unwrap(each));
  return [schema];
}

function into(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  return unwrap(schema).flatMap((each) => {
    if (each instanceof z.ZodArray) return [each.element];
    if (each instanceof z.ZodRecord) return [each.valueType];
    if (!(each instanceof z.ZodObject)) return [];
    const field = (each.shape as Readonly<Record<string, z.core.$ZodType>>)[String(step)];
    return field === undefined ? [] : [field];
  });
}

function keysOf(schema: z.core.$ZodType): string[] {
  return unwrap(schema).flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : []));
}
