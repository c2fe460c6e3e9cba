/**
 * Loads from and stores to the context, to sockets and to flow keys: which offsets and widths Linux allows, and what comes
 * out. Knows no other memory.
 */
import { CTX_LAYOUTS, type CtxValue, ctxFieldAt } from '../spec/ctx.js';
import { errno } from '../spec/errno.js';
import { PROG_TYPE_ROWS } from '../spec/prog-types.js';
import { type CtxAccess, ctxAccess } from '../spec/rights.js';
import type { Env } from './env.js';
import {
  MAYBE_NULL,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  type RegType,
  SCALAR,
  typeText,
} from './reg.js';

const TRACE_BYTES = 8192;
const PT_REGS_BYTES = 168;
const RAW_TP_BYTES = 96;

/** Contexts without a layout: read only, aligned, up to a size. */
function rawAccess(from: number, bytes: number): CtxAccess {
  return {
    allows: (access, off, width) => access === 'read' && off >= from && off + width <= bytes && off % width === 0,
  };
}

const RAW_CONTEXTS: Readonly<Record<string, CtxAccess>> = {
  tracepoint: rawAccess(8, TRACE_BYTES),
  kprobe: rawAccess(0, PT_REGS_BYTES),
  raw_tracepoint: rawAccess(0, RAW_TP_BYTES),
  raw_tracepoint_writable: rawAccess(0, RAW_TP_BYTES),
};

const VALUE_TYPES: Readonly<Record<Exclude<CtxValue, 'btf'>, RegType>> = {
  scalar: SCALAR,
  packet: PTR_TO_PACKET,
  'packet-end': PTR_TO_PACKET_END,
  'packet-meta': PTR_TO_PACKET_META,
  sock: PTR_TO_SOCKET,
  'sock?': PTR_TO_SOCKET | MAYBE_NULL,
  'sock-common?': PTR_TO_SOCK_COMMON | MAYBE_NULL,
  'flow-keys': PTR_TO_FLOW_KEYS,
  optval: PTR_TO_PACKET,
  'optval-end': PTR_TO_PACKET_END,
};

/** What a load there gives. */
function valueAt(env: Env, off: number): CtxValue {
  const layout = PROG_TYPE_ROWS[env.program.type].ctx;
  return layout === undefined ? 'scalar' : (ctxFieldAt(layout, off)?.value ?? 'scalar');
}

/** Rejects a bad access; returns the type of what a load gives. */
export function checkCtxAccess(env: Env, off: number, bytes: number, isWrite: boolean, signed: boolean): RegType {
  const { insn } = env;
  const { type, attachType } = env.program;
  const rights = RAW_CONTEXTS[type] ?? ctxAccess(type, attachType) ?? ctxAccess(type);
  if (rights === undefined) env.unknown(`the context of ${type} programs`);
  const value = valueAt(env, off);
  const extendsPointer = signed && value !== 'scalar';
  if (off < 0 || extendsPointer || !rights.allows(isWrite ? 'write' : 'read', off, bytes)) {
    env.log.add(`invalid bpf_context access off=${off} size=${bytes}\n`);
    env.showLine(insn, '; ');
    env.fail(errno.EACCES);
  }
  if (value === 'btf') env.unknown(`field at offset ${off} of the context, a kernel structure`);
  return VALUE_TYPES[value];
}

/** A power of two that fits the field. */
function isNarrow(bytes: number, fieldBytes: number): boolean {
  return bytes <= fieldBytes;
}

const SOCK_BYTES = CTX_LAYOUTS.bpf_sock.bytes;
const NARROW_SOCK_FIELDS: ReadonlySet<string> = new Set([
  'state',
  'family',
  'type',
  'protocol',
  'src_port',
  'rx_queue_mapping',
  'src_ip4',
  'src_ip6',
  'dst_ip4',
  'dst_ip6',
]);

function mayReadSock(off: number, bytes: number): boolean {
  if (off < 0 || off >= SOCK_BYTES || off % bytes !== 0) return false;
  const field = ctxFieldAt('bpf_sock', off);
  if (field === undefined) return false;
  if (field.name === 'dst_port') return bytes === 4 || isNarrow(bytes, field.bytes);
  return NARROW_SOCK_FIELDS.has(field.name) ? isNarrow(bytes, 4) : bytes === 4;
}

const HIDDEN_FROM_COMMON: ReadonlySet<string> = new Set(['type', 'protocol', 'mark', 'priority']);

function mayReadSockCommon(off: number, bytes: number): boolean {
  const field = off < 0 ? undefined : ctxFieldAt('bpf_sock', off);
  return !HIDDEN_FROM_COMMON.has(field?.name ?? '') && mayReadSock(off, bytes);
}

function mayReadTcpSock(off: number, bytes: number): boolean {
  if (off < 0 || off >= CTX_LAYOUTS.bpf_tcp_sock.bytes || off % bytes !== 0) return false;
  return bytes === (ctxFieldAt('bpf_tcp_sock', off)?.bytes ?? 4);
}

export function checkSockAccess(env: Env, regNo: number, type: RegType, off: number, bytes: number): void {
  let valid = false;
  if (type === PTR_TO_SOCK_COMMON) valid = mayReadSockCommon(off, bytes);
  else if (type === PTR_TO_SOCKET) valid = mayReadSock(off, bytes);
  else if (type === PTR_TO_TCP_SOCK) valid = mayReadTcpSock(off, bytes);
  else if (type === PTR_TO_XDP_SOCK) valid = off === 0 && bytes === 4;
  if (!valid) env.deny(`R${regNo} invalid ${typeText(type)} access off=${off} size=${bytes}`);
}

export function checkFlowKeysAccess(env: Env, off: number, bytes: number): void {
  if (off < 0 || off + bytes > CTX_LAYOUTS.bpf_flow_keys.bytes) {
    env.deny(`invalid access to flow keys off=${off} size=${bytes}`);
  }
}
