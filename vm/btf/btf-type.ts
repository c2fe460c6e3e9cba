/** The kinds of BTF types as a union. Knows the format's words, not its bytes. */

/** Index into a BTF blob's type table; 0 is `void`. */
export type BtfId = number;

/** Linkage of a FUNC or VAR, as BTF numbers it. */
export type BtfLinkage = 'static' | 'global' | 'extern';

/** A member of a struct or union. */
export interface BtfMember {
  /** Empty for anonymous members. */
  readonly name: string;
  readonly type: BtfId;
  readonly bitOff: number;
  /** Width of a bit-field; 0 for an ordinary member. */
  readonly bits: number;
}

export interface BtfInt {
  readonly kind: 'int';
  readonly name: string;
  readonly sizeBytes: number;
  readonly signed: boolean;
  readonly bool: boolean;
  readonly char: boolean;
  readonly bits: number;
  readonly bitOff: number;
}

export interface BtfPtr {
  readonly kind: 'ptr';
  readonly type: BtfId;
}

export interface BtfArray {
  readonly kind: 'array';
  readonly type: BtfId;
  readonly indexType: BtfId;
  readonly count: number;
}

export interface BtfComposite {
  readonly kind: 'struct' | 'union';
  readonly name: string;
  readonly sizeBytes: number;
  readonly members: readonly BtfMember[];
}

export interface BtfEnum {
  readonly kind: 'enum' | 'enum64';
  readonly name: string;
  readonly sizeBytes: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

export interface BtfFwd {
  readonly kind: 'fwd';
  readonly name: string;
  readonly of: 'struct' | 'union';
}

export interface BtfTypedef {
  readonly kind: 'typedef';
  readonly name: string;
  readonly type: BtfId;
}

/** A qualifier or, for `type_tag`, an attribute whose text is `name`. */
export interface BtfModifier {
  readonly kind: 'volatile' | 'const' | 'restrict' | 'type_tag';
  readonly name: string;
  readonly type: BtfId;
}

export interface BtfFunc {
  readonly kind: 'func';
  readonly name: string;
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}

export interface BtfFuncProto {
  readonly kind: 'func_proto';
  readonly ret: BtfId;
  /** A last parameter of type 0 without a name stands for `...`. */
  readonly params: readonly { readonly name: string; readonly type: BtfId }[];
}

export interface BtfVar {
  readonly kind: 'var';
  readonly name: string;
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}

export interface BtfDatasec {
  readonly kind: 'datasec';
  readonly name: string;
  readonly sizeBytes: number;
  /** Offsets are those of the blob; in objects not yet linked the global ones read 0. */
  readonly vars: readonly { readonly type: BtfId; readonly off: number; readonly sizeBytes: number }[];
}

export interface BtfFloat {
  readonly kind: 'float';
  readonly name: string;
  readonly sizeBytes: number;
}

export interface BtfDeclTag {
  readonly kind: 'decl_tag';
  readonly name: string;
  readonly type: BtfId;
  /** Member or parameter that is tagged, -1 for the declaration itself. */
  readonly component: number;
}

export type BtfType =
  | { readonly kind: 'void' }
  | BtfInt
  | BtfPtr
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfFwd
  | BtfTypedef
  | BtfModifier
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;

/** The type's own name, or '' for kinds that have none. */
export function nameOf(type: BtfType): string {
  return 'name' in type ? type.name : '';
}
