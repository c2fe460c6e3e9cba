/**
 * The first look at a program: where its functions lie, whether jumps stay in them, whether every slot is an instruction
 * and what its 64-bit loads refer to. Messages and their order are Linux'. Knows no states.
 */
import { errno } from '../spec/errno.js';
import { helperById } from '../spec/helpers.js';
import { INSNS } from '../spec/insns.js';
import { MAP_FLAGS, MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { Env, Subprog } from './env.js';
import { mapRecord } from './map-record.js';
import {
  CALL,
  EXIT,
  JMP,
  JMP32,
  LD,
  LDX,
  MODE_ABS,
  MODE_IND,
  MODE_MASK,
  MODE_MEM,
  MODE_MEMSX,
  PSEUDO_BTF_ID,
  PSEUDO_FUNC,
  PSEUDO_KFUNC_CALL,
  PSEUDO_MAP_FD,
  PSEUDO_MAP_IDX,
  PSEUDO_MAP_IDX_VALUE,
  PSEUDO_MAP_VALUE,
  classOf,
  opOf,
} from './opcodes.js';
import type { VerifierMap } from './program.js';

const MAX_SUBPROGS = 256;
const MAX_MAPS = 64;
/** Offsets that pointers may have. */
export const MAX_VAR_OFF = 1 << 29;

const CALLX = 0x8d;
const KNOWN_OPCODES: ReadonlySet<number> = new Set(INSNS.map((row): number => row.op).filter((op) => op !== CALLX));

const TAIL_CALL = 12;

function newSubprog(start: number): Subprog {
  return {
    start,
    end: start,
    name: '',
    isGlobal: false,
    btfType: 0,
    hasTailCall: false,
    hasLdAbs: false,
    changesPacket: false,
    mightSleep: false,
    isCallback: false,
    isAsyncCallback: false,
    called: false,
    stackBytes: 0,
    postorderStart: 0,
    postorderEnd: 0,
    unreliable: false,
  };
}

/** Slots that a jump goes on from the next slot. */
export function jumpOffset(env: Env, insn: number): number {
  return env.code[insn] === (JMP32 | 0) ? env.imm[insn]! : env.off[insn]!;
}

/** Where functions start: at slot 0 and wherever a local call or a function pointer leads. */
export function findSubprogs(env: Env): void {
  const starts = new Set([0]);
  for (let insn = 0; insn < env.count; insn++) {
    const isCall = env.isLocalCall(insn);
    if (!isCall && !env.isFuncPointer(insn)) {
      if (env.code[insn] === 0x85 && env.src[insn] === PSEUDO_KFUNC_CALL && env.ref(insn) === undefined) {
        env.unknown(`kfunc #${env.imm[insn]!}, whose name is not given`);
      }
      continue;
    }
    const start = insn + env.imm[insn]! + 1;
    if (start < 0 || start >= env.count) env.invalid('call to invalid destination');
    starts.add(start);
    if (starts.size > MAX_SUBPROGS) env.reject(errno.E2BIG, 'too many subprograms');
  }
  env.subprogs = [...starts].sort((a, b) => a - b).map(newSubprog);
  for (const [i, subprog] of env.subprogs.entries()) {
    subprog.end = env.subprogs[i + 1]?.start ?? env.count;
    subprog.name = env.program.funcNames?.get(subprog.start) ?? '';
    if (env.log.keepsPaths) env.log.add(`func#${i} @${subprog.start}\n`);
  }
}

/** Jumps stay in their function, and no function runs on into the next. */
export function checkSubprogs(env: Env): void {
  for (const subprog of env.subprogs) {
    for (let insn = subprog.start; insn < subprog.end; insn++) {
      const code = env.code[insn]!;
      const kind = classOf(code);
      if (code === 0x85 && env.src[insn] === 0 && env.imm[insn] === TAIL_CALL) subprog.hasTailCall = true;
      const mode = code & MODE_MASK;
      if (kind === LD && (mode === MODE_ABS || mode === MODE_IND)) subprog.hasLdAbs = true;
      const isJump = (kind === JMP || kind === JMP32) && opOf(code) !== CALL && opOf(code) !== EXIT;
      if (isJump) {
        const to = insn + jumpOffset(env, insn) + 1;
        if (to < subprog.start || to >= subprog.end) env.invalid(`jump out of range from insn ${insn} to ${to}`);
      }
      if (insn === subprog.end - 1 && code !== 0x95 && code !== 0x05 && code !== 0x06) {
        env.invalid('last insn is not an exit or jmp');
      }
    }
  }
}

/** Every slot is a known instruction; 64-bit loads refer to what exists. */
export function checkInsns(env: Env): void {
  const used = new Set<VerifierMap>();
  for (let insn = 0; insn < env.count; insn++) {
    const code = env.code[insn]!;
    const mode = code & MODE_MASK;
    if (classOf(code) === LDX && ((mode !== MODE_MEM && mode !== MODE_MEMSX) || env.imm[insn] !== 0)) {
      env.invalid('BPF_LDX uses reserved fields');
    }
    if (env.isLdImm64(insn)) {
      checkLdImm64(env, insn, used);
      insn++;
      continue;
    }
    if (!KNOWN_OPCODES.has(code)) env.invalid(`unknown opcode ${code.toString(16).padStart(2, '0')}`);
  }
}

function checkLdImm64(env: Env, insn: number, used: Set<VerifierMap>): void {
  const next = insn + 1;
  if (next >= env.count || env.code[next] !== 0 || env.dst[next] !== 0 || env.src[next] !== 0 || env.off[next] !== 0) {
    env.invalid('invalid bpf_ld_imm64 insn');
  }
  const kind = env.src[insn]!;
  const ref = env.ref(insn);
  if (ref?.kind === 'unsupported') env.unknown(ref.what);
  switch (kind) {
    case 0:
    case PSEUDO_FUNC:
      return;
    case PSEUDO_BTF_ID:
      env.unknown('the address of a kernel variable');
      return;
    case PSEUDO_MAP_VALUE:
    case PSEUDO_MAP_IDX_VALUE:
      break;
    case PSEUDO_MAP_FD:
    case PSEUDO_MAP_IDX:
      if (env.imm[next] === 0) break;
      env.invalid('unrecognized bpf_ld_imm64 insn');
      break;
    default:
      env.invalid('unrecognized bpf_ld_imm64 insn');
  }
  const map = env.mapAt(insn);
  if (map === undefined) {
    if (kind === PSEUDO_MAP_IDX || kind === PSEUDO_MAP_IDX_VALUE) {
      env.reject(71, 'fd_idx without fd_array is invalid');
    }
    // The standard streams are open files, if no maps.
    const fd = env.imm[insn]!;
    env.reject(fd >= 0 && fd <= 2 ? errno.EINVAL : errno.EBADF, `fd ${fd} is not pointing to valid bpf_map`);
  }
  if (!used.has(map)) {
    if (used.size >= MAX_MAPS) {
      env.reject(errno.E2BIG, `The total number of maps per program has reached the limit of ${MAX_MAPS}`);
    }
    checkMapFitsProgram(env, map, used);
    used.add(map);
  }
  if (kind === PSEUDO_MAP_VALUE || kind === PSEUDO_MAP_IDX_VALUE) checkDirectValue(env, map, env.imm[next]! >>> 0);
}

/** Whether programs may hold the address of the map's value. */
export function hasDirectValue(map: VerifierMap): boolean {
  return map.type === 'array' || map.type === 'percpu_array' || map.type === 'arena';
}

function checkDirectValue(env: Env, map: VerifierMap, off: number): void {
  if (off >= MAX_VAR_OFF) env.invalid(`direct value offset of ${off} is not allowed`);
  if (!hasDirectValue(map)) env.invalid('no direct value access support for this map type');
  const tooMany = map.maxEntries !== 1;
  if (map.type !== 'arena' && (tooMany || off >= map.valueBytes)) {
    env.reject(
      tooMany ? errno.ENOTSUPP : errno.EINVAL,
      `invalid access to map value pointer, value_size=${map.valueBytes} off=${off}`,
    );
  }
}

const TRACING_TYPES: ReadonlySet<string> = new Set([
  'kprobe',
  'tracepoint',
  'perf_event',
  'raw_tracepoint',
  'raw_tracepoint_writable',
]);

const SLEEPABLE_MAPS: ReadonlySet<string> = new Set([
  'hash',
  'lru_hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_percpu_hash',
  'array_of_maps',
  'hash_of_maps',
  'ringbuf',
  'user_ringbuf',
  'inode_storage',
  'sk_storage',
  'task_storage',
  'cgrp_storage',
  'queue',
  'stack',
  'arena',
]);

/** What a map's kind, or what its values hold, forbids to some programs. */
function checkMapFitsProgram(env: Env, map: VerifierMap, used: ReadonlySet<VerifierMap>): void {
  const record = mapRecord(map);
  const { type } = env.program;
  const isTracing = TRACING_TYPES.has(type);
  if (record.has('bpf_list_head') || record.has('bpf_rb_root')) {
    if (isTracing) env.invalid('tracing progs cannot use bpf_{list_head,rb_root} yet');
  }
  if (record.has('bpf_spin_lock') || record.has('bpf_res_spin_lock')) {
    if (type === 'socket_filter') env.invalid('socket filter progs cannot use bpf_spin_lock yet');
    if (isTracing) env.invalid('tracing progs cannot use bpf_spin_lock yet');
  }
  if (record.has('bpf_timer') && isTracing) env.invalid('tracing progs cannot use bpf_timer yet');
  if (record.has('bpf_wq') && isTracing) env.invalid('tracing progs cannot use bpf_wq yet');
  if (map.type === 'struct_ops') env.invalid('bpf_struct_ops map cannot be used in prog');
  if (map.type === 'arena') env.unknown('arenas');
  if (env.isSleepable && !SLEEPABLE_MAPS.has(map.type)) {
    env.invalid('Sleepable programs can only use array, hash, ringbuf and local storage maps');
  }
  const isCgroupStorage = map.type === 'cgroup_storage' || map.type === 'percpu_cgroup_storage';
  if (isCgroupStorage && [...used].some((other) => other !== map && other.type === map.type)) {
    env.reject(errno.EBUSY, 'only one cgroup storage of each type is allowed');
  }
}

/** A map's number, for messages. */
export function mapTypeNumber(map: VerifierMap): number {
  return MAP_TYPE_ROWS[map.type].id;
}

/** `map_lookup_elem`, as messages name helpers; `unknown` past the last one. */
export function helperName(id: number): string {
  const row = helperById(id);
  return row === undefined ? 'unknown' : `bpf_${row.name}`;
}

/** Programs may not change the map, and nobody else will: its contents are constants. */
export function isConstantMap(map: VerifierMap): boolean {
  return (map.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 && map.frozen;
}
