/**
 * Reads `test/cases/*.data`: files of small programs and what each must come to. Sections as in bpf_conformance's files (`-- asm`,
 * `-- mem`, `-- result`, `-- error`), several cases in a file, each begun by `-- case NAME`. Knows no engine.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { TrapName } from '../../vm/spec/traps.js';
import { TRAP_CODES } from '../../vm/spec/traps.js';

export interface DataCase {
  /** File and title. */
  readonly name: string;
  readonly asm: string;
  /** What r1 points at; r2 is its length. */
  readonly mem: Uint8Array;
  readonly want: { readonly r0: bigint } | { readonly trap: TrapName; readonly pc: number };
}

const DIRECTORY = new URL('../cases/', import.meta.url);

/** Every case of every file, in the files' order. */
export function readCases(): readonly DataCase[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.data'))
    .sort()
    .flatMap((file) => parseCases(file, readFileSync(new URL(file, DIRECTORY), 'utf8')));
}

/** @throws Error naming the case that is not whole */
export function parseCases(file: string, text: string): readonly DataCase[] {
  const [, ...parts] = text.split(/^-- case /m);
  return parts.map((part) => {
    const [title = '', ...sections] = part.split(/^-- (?=(?:asm|mem|result|error)$)/m);
    const name = `${file}: ${title.trim()}`;
    const bodies = new Map(
      sections.map((section) => {
        const end = section.indexOf('\n');
        return [section.slice(0, end), section.slice(end + 1)] as const;
      }),
    );
    const asm = bodies.get('asm');
    if (asm === undefined) throw new Error(`${name}: no asm`);
    const hex = (bodies.get('mem') ?? '').match(/[0-9a-f]{2}/gi) ?? [];
    return { name, asm, mem: Uint8Array.from(hex, (byte) => Number.parseInt(byte, 16)), want: wantOf(name, bodies) };
  });
}

function wantOf(name: string, bodies: ReadonlyMap<string, string>): DataCase['want'] {
  const result = bodies.get('result')?.trim();
  const error = bodies.get('error')?.trim();
  if (result !== undefined && error === undefined) return { r0: BigInt(result) };
  const match = /^([\w-]+) at (\d+)$/.exec(error ?? '');
  const trap = match?.[1];
  if (result !== undefined || trap === undefined || !Object.hasOwn(TRAP_CODES, trap)) {
    throw new Error(`${name}: neither a result nor an error like "memory at 3"`);
  }
  return { trap: trap as TrapName, pc: Number(match?.[2]) };
}
