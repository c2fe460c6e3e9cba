/** BTF types as C text: short names for tables, full definitions for reading. Bounded for types that never end. */
import type { Btf, BtfComposite, BtfEnum, BtfId, BtfType } from './btf.js';
import { nameOf } from './btf.js';

const MAX_DEPTH = 16;
/** A definition that is longer than this is cut. */
const MAX_CHARS = 0x1_0000;

/** How composites without a name are shown: `{...}` or with their members. */
type Bodies = 'short' | 'full';

interface Writer {
  readonly btf: Btf;
  readonly bodies: Bodies;
  budget: number;
}

/** The type in C words, such as `struct flow`, `__u64[4]`, `const char *`. Throws `BtfError` for ids that do not exist. */
export function typeText(btf: Btf, id: BtfId): string {
  return declare({ btf, bodies: 'short', budget: MAX_CHARS }, id, '', 0);
}

/**
 * The definitions of types and, before them, of all named structs, unions, enums and typedefs that they hold by value,
 * in the order that C wants. Ends with a newline; empty if no type needs a definition, as `int` does not.
 */
export function typeDefinitions(btf: Btf, ids: Iterable<BtfId>): string {
  const writer: Writer = { btf, bodies: 'full', budget: MAX_CHARS };
  const order: BtfId[] = [];
  const seen = new Set<BtfId>();
  for (const id of ids) collect(writer, id, order, seen, 0);
  return order.map((each) => define(writer, each)).join('');
}

/** Named types in the order in which C needs them. */
function collect(writer: Writer, id: BtfId, order: BtfId[], seen: Set<BtfId>, depth: number): void {
  if (depth > MAX_DEPTH || seen.has(id) || --writer.budget < 0) return;
  seen.add(id);
  const type = writer.btf.type(id);
  switch (type.kind) {
    case 'struct':
    case 'union':
      for (const member of type.members) collect(writer, member.type, order, seen, depth + 1);
      if (type.name !== '') order.push(id);
      break;
    case 'enum':
    case 'enum64':
      if (type.name !== '') order.push(id);
      break;
    case 'typedef':
      collect(writer, type.type, order, seen, depth + 1);
      order.push(id);
      break;
    case 'array':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
    case 'var':
      collect(writer, type.type, order, seen, depth + 1);
      break;
    default:
      break;
  }
}

function define(writer: Writer, id: BtfId): string {
  const type = writer.btf.type(id);
  switch (type.kind) {
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name} ${compositeBody(writer, type, 0)};\n`;
    case 'enum':
    case 'enum64':
      return `enum ${type.name} ${enumBody(type)};\n`;
    case 'typedef':
      return `typedef ${declare(writer, type.type, type.name, 0)};\n`;
    default:
      return '';
  }
}

function indent(depth: number): string {
  return '\t'.repeat(depth);
}

function compositeBody(writer: Writer, type: BtfComposite, depth: number): string {
  const lines: string[] = [];
  for (const member of type.members) {
    if (writer.budget < 0) {
      lines.push(`${indent(depth + 1)}/* ... */`);
      break;
    }
    const bits = member.bits > 0 ? `: ${member.bits}` : '';
    const line = `${indent(depth + 1)}${declare(writer, member.type, member.name, depth + 1)}${bits};`;
    writer.budget -= line.length;
    lines.push(line);
  }
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent(depth)}}`;
}

function enumBody(type: BtfEnum): string {
  return `{\n${type.values.map((each) => `\t${each.name} = ${each.value},\n`).join('')}}`;
}

/** A declaration of `inner`, which is a name with what C puts around it, or nothing. */
function declare(writer: Writer, id: BtfId, inner: string, depth: number): string {
  let at = id;
  let declarator = inner;
  let qualifiers = '';
  for (let step = 0; step < 4 * MAX_DEPTH; step++) {
    const type = writer.btf.type(at);
    switch (type.kind) {
      case 'const':
      case 'volatile':
      case 'restrict':
        qualifiers += `${type.kind} `;
        at = type.type;
        break;
      case 'type_tag':
        at = type.type;
        break;
      case 'ptr':
        declarator = `*${qualifiers}${declarator}`.trimEnd();
        qualifiers = '';
        at = type.type;
        break;
      case 'array':
        declarator = `${parenthesised(declarator)}[${type.count}]`;
        at = type.type;
        break;
      case 'func_proto': {
        const params = depth > MAX_DEPTH ? '...' : paramsText(writer, type, depth);
        declarator = `${parenthesised(declarator)}(${params})`;
        at = type.ret;
        break;
      }
      default: {
        const base = qualifiers + baseText(writer, type, depth);
        if (declarator === '' || declarator.startsWith('[')) return base + declarator;
        return `${base} ${declarator}`;
      }
    }
  }
  return `... ${declarator}`;
}

function parenthesised(declarator: string): string {
  return declarator.startsWith('*') ? `(${declarator})` : declarator;
}

function paramsText(writer: Writer, type: BtfType & { readonly kind: 'func_proto' }, depth: number): string {
  if (type.params.length === 0) return 'void';
  const texts: string[] = [];
  for (const param of type.params) {
    if (writer.budget < 0) break;
    const isRest = param.type === 0 && param.name === '';
    const text = isRest ? '...' : declare(writer, param.type, param.name, depth + 1);
    writer.budget -= text.length;
    texts.push(text);
  }
  return texts.join(', ');
}

function baseText(writer: Writer, type: BtfType, depth: number): string {
  const name = nameOf(type);
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'struct':
    case 'union':
      if (name !== '') return `${type.kind} ${name}`;
      if (writer.bodies === 'short' || depth > MAX_DEPTH) return `${type.kind} {...}`;
      return `${type.kind} ${compositeBody(writer, type, depth)}`;
    case 'enum':
    case 'enum64':
      return name === '' ? 'enum {...}' : `enum ${name}`;
    case 'fwd':
      return `${type.of} ${name}`;
    default:
      return name;
  }
}
