/** Comparison of whole types for CO-RE: loosely ("compatible") and member by member ("matches"), as libbpf does. */
import type { Btf, BtfComposite, BtfEnum, BtfId, BtfType } from '../../btf/btf.js';
import { nameOf } from '../../btf/btf.js';
import type { Budget } from './budget.js';
import { MAX_TYPE_DEPTH } from './budget.js';
import { essentialName } from './essential-name.js';
import { isEnum } from './match-path.js';

export interface TypePair {
  readonly local: Btf;
  readonly target: Btf;
  readonly budget: Budget;
}

function isComposite(type: BtfType): type is BtfComposite {
  return type.kind === 'struct' || type.kind === 'union';
}

/** Whether both are the same kind of thing: structs by kind alone, pointers and arrays by what they lead to. */
export function areCompatible(pair: TypePair, localId: BtfId, targetId: BtfId, depth = 0): boolean {
  pair.budget.spend();
  if (depth > MAX_TYPE_DEPTH) return false;
  const a = pair.local.resolved(localId);
  const b = pair.target.resolved(targetId);
  if (isEnum(a.kind) && isEnum(b.kind)) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'int' && b.kind === 'int') return a.bitOff === 0 && b.bitOff === 0;
  if (a.kind === 'ptr' && b.kind === 'ptr') return areCompatible(pair, a.type, b.type, depth + 1);
  if (a.kind === 'array' && b.kind === 'array') return areCompatible(pair, a.type, b.type, depth + 1);
  if (a.kind === 'func_proto' && b.kind === 'func_proto') {
    return (
      a.params.length === b.params.length &&
      a.params.every((param, index) => areCompatible(pair, param.type, b.params[index]?.type ?? 0, depth + 1)) &&
      areCompatible(pair, a.ret, b.ret, depth + 1)
    );
  }
  return true;
}

/** Whether the target has everything that the local type declares, by name and type. */
export function matchTypes(pair: TypePair, localId: BtfId, targetId: BtfId, behindPointer = false, depth = 0): boolean {
  pair.budget.spend();
  if (depth > MAX_TYPE_DEPTH) return false;
  const a = pair.local.resolved(localId);
  const b = pair.target.resolved(targetId);
  if (essentialName(nameOf(a)) !== essentialName(nameOf(b))) return false;
  // Behind a pointer a forward declaration is as good as the struct.
  if (behindPointer && a.kind === 'fwd' && isComposite(b)) return a.of === b.kind;
  if (behindPointer && b.kind === 'fwd' && isComposite(a)) return b.of === a.kind;
  if (isEnum(a.kind) && isEnum(b.kind)) return enumsMatch(a as BtfEnum, b as BtfEnum);
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'fwd':
      return b.kind === 'fwd' && a.of === b.of;
    case 'int':
      return b.kind === 'int' && a.sizeBytes === b.sizeBytes && a.signed === b.signed && a.bool === b.bool;
    case 'float':
      return b.kind === 'float' && a.sizeBytes === b.sizeBytes;
    case 'ptr':
      return b.kind === 'ptr' && matchTypes(pair, a.type, b.type, true, depth + 1);
    case 'array':
      return b.kind === 'array' && a.count === b.count && matchTypes(pair, a.type, b.type, false, depth + 1);
    case 'struct':
    case 'union':
      // Of what a pointer leads to, the name is enough.
      return isComposite(b) && (behindPointer || compositesMatch(pair, a, b, depth));
    case 'func_proto':
      return (
        b.kind === 'func_proto' &&
        a.params.length === b.params.length &&
        a.params.every((param, index) => matchTypes(pair, param.type, b.params[index]?.type ?? 0, false, depth + 1)) &&
        matchTypes(pair, a.ret, b.ret, false, depth + 1)
      );
    default:
      return true;
  }
}

function enumsMatch(a: BtfEnum, b: BtfEnum): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false;
  const names = new Set(b.values.map((each) => essentialName(each.name)));
  return a.values.every((each) => names.has(essentialName(each.name)));
}

function compositesMatch(pair: TypePair, a: BtfComposite, b: BtfComposite, depth: number): boolean {
  const byName = new Map<string, BtfId[]>();
  for (const member of b.members) {
    pair.budget.spend();
    const ids = byName.get(member.name);
    if (ids === undefined) byName.set(member.name, [member.type]);
    else ids.push(member.type);
  }
  return a.members.every((member) =>
    (byName.get(member.name) ?? []).some((id) => matchTypes(pair, member.type, id, false, depth + 1)),
  );
}
