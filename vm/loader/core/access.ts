/** The path that an access string such as `0:1:2` takes through the types it was compiled against. */
import type { Btf, BtfComposite, BtfId, BtfMember } from '../../btf/btf.js';
import { BtfError } from '../../errors.js';

/** As libbpf: longer paths are refused. */
const MAX_LENGTH = 64;

/** One step: into a named or anonymous member, or to an element of an array. */
export type Step =
  | { readonly kind: 'element'; readonly index: number }
  | { readonly kind: 'member'; readonly name: string; readonly type: BtfId };

/** Where a path ends. */
export interface Place {
  /** The type that is reached, modifiers kept. */
  readonly type: BtfId;
  readonly bitOff: number;
  /** The last step's member, if the last step went into one. */
  readonly member: BtfMember | undefined;
}

export interface Path {
  readonly root: BtfId;
  /** The first step indexes the root as if it were an array. */
  readonly steps: readonly Step[];
  readonly place: Place;
}

function bad(access: string, message: string): BtfError {
  return new BtfError('btf-core', `CO-RE access "${access}": ${message}`, {
    where: { section: '.BTF.ext' },
    data: { access },
  });
}

/** The numbers of an access string. Throws `BtfError` 'btf-core'. */
export function accessIndices(access: string): number[] {
  if (!/^\d{1,9}(:\d{1,9})*$/.test(access)) throw bad(access, 'this is not a list of numbers');
  const indices = access.split(':').map(Number);
  if (indices.length > MAX_LENGTH) throw bad(access, 'more than 64 steps');
  return indices;
}

/** Walks an access string. Throws `BtfError` 'btf-core' where it leaves the type. */
export function readPath(btf: Btf, root: BtfId, access: string): Path {
  const [first = 0, ...rest] = accessIndices(access);
  const steps: Step[] = [{ kind: 'element', index: first }];
  let place: Place = { type: root, bitOff: first * sizeOf(btf, root, access) * 8, member: undefined };
  let inComposite: { readonly type: BtfComposite; readonly member: BtfMember } | undefined;
  for (const index of rest) {
    const type = btf.resolved(place.type);
    if (type.kind === 'struct' || type.kind === 'union') {
      const member = type.members[index];
      if (member === undefined) throw bad(access, `${type.kind} ${type.name} has no member ${String(index)}`);
      steps.push({ kind: 'member', name: member.name, type: member.type });
      place = { type: member.type, bitOff: place.bitOff + member.bitOff, member };
      inComposite = { type, member };
    } else if (type.kind === 'array') {
      if (index >= type.count && !isFlexible(type.count, inComposite))
        throw bad(access, `element ${String(index)} lies outside its array`);
      steps.push({ kind: 'element', index });
      place = { type: type.type, bitOff: place.bitOff + index * sizeOf(btf, type.type, access) * 8, member: undefined };
      inComposite = undefined;
    } else {
      throw bad(access, `a ${type.kind} has no members`);
    }
  }
  return { root, steps, place };
}

/** An array of unknown length at the end of a struct. */
function isFlexible(
  count: number,
  parent: { readonly type: BtfComposite; readonly member: BtfMember } | undefined,
): boolean {
  return count === 0 && parent !== undefined && parent.type.members.at(-1) === parent.member;
}

function sizeOf(btf: Btf, id: BtfId, access: string): number {
  const size = btf.sizeOf(id);
  // Only a first index other than 0 asks for the size of a type without one.
  if (size === undefined) return 0;
  if (size > 0x1000_0000) throw bad(access, 'the type is larger than 256 MiB');
  return size;
}
