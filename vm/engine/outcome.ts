/** Reads what a run came to out of the cells; the same for every engine. Knows words, not engines. */
import { describeAddress } from '../machine/describe.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { WRITE_ACCESS } from '../memory/raise.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../memory/shadow.js';
import { helperById } from '../spec/helpers.js';
import { TRAPS } from '../spec/traps.js';
import type { TrapName } from '../spec/traps.js';
import { toBigInt, toNumber } from '../u64.js';
import type { Outcome } from './engine.js';

export function readOutcome(machine: Machine): Outcome {
  const { memory, object } = machine;
  const insns = toNumber(memory.word(cells.insns), memory.word(cells.insns + 4));
  const row = TRAPS.find(({ code }) => code === memory.word(cells.trapCode));
  if (row === undefined) {
    return { kind: 'exit', insns, r0: toBigInt(memory.word(cells.r0), memory.word(cells.r0 + 4)) };
  }
  const func = memory.word(cells.trapFunc);
  const pc = object.functions[func]?.insns[memory.word(cells.trapInsn)]?.pc ?? 0;
  return { kind: 'trap', insns, trap: { name: row.name, func, pc, message: describeTrap(machine, row.name) } };
}

function describeTrap(machine: Machine, name: TrapName): string {
  const { memory, object } = machine;
  const a = memory.word(cells.trapA);
  switch (name) {
    case 'fuel':
      return `out of fuel after ${String(toNumber(memory.word(cells.insns), memory.word(cells.insns + 4)))} instructions`;
    case 'memory':
      return describeAccess(machine);
    case 'call-depth':
      return 'the call stack is deeper than 8 frames';
    case 'unsupported-helper':
      return `helper bpf_${helperById(a)?.name ?? String(a)} is unsupported by skep`;
    case 'unknown-helper':
      return `helper ${String(a)} does not exist`;
    case 'unsupported-insn':
      return 'this instruction is unsupported by skep';
    case 'unsupported-ref':
      return describeRef(machine);
    case 'unsupported-map': {
      const spec = object.maps[a];
      return `map \`${spec?.name ?? '?'}\`: type ${spec?.type ?? '?'} is unsupported by skep`;
    }
    case 'bad-map':
      return `${describeAddress(machine, a).text} is not a map of the type that the helper takes`;
    case 'bad-callback':
      return `${describeAddress(machine, a).text} is not a function`;
    case 'bad-record':
      return `${describeAddress(machine, a).text} is not a reserved ring buffer record`;
    case 'unsupported-option':
      return `socket option ${String(memory.word(cells.trapB))} of level ${String(a)} is unsupported by skep`;
    case 'bad-socket':
      return `${describeAddress(machine, a).text} is no socket, or none that the program holds a reference to`;
    case 'fall-off':
      return 'the program runs past its last instruction';
  }
}

function describeRef({ memory, object }: Machine): string {
  const ref = object.functions[memory.word(cells.trapFunc)]?.refs.get(memory.word(cells.trapInsn));
  if (ref?.kind === 'unsupported') return `${ref.what} is unsupported by skep`;
  if (ref?.kind === 'kfunc') return `kfunc ${ref.name} is unsupported by skep`;
  return 'a reference that nothing was linked to';
}

/** As in `out of bounds read of 4 bytes at packet+66 (packet is 64 bytes)`. */
function describeAccess(machine: Machine): string {
  const { memory } = machine;
  const lo = memory.word(cells.trapA);
  const hi = memory.word(cells.trapB);
  const access = memory.word(cells.trapAccess);
  const write = access >= WRITE_ACCESS;
  const bytes = write ? access - WRITE_ACCESS : access;
  // Compiled code without checks does not know more.
  if (access === 0) return 'an access outside of the memory';
  const { text, size } = describeAddress(machine, lo, hi);
  const rights = hi === 0 ? commonRights(machine, lo, bytes) : 0;
  const verb = write ? 'write' : 'read';
  const amount = `${String(bytes)} byte${bytes === 1 ? '' : 's'}`;
  if (rights !== 0) {
    return rights === WRITE
      ? `${verb} of ${amount} never written at ${text}`
      : `${verb} of ${amount} at ${text}, which is read-only`;
  }
  return `out of bounds ${verb} of ${amount} at ${text}${size === undefined ? '' : ` (${size})`}`;
}

/** What every one of the bytes may be used for; 0 where there is no shadow. */
function commonRights({ memory, shadow }: Machine, at: number, bytes: number): number {
  if (shadow.delta === 0 || at + bytes > shadow.delta) return NO_ACCESS;
  let rights: number = READ_WRITE;
  for (let i = 0; i < bytes && rights !== NO_ACCESS; i++) rights &= memory.u8[at + shadow.delta + i] ?? NO_ACCESS;
  return rights;
}
