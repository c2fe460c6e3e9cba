/** Values, addresses and memory accesses of a machine in words. Knows no instruction. */
import type { Ptr } from '../addr.js';
import { toHex } from '../bytes.js';
import { describeAddress } from '../machine/describe.js';
import { mapAt } from '../machine/layout.js';
import type { Machine } from '../machine/machine.js';
import { ctxFieldAt } from '../spec/ctx.js';
import type { CtxField, CtxName } from '../spec/ctx.js';
import type { MapSpec } from '../object/object-spec.js';
import { FrameFields } from './trace-fields.js';
import { memberPath } from './trace-members.js';
import type { MemoryAccess } from './trace-step.js';

/** Headers end long before. */
const HEADER_BYTES = 512;
/** Map values and records that a run was given pointers to; the last ones. */
const MAX_KNOWN = 512;
/** Bytes of a key, value or buffer that are shown. */
const SHOWN_BYTES = 32;
/** Bytes of an access that a step holds. */
const KEPT_BYTES = 256;

interface Known {
  readonly base: Ptr;
  readonly bytes: number;
  readonly label: string;
  /** BTF type of what lies there. */
  readonly type: number | undefined;
}

export class TraceWords {
  readonly #machine: Machine;
  readonly #ctx: CtxName | undefined;
  readonly #known = new Map<Ptr, Known>();
  #fields: { readonly data: Ptr; readonly length: number; readonly of: FrameFields } | undefined;

  constructor(machine: Machine, ctx: CtxName | undefined) {
    this.#machine = machine;
    this.#ctx = ctx;
  }

  /** Forgets the packet before. */
  begin(): void {
    this.#known.clear();
    this.#fields = undefined;
  }

  /** A helper gave a pointer to `bytes` of a map's value, of a record, of a key. */
  remember(base: Ptr, bytes: number, label: string, type?: number): void {
    this.#known.delete(base);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(base, { base, bytes, label, type });
  }

  /** The map whose pointer a register holds. */
  map(descriptor: Ptr): MapSpec | undefined {
    const { layout, maps } = this.#machine;
    const id = mapAt(layout, descriptor) < 0 ? undefined : maps.idAt(descriptor);
    return id === undefined ? undefined : maps.handle(id).spec;
  }

  /** An address: `packet+14`, `stack-8`, "map `conns` value+4", `NULL`. */
  place(ptr: Ptr): string {
    const known = this.#knownAt(ptr);
    if (known !== undefined) return `${known.label}+${String(ptr - known.base)}`;
    const map = this.map(ptr);
    return map === undefined ? describeAddress(this.#machine, ptr).text : `map \`${map.name}\``;
  }

  /** A register or an 8-byte word. */
  value(value: bigint, isPointer: boolean): string {
    if (isPointer && value < 1n << 32n) return this.place(Number(value)).replace(/^(ctx|stack)\+0\b/, '$1');
    return numberText(value);
  }

  /** Bytes for a reader: the first ones, with spaces between. */
  bytes(at: Ptr, count: number): string {
    const { memory } = this.#machine;
    if (at < 0 || count < 0 || at + count > memory.u8.length) return '(not readable)';
    const shown = toHex(memory.read(at, Math.min(count, SHOWN_BYTES)), ' ');
    return count > SHOWN_BYTES ? `${shown} ... (${String(count)} bytes)` : shown;
  }

  /**
   * @param isPointer of 8 bytes that hold one
   * @returns undefined where the address lies outside the memory
   */
  access(kind: MemoryAccess['kind'], at: Ptr, bytes: number, isPointer: boolean): MemoryAccess | undefined {
    const { memory } = this.#machine;
    if (at + bytes > memory.u8.length) return undefined;
    const data = memory.read(at, Math.min(bytes, KEPT_BYTES));
    const named = this.#field(at, data);
    if (kind !== 'read' && this.#isPacket(at)) this.#fields = undefined;
    const text = named?.text ?? (bytes > 8 ? this.bytes(at, bytes) : this.value(littleEndian(data), isPointer));
    return {
      kind,
      place: this.place(at),
      ...(named === undefined || named.name === '' ? {} : { field: named.name }),
      bytes,
      data: toHex(data),
      text,
    };
  }

  /** The ctx field at an address. */
  ctxField(at: Ptr): CtxField | undefined {
    const off = at - this.#machine.layout.ctx;
    return this.#ctx === undefined || off < 0 ? undefined : ctxFieldAt(this.#ctx, off);
  }

  #field(at: Ptr, data: Uint8Array): { readonly name: string; readonly text: string | undefined } | undefined {
    if (this.#isPacket(at)) return this.#frame().at(at - this.#machine.packet.data, data);
    const field = this.ctxField(at);
    if (field !== undefined) {
      const by = at - this.#machine.layout.ctx - field.off;
      const index = field.count === undefined ? '' : `[${String(Math.floor(by / field.bytes))}]`;
      return { name: `${field.name}${index}`, text: undefined };
    }
    return this.#typed(at, data.length);
  }

  /** A variable, or a member of a map's value. */
  #typed(at: Ptr, bytes: number): { readonly name: string; readonly text: undefined } | undefined {
    const { object, layout } = this.#machine;
    const { btf } = object;
    if (btf === undefined) return undefined;
    const known = this.#knownAt(at);
    if (known !== undefined) {
      const path = known.type === undefined ? undefined : memberPath(btf, known.type, at - known.base, bytes);
      return path === undefined ? undefined : { name: path, text: undefined };
    }
    const id = layout.maps.findIndex((map) => at >= map.base && at < map.base + map.bytes);
    const off = at - (layout.maps[id]?.base ?? 0);
    const variable = object.maps[id]?.variables?.find((each) => off >= each.off && off < each.off + each.sizeBytes);
    if (variable === undefined) return undefined;
    const path = memberPath(btf, variable.type, off - variable.off, bytes) ?? '';
    return { name: `${variable.name}${path === '' || /^[[+]/.test(path) ? '' : '.'}${path}`, text: undefined };
  }

  #knownAt(ptr: Ptr): Known | undefined {
    const exact = this.#known.get(ptr);
    if (exact !== undefined) return exact;
    for (const known of this.#known.values()) if (ptr > known.base && ptr < known.base + known.bytes) return known;
    return undefined;
  }

  #isPacket(at: Ptr): boolean {
    const { data, end } = this.#machine.packet;
    return at >= data && at < end;
  }

  #frame(): FrameFields {
    const { memory, packet } = this.#machine;
    const { data, lengthBytes: length } = packet;
    if (this.#fields?.data !== data || this.#fields.length !== length) {
      const of = new FrameFields(memory.read(data, Math.min(length, HEADER_BYTES)));
      this.#fields = { data, length, of };
    }
    return this.#fields.of;
  }
}

/** `5`, `80 (0x50)`, `-1 (0xffffffffffffffff)`. */
export function numberText(value: bigint): string {
  if (value < 10n) return String(value);
  const signed = value >= 1n << 63n ? BigInt.asIntN(64, value) : value;
  return `${String(signed)} (0x${value.toString(16)})`;
}

function littleEndian(data: Uint8Array): bigint {
  return data.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
