/**
 * An `ObjectSpec` from one bare stream of instructions, as the conformance plugin and the assembler have it. Knows
 * nothing of ELF.
 */
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';
import { objectFromPrograms } from './from-programs.js';
import type { MapSpec, ObjectSpec } from './object-spec.js';

export interface FromInsnsOptions {
  /** Default `main`. */
  readonly name?: string;
  /** Default `prog`. */
  readonly section?: string;
  /** Default `xdp`. */
  readonly type?: ProgTypeName;
  readonly attachType?: AttachTypeName;
  /** Default `GPL`. */
  readonly license?: string;
  /** Maps that `ld_map_fd` and `ld_map_value` mean by an index in their immediate. */
  readonly maps?: readonly MapSpec[];
}

/**
 * Builds the object. Entry is the first instruction. Map loads take their immediate for an index into `options.maps`.
 * Throws `LoadError` as `objectFromPrograms` does.
 */
export function objectFromInsns(bytes: Uint8Array, options: FromInsnsOptions = {}): ObjectSpec {
  const { name = 'main', section = 'prog', type = 'xdp', attachType, license = 'GPL', maps = [] } = options;
  const attach = attachType === undefined ? {} : { attachType };
  return objectFromPrograms([{ name, section, type, ...attach, bytes }], { name, license, maps });
}
