/**
 * What lies in a map's values that only helpers may touch, by map. Knows no programs.
 */
import { specialFields } from '../btf/special-fields.js';
import type { FieldKind, SpecialField } from '../btf/special-fields.js';
import type { VerifierMap } from './program.js';

export type { FieldKind, SpecialField };

export class MapRecord {
  readonly fields: readonly SpecialField[];

  constructor(fields: readonly SpecialField[]) {
    this.fields = fields;
  }

  has(kind: FieldKind): boolean {
    return this.fields.some((field) => field.kind === kind);
  }

  /** Offset of the first field of a kind; undefined where there is none. */
  offsetOf(kind: FieldKind): number | undefined {
    return this.fields.find((field) => field.kind === kind)?.off;
  }
}

const NONE = new MapRecord([]);
const known = new WeakMap<VerifierMap, MapRecord>();

export function mapRecord(map: VerifierMap): MapRecord {
  let record = known.get(map);
  if (record === undefined) {
    const fields = map.btf === undefined || map.valueType === undefined ? [] : specialFields(map.btf, map.valueType);
    record = fields.length === 0 ? NONE : new MapRecord(fields);
    known.set(map, record);
  }
  return record;
}
