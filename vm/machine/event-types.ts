/**
 * Samples of ring buffers and perf buffers by BTF type. A sample does not say what it is: the caller does, or the object
 * does, in the map's definition or by a global pointer that keeps the type in the BTF. Knows nothing of how samples are sent.
 */
import type { Btf, BtfId } from '../btf/btf.js';
import { typeText } from '../btf/c-text.js';
import { decodeValue } from '../btf/value.js';
import type { Value } from '../btf/value.js';
import { ConfigError } from '../errors.js';
import type { ObjectSpec } from '../object/object-spec.js';
import { suggestion } from '../suggest.js';
import type { MapEvent } from '../world/effects.js';

const KEEP_HINT = 'keep the type in the BTF: `const struct event *unused_event __attribute__((unused));`';

/**
 * Decodes a sample. Bytes behind the type's are not looked at: perf events carry a part of the packet there.
 * @param typeName such as `event` or `struct event`; may be left out where the object says it (see `eventType`)
 * @throws ConfigError `config-value` where the type is unknown or the sample is shorter
 */
export function decodeEvent(object: ObjectSpec, event: MapEvent, typeName?: string): Value {
  const btf = btfOf(object);
  const type = typeName === undefined ? eventType(object, event.map) : typeNamed(object, typeName);
  if (type === undefined) {
    const candidates = pointees(object).map((id) => typeText(btf, id));
    throw new ConfigError('config-value', `nothing in ${object.name} says what the events of \`${event.map}\` are`, {
      data: { map: event.map, candidates },
      hint: candidates.length === 0 ? `name their type; ${KEEP_HINT}` : `name their type: ${candidates.join(' or ')}`,
    });
  }
  return decodeValue(btf, type, event.data.subarray(0, btf.sizeOf(type)), `event of ${event.map}`);
}

/**
 * What the object says of a map's samples: the struct that the map's definition gives as value type, else the one struct
 * that global variables point to. Undefined where there is no such struct, or several.
 */
export function eventType(object: ObjectSpec, map: string): BtfId | undefined {
  const { btf } = object;
  if (btf === undefined) return undefined;
  const { valueType } = object.maps.find(({ name }) => name === map) ?? {};
  if (valueType !== undefined && isComposite(btf, valueType)) return valueType;
  const [only, ...others] = pointees(object);
  return others.length === 0 ? only : undefined;
}

/** Structs and unions that global variables point to. */
function pointees(object: ObjectSpec): BtfId[] {
  const btf = btfOf(object);
  const ids = object.maps.flatMap(({ variables = [] }) =>
    variables.flatMap((variable) => {
      const type = btf.resolved(variable.type);
      return type.kind === 'ptr' && isComposite(btf, type.type) ? [btf.resolve(type.type)] : [];
    }),
  );
  return [...new Set(ids)];
}

function isComposite(btf: Btf, id: BtfId): boolean {
  const { kind } = btf.resolved(id);
  return kind === 'struct' || kind === 'union';
}

function typeNamed(object: ObjectSpec, text: string): BtfId {
  const btf = btfOf(object);
  const [, keyword, name = ''] = /^(?:(struct|union|enum) )?(.*)$/.exec(text) ?? [];
  const kinds =
    keyword === undefined ? ['struct', 'union', 'typedef', 'enum', 'enum64', 'int'] : [keyword, `${keyword}64`];
  const ids = btf.idsNamed(name);
  for (const kind of kinds) {
    const found = ids.find((id) => btf.kind(id) === kind && btf.sizeOf(id) !== undefined);
    if (found !== undefined) return found;
  }
  const known = [...btf.names()].flatMap(([each, [id = 0]]) => (isNamedType(btf, id) ? [each] : []));
  throw new ConfigError('config-value', `the BTF of ${object.name} has no type \`${text}\``, {
    data: { type: text },
    hint: suggestion(name, known) ?? KEEP_HINT,
  });
}

function isNamedType(btf: Btf, id: BtfId): boolean {
  const kind = btf.kind(id);
  return kind === 'struct' || kind === 'union' || kind === 'typedef';
}

function btfOf(object: ObjectSpec): Btf {
  if (object.btf !== undefined) return object.btf;
  throw new ConfigError('config-unsupported', `${object.name} has no BTF, its events can be read as bytes only`, {
    hint: 'compile with -g',
  });
}
