/** Addresses and traps in words: `packet+66`, `stack-8`, "map `conns` value+4". For messages, not for hot paths. */
import type { Ptr } from '../addr.js';
import { KERNEL_STRUCTS_OFF } from '../hooks/netfilter.js';
import { MAP_TYPE_ROWS } from '../spec/map-types.js';
import { SOCKET_BYTES } from '../world/socket-table.js';
import { functionAt, STACK_BYTES } from './layout.js';
import type { Machine } from './machine.js';

/** What an address belongs to. `size` says how large that thing is, where it helps a reader. */
export interface Place {
  readonly text: string;
  readonly size?: string;
}

/** Names the place that an address lies in or just beside. */
export function describeAddress(machine: Machine, ptr: Ptr, hi = 0): Place {
  const hex = `0x${hi === 0 ? '' : (hi >>> 0).toString(16)}${(ptr >>> 0).toString(16).padStart(hi === 0 ? 1 : 8, '0')}`;
  if (hi !== 0) return { text: hex, size: 'not a pointer that this program was given' };
  return (
    inNullPage(ptr) ??
    inStack(machine, ptr) ??
    inCtx(machine, ptr) ??
    inSocket(machine, ptr) ??
    inKernel(machine, ptr) ??
    inPacket(machine, ptr) ??
    inMap(machine, ptr) ?? { text: hex }
  );
}

/** A program that runs past a map's last value means that map. */
const BESIDE_BYTES = 4096;

function offset(by: number): string {
  return by < 0 ? `-${String(-by)}` : `+${String(by)}`;
}

function inNullPage(ptr: Ptr): Place | undefined {
  return ptr >= 0 && ptr < 4096 ? { text: `NULL${ptr === 0 ? '' : offset(ptr)}` } : undefined;
}

function inStack({ layout }: Machine, ptr: Ptr): Place | undefined {
  const { stack, frameStride } = layout;
  // The no man's land between two frames counts half to the one below and half to the one above.
  const from = ptr - (stack - (frameStride - STACK_BYTES) / 2);
  const depth = Math.floor(from / frameStride);
  if (depth < 0 || depth > 7) return undefined;
  const r10 = stack + depth * frameStride + STACK_BYTES;
  const frame = depth === 0 ? '' : ` of frame ${String(depth)}`;
  return { text: `stack${offset(ptr - r10)}${frame}`, size: `the stack is ${String(STACK_BYTES)} bytes` };
}

function inSocket({ layout, world }: Machine, ptr: Ptr): Place | undefined {
  const by = ptr - layout.sockets;
  if (by < 0 || by >= SOCKET_BYTES * (layout.worldSize.sockets + 1)) return undefined;
  const off = by % SOCKET_BYTES;
  return { text: `socket \`${world.sockets.at(ptr - off)?.name ?? '?'}\`${offset(off)}` };
}

function inCtx({ layout }: Machine, ptr: Ptr): Place | undefined {
  const by = ptr - layout.ctx;
  if (by >= KERNEL_STRUCTS_OFF && by < 1024) {
    return { text: 'a structure of the kernel', size: 'reads through BTF are unsupported by skep' };
  }
  return by > -256 && by < 1024 ? { text: `ctx${offset(by)}` } : undefined;
}

/** Half the room around `kernelCtx`, as far as an instruction's offset reaches. */
const KERNEL_REACH = 0x8000;

function inKernel({ layout }: Machine, ptr: Ptr): Place | undefined {
  const by = ptr - layout.kernelCtx;
  if (by < -KERNEL_REACH || by >= KERNEL_REACH) return undefined;
  return { text: `kernel structure${offset(by)}`, size: 'reads of kernel structures are unsupported by skep' };
}

function inPacket({ layout, packet }: Machine, ptr: Ptr): Place | undefined {
  const { base, slotBytes, slots } = layout.packets;
  if (ptr < base || ptr >= base + slotBytes * slots) return undefined;
  const slotStart = base + Math.floor((ptr - base) / slotBytes) * slotBytes;
  if (slotStart !== packet.start) return { text: 'an old packet pointer', size: 'the packet has moved since' };
  return { text: `packet${offset(ptr - packet.data)}`, size: `packet is ${String(packet.lengthBytes)} bytes` };
}

function inMap(machine: Machine, ptr: Ptr): Place | undefined {
  const { object, layout } = machine;
  const map = machine.maps.idAt(ptr);
  if (map !== undefined) return { text: `map \`${machine.maps.handle(map).spec.name}\` itself` };
  const func = functionAt(layout, ptr);
  if (func >= 0) return { text: `function ${object.functions[func]?.name ?? '?'}` };
  return inMapMemory(machine, ptr, 0) ?? inMapMemory(machine, ptr, BESIDE_BYTES);
}

/** `besideBytes`: how far behind a map's last byte still counts as the map. */
function inMapMemory({ object, layout }: Machine, ptr: Ptr, besideBytes: number): Place | undefined {
  for (const [index, { base, bytes }] of layout.maps.entries()) {
    const spec = object.maps[index];
    if (spec === undefined || bytes === 0 || ptr < base || ptr >= base + bytes + besideBytes) continue;
    const size = `a value is ${String(spec.valueBytes)} bytes`;
    if (spec.section !== undefined) {
      return { text: `${spec.name}${offset(ptr - base)}`, size: `${spec.name} is ${String(spec.valueBytes)} bytes` };
    }
    if (MAP_TYPE_ROWS[spec.type].key !== 4 || spec.type.includes('hash')) return { text: `map \`${spec.name}\``, size };
    const stride = Math.ceil(spec.valueBytes / 8) * 8;
    const position = Math.min(Math.floor((ptr - base) / stride), Math.floor(bytes / stride) - 1);
    const entry = position % spec.maxEntries;
    return { text: `map \`${spec.name}\` [${String(entry)}] value${offset(ptr - base - position * stride)}`, size };
  }
  return undefined;
}
