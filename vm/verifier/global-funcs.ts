/**
 * Global functions, which are judged by their BTF prototypes: a call is checked against the prototype and assumed to be
 * valid. Messages are Linux'.
 */
import type { Btf } from '../btf/btf.js';
import { errno } from '../spec/errno.js';
import { PROG_TYPE_ROWS } from '../spec/prog-types.js';
import { type Env, Rejection } from './env.js';
import { checkDynptr } from './dynptrs.js';
import { checkHelperMemory } from './helper-args.js';
import { checkUnmodified } from './memory.js';
import { forgetPacketPointers } from './refs.js';
import {
  MAYBE_NULL,
  NOT_INIT_REG,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_TO_STACK,
  SCALAR,
  UNKNOWN_REG,
  isPacketPointer,
} from './reg.js';
import { PTR_TO_MAP_KEY, PTR_TO_MAP_VALUE, baseType } from './reg.js';
import type { Verifier } from './verifier.js';

/** What a parameter of a global function takes. */
export type Param =
  | { readonly kind: 'ctx' }
  | { readonly kind: 'scalar' }
  | { readonly kind: 'dynptr' }
  | { readonly kind: 'mem'; readonly bytes: number; readonly mayBeNull: boolean };

const MAX_PARAMS = 5;
/** The kernel's own structures, of which the program's context is a view. */
const PROJECTED: ReadonlyMap<string, string> = new Map([
  ['__sk_buff', 'sk_buff'],
  ['xdp_md', 'xdp_buff'],
]);

/** The attributes of a parameter: what follows `arg:` in its declaration tags. */
function tagsOf(btf: Btf, func: number, index: number): ReadonlySet<string> {
  const tags = new Set<string>();
  for (let id = 1; id < btf.count; id++) {
    if (btf.kind(id) !== 'decl_tag') continue;
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.type !== func || tag.component !== index) continue;
    if (tag.name.startsWith('arg:')) tags.add(tag.name.slice(4));
  }
  return tags;
}

/** Whether a pointer to it is the program's context. */
function isContext(env: Env, btf: Btf, pointee: number): boolean {
  const type = btf.resolved(pointee);
  if (type.kind !== 'struct') return false;
  const layout = PROG_TYPE_ROWS[env.program.type].ctx;
  return layout !== undefined && (type.name === layout || type.name === PROJECTED.get(layout));
}

