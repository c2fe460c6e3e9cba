/**
 * Small machines for tests: bare assembly text with maps by number, run by the reference engine (or another) with all checks on.
 * Knows nothing of what is tested.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { fromHex } from '../../vm/bytes.js';
import { ALL_CHECKS, DEFAULT_FUEL, type Checks, type Engine, type Outcome } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { layoutOf, type LayoutOptions } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { cells } from '../../vm/memory/cells.js';
import { READ } from '../../vm/memory/shadow.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { FuncId, MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';

/** Fields of struct xdp_md that every XDP program may read: all but `egress_ifindex`. */
const XDP_MD_READABLE_BYTES = 20;

/** A map definition with everything but the sizes filled in. */
export function mapSpec(spec: Partial<MapSpec> & Pick<MapSpec, 'type'>): MapSpec {
  return {
    name: spec.type,
    keyBytes: 4,
    valueBytes: 8,
    maxEntries: 4,
    flags: 0,
    values: [],
    readOnly: false,
    pinning: 0,
    ...spec,
  };
}

/**
 * An object from bare assembly. `rN = &mapK` loads map K of `maps`, `rN = &valueK` the address of its first value;
 * `rN = LABEL ll` the address of a function.
 */
export function objectOf(text: string, maps: readonly MapSpec[] = []): ObjectSpec {
  const bare = text
    .replace(/(r\d) = &map(\d+)/g, 'ld_pseudo $1, 0x1, $2')
    .replace(/(r\d) = &value(\d+)/g, 'ld_pseudo $1, 0x2, $2');
  return objectFromInsns(assemble(bare).bytes, { maps });
}

/** A machine in little memory and short packet slots. */
export function machineOf(object: ObjectSpec, options: LayoutOptions = {}): Machine {
  const machine = new Machine(object, layoutOf(object, { memoryBytes: 16 << 20, packetBytes: 8192, ...options }));
  machine.memory.setWord(cells.fuel, DEFAULT_FUEL);
  machine.shadow.mark(machine.layout.ctx, XDP_MD_READABLE_BYTES, READ);
  return machine;
}

/** An object without code that is run, for tests of maps alone. */
export function machineWith(maps: readonly MapSpec[], options: LayoutOptions = {}): Machine {
  return machineOf(objectOf('r0 = 0\nexit', maps), options);
}

export interface RunOptions {
  readonly packet?: Uint8Array;
  readonly func?: FuncId;
  readonly ifindex?: number;
  readonly queue?: number;
  readonly checks?: Checks;
  readonly engine?: Engine;
}

/** What a run came to, with the metadata and the packet as it is afterwards. */
export interface RunResult {
  readonly outcome: Outcome;
  /** r0, or undefined after a trap. */
  readonly r0: bigint | undefined;
  readonly metaBytes: number;
  /** Metadata and packet. */
  readonly data: Uint8Array;
}

/** Receives a packet (64 zero bytes by default) and runs a function on it. */
export function runOn(machine: Machine, options: RunOptions = {}): RunResult {
  const { packet, memory, layout, object } = machine;
  packet.receive(options.packet ?? new Uint8Array(64), options.ifindex ?? 1, options.queue ?? 0);
  const runner = (options.engine ?? interp).compile(object, layout, options.checks ?? ALL_CHECKS).bind(machine);
  runner.run(options.func ?? 0, layout.ctx);
  machine.maps.drain();
  const outcome = runner.outcome();
  return {
    outcome,
    r0: outcome.kind === 'exit' ? outcome.r0 : undefined,
    metaBytes: packet.data - packet.meta,
    data: memory.read(packet.meta, packet.end - packet.meta),
  };
}

/** Assembles, makes a machine, runs once. */
export function runText(
  text: string,
  maps: readonly MapSpec[] = [],
  options: RunOptions & LayoutOptions = {},
): RunResult & { readonly machine: Machine } {
  const machine = machineOf(objectOf(text, maps), options);
  return { ...runOn(machine, options), machine };
}

/** r0 as the signed 64-bit value that C would see; throws where the run trapped, with the trap's message. */
export function signedR0(result: RunResult): bigint {
  if (result.outcome.kind === 'trap') throw new Error(`trap: ${result.outcome.trap.message}`);
  return BigInt.asIntN(64, result.outcome.r0);
}

export function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return bytes;
}

/** Little-endian bytes of a number. */
export function le(value: number | bigint, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0, rest = BigInt(value); i < bytes; i++, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

/** Distinct bytes, so that a wrong offset shows. */
export function patternBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + 1) & 0xff);
}
