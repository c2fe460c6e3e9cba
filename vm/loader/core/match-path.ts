/** Looks for a local path's members, by name, in a target type. Follows libbpf's rules of what fields are compatible. */
import type { Btf, BtfComposite, BtfId, BtfMember } from '../../btf/btf.js';
import { nameOf } from '../../btf/btf.js';
import type { Path, Place, Step } from './access.js';
import type { Budget } from './budget.js';
import { MAX_TYPE_DEPTH } from './budget.js';
import { essentialName } from './essential-name.js';

/** The same path in the target, or undefined if it does not exist there. */
export function matchPath(local: Btf, path: Path, target: Btf, targetRoot: BtfId, budget: Budget): Place | undefined {
  const [first, ...rest] = path.steps;
  const rootIndex = first?.kind === 'element' ? first.index : 0;
  let place: Place = { type: targetRoot, bitOff: rootIndex * (target.sizeOf(targetRoot) ?? 0) * 8, member: undefined };
  let flexible = false;
  for (const step of rest) {
    budget.spend();
    if (step.kind === 'element') {
      const array = target.resolved(place.type);
      if (array.kind !== 'array' || (step.index >= array.count && !(flexible && array.count === 0))) return undefined;
      place = {
        type: array.type,
        bitOff: place.bitOff + step.index * (target.sizeOf(array.type) ?? 0) * 8,
        member: undefined,
      };
      flexible = false;
      continue;
    }
    // Anonymous structs and unions need not be there: their members are looked for by name.
    if (step.name === '') continue;
    const type = target.resolved(place.type);
    if (type.kind !== 'struct' && type.kind !== 'union') return undefined;
    const found = findMember(target, type, step, 0, budget);
    if (found === undefined || !areFieldsCompatible(local, step.type, target, found.member.type, budget))
      return undefined;
    place = { type: found.member.type, bitOff: place.bitOff + found.bitOff, member: found.member };
    flexible = found.isLast;
  }
  return place;
}

interface FoundMember {
  readonly member: BtfMember;
  readonly bitOff: number;
  readonly isLast: boolean;
}

function findMember(
  btf: Btf,
  type: BtfComposite,
  step: Step & { readonly kind: 'member' },
  depth: number,
  budget: Budget,
): FoundMember | undefined {
  if (depth > MAX_TYPE_DEPTH) return undefined;
  for (const [index, member] of type.members.entries()) {
    budget.spend();
    if (member.name === step.name) {
      return { member, bitOff: member.bitOff, isLast: index === type.members.length - 1 };
    }
    if (member.name !== '') continue;
    const inner = btf.resolved(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findMember(btf, inner, step, depth + 1, budget);
    if (found !== undefined) return { ...found, bitOff: found.bitOff + member.bitOff };
  }
  return undefined;
}

function areFieldsCompatible(local: Btf, localId: BtfId, target: Btf, targetId: BtfId, budget: Budget): boolean {
  let a = localId;
  let b = targetId;
  for (let depth = 0; depth <= MAX_TYPE_DEPTH; depth++) {
    budget.spend();
    const localType = local.resolved(a);
    const targetType = target.resolved(b);
    const isComposite = (kind: string): boolean => kind === 'struct' || kind === 'union';
    if (isComposite(localType.kind) && isComposite(targetType.kind)) return true;
    if (isEnum(localType.kind) && isEnum(targetType.kind)) return namesAgree(nameOf(localType), nameOf(targetType));
    if (localType.kind !== targetType.kind) return false;
    switch (localType.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
        return namesAgree(localType.name, nameOf(targetType));
      case 'int':
        return localType.bitOff === 0 && targetType.kind === 'int' && targetType.bitOff === 0;
      case 'array':
        a = localType.type;
        b = targetType.kind === 'array' ? targetType.type : b;
        break;
      default:
        return false;
    }
  }
  return false;
}

export function isEnum(kind: string): boolean {
  return kind === 'enum' || kind === 'enum64';
}

/** Anonymous types agree with every name. */
function namesAgree(a: string, b: string): boolean {
  return a === '' || b === '' || essentialName(a) === essentialName(b);
}
