/** What BTF says of the program's functions: that it fits the code, and what it then allows. Messages are Linux'. */
import { errno } from '../spec/errno.js';
import type { Btf } from '../btf/btf.js';
import type { Env } from './env.js';

/** Whether a function returns a number that fits a register's word. */
function returnsInt(btf: Btf, proto: number): boolean {
  const type = btf.type(proto);
  if (type.kind !== 'func_proto') return false;
  const ret = btf.resolved(type.ret);
  return (ret.kind === 'int' && ret.sizeBytes <= 8) || ret.kind === 'enum' || ret.kind === 'enum64';
}

export function checkFuncInfo(env: Env): void {
  const { btf, funcInfo } = env.program;
  if (btf === undefined || funcInfo === undefined || funcInfo.length === 0) {
    checkWithoutBtf(env);
    return;
  }
  env.hasFuncInfo = true;
  if (funcInfo.length !== env.subprogs.length)
    env.invalid("number of funcs in func_info doesn't match number of subprogs");
  for (const [no, info] of funcInfo.entries()) {
    const subprog = env.subprogs[no]!;
    if (info.pc !== subprog.start) env.invalid("func_info BTF section doesn't match subprog layout in BPF program");
    const func = btf.type(info.type);
    if (func.kind !== 'func') env.invalid(`invalid type id ${info.type} in func info`);
    subprog.btfType = info.type;
    subprog.name = func.name;
    subprog.isGlobal = no > 0 && func.linkage === 'global';
    if (no === 0 || returnsInt(btf, func.type)) continue;
    if (subprog.hasLdAbs) env.invalid("LD_ABS is only allowed in functions that return 'int'.");
    if (subprog.hasTailCall) env.invalid("tail_call is only allowed in functions that return 'int'.");
  }
}

function checkWithoutBtf(env: Env): void {
  for (const subprog of env.subprogs.slice(1)) {
    if (subprog.hasLdAbs) env.reject(errno.EINVAL, 'LD_ABS is not allowed in subprogs without BTF');
    if (subprog.hasTailCall) env.reject(errno.EINVAL, 'tail_call is not allowed in subprogs without BTF');
  }
}
