/** An object's description as tables for a terminal. Knows nothing of files. */
import { typeDefinitions } from '../vm/index.js';
import type { CallDescription, MapDescription, ObjectDescription, ObjectSpec } from '../vm/index.js';
import { renderTable } from './text-table.js';

const UNSUPPORTED = /^(program type|map type|helper|kfunc|instruction) (\S+) is unsupported by skep$/;

/** Puts reasons of one kind together: "helpers a, b" rather than a sentence for each. */
export function condense(reasons: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const reason of reasons) {
    const [, kind = reason, name] = UNSUPPORTED.exec(reason) ?? [];
    const names = groups.get(kind) ?? [];
    groups.set(kind, name === undefined ? names : [...names, name]);
  }
  return [...groups]
    .map(([kind, names]) => (names.length === 0 ? kind : `${kind}${names.length > 1 ? 's' : ''} ${names.join(', ')}`))
    .join('; ');
}

function supported(reasons: readonly string[], unresolved: readonly string[] = []): string {
  if (reasons.length > 0) return `no: ${condense([...reasons, ...unresolved])}`;
  return unresolved.length > 0 ? `yes, but stops at: ${condense(unresolved)}` : 'yes';
}

/** The whole report of one object, ending with a newline. */
export function renderObject(description: ObjectDescription): string {
  const parts = [
    `${description.name}: license ${description.license === '' ? 'none' : JSON.stringify(description.license)}`,
    programTable(description),
    mapTable(description),
    callTable('HELPER', description.helpers),
    callTable('KFUNC', description.kfuncs),
    description.notes.map((note) => `note: ${note.message}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function programTable({ programs }: ObjectDescription): string {
  if (programs.length === 0) return 'The object holds no program.';
  const rows = programs.map((program) => [
    program.section,
    program.name,
    program.attachTo === undefined ? program.type : `${program.type} ${program.attachTo}`,
    String(program.slots),
    String(program.functions),
    supported(program.unsupported, program.unresolved),
  ]);
  return renderTable(['SECTION', 'PROGRAM', 'TYPE', 'INSNS', 'FUNCTIONS', 'SUPPORTED'], rows, [3, 4]);
}

function withType(bytes: number, type: string | undefined): string {
  return type === undefined ? String(bytes) : `${bytes} ${type}`;
}

function mapRow(map: MapDescription, name: string): string[] {
  return [
    name,
    map.type,
    withType(map.keyBytes, map.keyType),
    withType(map.valueBytes, map.valueType),
    String(map.maxEntries),
    map.flags.join(',') || '-',
    supported(map.unsupported),
  ];
}

function mapTable({ maps }: ObjectDescription): string {
  if (maps.length === 0) return '';
  const rows = maps.flatMap((map) => [
    mapRow(map, map.initialised === 0 ? map.name : `${map.name} (${map.initialised} filled)`),
    ...(map.inner === undefined ? [] : [mapRow(map.inner, '  inner')]),
  ]);
  return renderTable(['MAP', 'TYPE', 'KEY', 'VALUE', 'ENTRIES', 'FLAGS', 'SUPPORTED'], rows, [4]);
}

function callTable(title: string, calls: readonly CallDescription[]): string {
  if (calls.length === 0) return '';
  const rows = calls.map((call) => [
    call.id === undefined ? call.name : `${call.name}#${call.id}`,
    String(call.calls),
    supported(call.unsupported),
  ]);
  return renderTable([title, 'CALLS', 'SUPPORTED'], rows, [1]);
}

/** C definitions of the types of all maps' keys and values, each once; '' if there are none. */
export function renderTypes(spec: ObjectSpec): string {
  const { btf } = spec;
  if (btf === undefined) return '';
  const ids = new Set<number>();
  for (const map of spec.maps) {
    for (const each of map.inner === undefined ? [map] : [map, map.inner]) {
      if (each.section !== undefined) continue;
      if (each.keyType !== undefined) ids.add(each.keyType);
      if (each.valueType !== undefined) ids.add(each.valueType);
    }
  }
  const text = typeDefinitions(btf, ids);
  return text === '' ? '' : `\n${text}`;
}
