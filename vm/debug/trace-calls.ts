/** Calls of helpers in words: arguments, results, and what they point to. */
import type { Ptr } from '../addr.js';
import { describeAddress } from '../machine/describe.js';
import { eventType } from '../machine/event-types.js';
import { functionAt } from '../machine/layout.js';
import type { Machine } from '../machine/machine.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import type { HelperRow } from '../spec/helper-row.js';
import type { TraceWords } from './trace-words.js';
import { numberText } from './trace-words.js';

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(errno).map(([name, number]) => [number, name]));

/** Registers as the call finds or leaves them. */
export interface CallRegisters {
  value(index: number): bigint;
  isPointer(index: number): boolean;
}

export class CallWords {
  readonly #machine: Machine;
  readonly #words: TraceWords;

  constructor(machine: Machine, words: TraceWords) {
    this.#machine = machine;
    this.#words = words;
  }

  /** To be asked before the call. */
  args(row: HelperRow, registers: CallRegisters): readonly string[] {
    const map = this.mapOf(row, registers);
    return row.args.map((kind, index) => {
      const register = index + 1;
      const value = registers.value(register);
      const low = Number(value & 0xffff_ffffn);
      const plain = this.#words.value(value, registers.isPointer(register));
      switch (kind) {
        case 'ctx':
          return 'ctx';
        case 'map':
          return map?.name ?? plain;
        case 'key':
          return `key ${plain} = ${this.#words.bytes(low, map?.keyBytes ?? 0)}`;
        case 'value':
          return `value ${plain} = ${this.#words.bytes(low, map?.valueBytes ?? 0)}`;
        case 'func':
          return this.#machine.object.functions[functionAt(this.#machine.layout, low)]?.name ?? plain;
        case 'mem:r':
        case 'mem:rw':
        case 'mem?:r':
          return low === 0 ? 'NULL' : `${plain} = ${this.#words.bytes(low, this.#size(row, index, registers))}`;
        case 'const-str':
          return this.#string(low);
        case 'u32':
          return String(low | 0);
        default:
          return plain;
      }
    });
  }

  /** To be asked after the call, of r0; notes what it points to. */
  result(row: HelperRow, r0: bigint, map: MapSpec | undefined, before: CallRegisters): string {
    const low = Number(r0 & 0xffff_ffffn);
    switch (row.ret) {
      case 'void':
        return 'void';
      case 'int': {
        const signed = BigInt.asIntN(64, r0);
        const name = signed < 0n ? ERRNO_NAMES.get(Number(-signed)) : undefined;
        return `${String(signed)}${name === undefined ? '' : ` (${name})`}`;
      }
      case 'map-value?':
        if (low === 0) return 'NULL';
        if (map !== undefined) this.#words.remember(low, map.valueBytes, this.valueLabel(low, map), map.valueType);
        return this.#words.place(low);
      case 'mem?':
        if (low === 0) return 'NULL';
        if (map !== undefined) this.#rememberRecord(low, Number(before.value(2)), map);
        return this.#words.place(low);
      default:
        return numberText(r0);
    }
  }

  /** What the helper wrote: address and length of its writable buffers. */
  written(row: HelperRow, registers: CallRegisters, map: MapSpec | undefined): readonly (readonly [Ptr, number])[] {
    return row.args.flatMap((kind, index) => {
      const at = Number(registers.value(index + 1) & 0xffff_ffffn);
      const fixed = /^mem:r?w(\d+)$/.exec(kind)?.[1];
      let bytes = 0;
      if (kind === 'out-value') bytes = map?.valueBytes ?? 0;
      else if (kind === 'mem:w' || kind === 'mem:rw' || kind === 'mem?:w') bytes = this.#size(row, index, registers);
      else if (fixed !== undefined) bytes = Number(fixed);
      return at === 0 || bytes === 0 ? [] : [[at, bytes] as const];
    });
  }

  mapOf(row: HelperRow, registers: CallRegisters): MapSpec | undefined {
    const index = row.args.indexOf('map');
    return index < 0 ? undefined : this.#words.map(Number(registers.value(index + 1) & 0x7fff_ffffn));
  }

  /** What a map's value is called; of arrays with the entry. */
  valueLabel(value: Ptr, map: MapSpec): string {
    const { text } = describeAddress(this.#machine, value);
    return text.endsWith('] value+0') ? text.slice(0, -2) : `map \`${map.name}\` value`;
  }

  #rememberRecord(record: Ptr, bytes: number, { name }: MapSpec): void {
    const { object } = this.#machine;
    const type = object.btf === undefined ? undefined : eventType(object, name);
    const fits = type !== undefined && object.btf?.sizeOf(type) === bytes;
    this.#words.remember(record, bytes, `record of \`${name}\``, fits ? type : undefined);
  }

  /** The length that follows a pointer. */
  #size(row: HelperRow, index: number, registers: CallRegisters): number {
    const next = row.args[index + 1];
    return next === 'size' || next === 'size0' ? Number(registers.value(index + 2) & 0x7fff_ffffn) : 0;
  }

  #string(at: Ptr): string {
    const { u8 } = this.#machine.memory;
    let text = '';
    for (let i = at; i < at + 128 && (u8[i] ?? 0) !== 0; i++) text += String.fromCharCode(u8[i] ?? 0);
    return JSON.stringify(text);
  }
}
