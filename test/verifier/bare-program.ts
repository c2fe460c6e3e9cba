/** A program as the tests hand it to a kernel: without BTF. Knows no kernel. */
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { programFromObject, type VerifierProgram } from '../../vm/verifier/verify.js';

export function bareProgram(object: ObjectSpec, prog = 0): VerifierProgram {
  const { name, type, flags, license, insns, maps, refs } = programFromObject(object, prog);
  const bareMaps = maps.map(({ btf: _, keyType: _key, valueType: _value, ...map }) => map);
  return { name, type, flags, license, insns, maps: bareMaps, refs };
}