function paramOf(env: Env, btf: Btf, func: number, typeId: number, index: number): Param {
  const tags = tagsOf(btf, func, index);
  for (const tag of tags) {
    if (tag !== 'ctx' && tag !== 'nonnull' && tag !== 'nullable') env.unknown(`parameters with the tag arg:${tag}`);
  }
  const type = btf.resolved(typeId);
  if (type.kind === 'ptr') {
    if (tags.has('ctx') || isContext(env, btf, type.type)) {
      if (tags.size > (tags.has('ctx') ? 1 : 0)) env.invalid(`arg#${index} has invalid combination of tags`);
      return { kind: 'ctx' };
    }
    const pointee = btf.resolved(type.type);
    if (pointee.kind === 'struct' && pointee.name === 'bpf_dynptr') return { kind: 'dynptr' };
    if (tags.has('nullable')) env.invalid(`arg#${index} has invalid combination of tags`);
    const bytes = btf.sizeOf(type.type);
    if (bytes === undefined) {
      const kind = pointee.kind === 'void' ? 'UNKNOWN' : pointee.kind.toUpperCase();
      const name = 'name' in pointee ? pointee.name : '';
      env.invalid(`arg#${index} reference type('${kind} ${name}') size cannot be determined: -22`);
    }
    return { kind: 'mem', bytes, mayBeNull: !tags.has('nonnull') };
  }
  if (tags.size > 0) env.invalid(`arg#${index} has pointer tag, but is not a pointer type`);
  if (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') return { kind: 'scalar' };
  const name = env.subprogs[env.subprogOf(env.insn)]!.name;
  env.invalid(`Arg#${index} type ${type.kind.toUpperCase()} in ${name}() is not supported yet.`);
}

/** The parameters of a global function; rejects prototypes that none may have. */
export function paramsOf(env: Env, subprogNo: number): readonly Param[] {
  const { btf } = env.program;
  const { btfType, name } = env.subprogs[subprogNo]!;
  if (btf === undefined || btfType === 0) env.invalid('Global functions need valid BTF');
  const func = btf.type(btfType);
  const proto = func.kind === 'func' ? btf.type(func.type) : func;
  if (proto.kind !== 'func_proto') env.invalid(`Verifier bug in function ${name}()`);
  if (proto.params.length > MAX_PARAMS) {
    env.invalid(`Global function ${name}() with ${proto.params.length} > ${MAX_PARAMS} args. Buggy compiler.`);
  }
  const { kind } = btf.resolved(proto.ret);
  if (kind !== 'int' && kind !== 'enum' && kind !== 'enum64') {
    env.invalid(`Global function ${name}() doesn't return scalar. Only those are supported.`);
  }
  return proto.params.map(({ type }, index) => paramOf(env, btf, btfType, type, index));
}

/** Whether the arguments of a call are what the callee's BTF says. Nothing follows from it for static functions. */
export function matchesBtf(v: Verifier, subprogNo: number): boolean {
  const { env } = v;
  const subprog = env.subprogs[subprogNo]!;
  if (!subprog.isGlobal) return true;
  if (subprog.unreliable) return false;
  try {
    for (const [index, param] of paramsOf(env, subprogNo).entries()) checkPassed(v, index, param);
    return true;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    subprog.unreliable = true;
    return false;
  }
}

function checkPassed(v: Verifier, index: number, param: Param): void {
  const { env } = v;
  const no = index + 1;
  const reg = env.reg(no);
  const { type } = reg;
  if (param.kind === 'scalar') {
    if (type !== SCALAR) env.invalid(`R${no} is not a scalar`);
    return;
  }
  const base = baseType(type);
  const mayBeMoved =
    isPacketPointer(type) ||
    base === PTR_TO_STACK ||
    base === PTR_TO_MAP_VALUE ||
    base === PTR_TO_MAP_KEY ||
    base === PTR_TO_MEM;
  if (!mayBeMoved) checkUnmodified(env, reg, no, false);
  if (param.kind === 'dynptr') {
    checkDynptr(v, no);
    return;
  }
  if (param.kind === 'ctx') {
    if (type !== PTR_TO_CTX) env.invalid(`arg#${index} expects pointer to ctx`);
    return;
  }
  if (!reg.isNull) {
    const { regs } = env.cur.top;
    if ((type & MAYBE_NULL) !== 0) {
      const sure = reg.copy();
      sure.type = type & ~MAYBE_NULL;
      regs[no] = sure;
    }
    try {
      checkHelperMemory(v, no, param.bytes, false, true, undefined);
      checkHelperMemory(v, no, param.bytes, true, true, undefined);
    } finally {
      regs[no] = reg;
    }
  }
  if (!param.mayBeNull && (type & MAYBE_NULL) !== 0) env.invalid(`arg#${index} is expected to be non-NULL`);
}

/** The call of a global function, which is assumed to be valid. */
export function checkGlobalCall(v: Verifier, subprogNo: number, matches: boolean): void {
  const { env } = v;
  const subprog = env.subprogs[subprogNo]!;
  if (env.cur.activeLocks > 0) {
    env.invalid('global function calls are not allowed while holding a lock,\nuse static function instead');
  }
  if (!matches) {
    env.reject(errno.EINVAL, `Caller passes invalid args into func#${subprogNo} ('${subprog.name}')`);
  }
  if (env.log.level !== 0) env.log.add(`Func#${subprogNo} ('${subprog.name}') is global and assumed valid.\n`);
  if (subprog.changesPacket) forgetPacketPointers(env);
  subprog.called = true;
  const { regs } = env.cur.top;
  for (let no = 1; no <= MAX_PARAMS; no++) regs[no] = NOT_INIT_REG;
  regs[0] = UNKNOWN_REG;
  env.touchAll();
}
