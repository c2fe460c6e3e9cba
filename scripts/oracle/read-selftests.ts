/**
 * Reads recorded selftests: programs as they were loaded (`programs`), and struct-array tests with fixups (`tests`).
 */
import { ConfigError } from '../../vm/errors.js';
import { ATTACH_TYPES, PROG_TYPES } from '../../vm/spec/prog-types.js';
import type { AttachTypeName, ProgTypeName } from '../../vm/spec/prog-types.js';
import type { SlotRef, VerifierMap, VerifierProgram } from '../../vm/verifier/program.js';
import type { Capabilities } from '../../vm/verifier/verdict.js';
import { hex, list, listOrNone, number, numberOrNone, object, objectOrNone, text, textOrNone } from './fields.js';
import type { Json } from './fields.js';
import { BtfBlobs, indexOfMap, readMap } from './read-maps.js';
import type { Row, RowCode, RowFile, RowMap, RowRun } from './row.js';

/** What BPF_PROG_TEST_RUN was given where nothing else is said. */
const DEFAULT_INPUT_BYTES = 64;

interface Load {
  readonly type: ProgTypeName;
  readonly attachType?: AttachTypeName;
  readonly attachTo?: string;
  readonly flags: number;
  readonly license: string;
  readonly btf: string | undefined;
  readonly funcInfo: readonly (readonly [pc: number, type: number])[];
}

/** Whether this is such a file. */
export function isSelftests(file: Json): boolean {
  return Array.isArray(file.programs) || Array.isArray(file.tests);
}

export function readSelftests(file: Json): RowFile {
  const blobs = new BtfBlobs(objectOrNone(file.btf, 'btf'));
  const rows = Array.isArray(file.programs)
    ? list(file.programs, 'programs').map((each) => readProgram(object(each, 'a program'), file, blobs))
    : readTests(file, blobs);
  return { kind: 'selftests', rows };
}

function readProgram(row: Json, file: Json, blobs: BtfBlobs): Row {
  const load = object(row.load, 'load');
  const name = `${text(row.file, 'file')}/${text(row.program, 'program')}`;
  const given = listOrNone(load.maps, 'maps')
    .map((each) => object(each, 'a map'))
    .filter((each) => each.created !== false);
  const names = given.map((each) => text(each.name, 'name of a map'));
  const maps = given.map((each, i) => readMap(each, names[i] ?? '', blobs, (code) => readCode(code, names)));
  const code = { ...readCode(load, names), name: text(row.program, 'program') };
  const input = row.run_in ?? file.default_run_in;
  const output = textOrNone(row.data_out, 'data_out');
  return {
    ...common(row, name),
    type: typeById(number(load.prog_type, 'prog_type')),
    live: {
      accepts: row.live === 'accept',
      errno: numberOrNone(row.errno, 'errno') ?? 0,
      ...liveWords(row),
    },
    program: () => programOf(code, maps, readLoad(load), blobs),
    code,
    maps,
    runs:
      row.rv === 'exact'
        ? [
            {
              input: inputOf(input),
              retval: number(row.retval_actual, 'retval_actual') | 0,
              ...(output === undefined ? {} : { output: hex(output, 'data_out') }),
            },
          ]
        : [],
  };
}

function readTests(file: Json, blobs: BtfBlobs): Row[] {
  const definitions = objectOrNone(file.map_defs, 'map_defs');
  return list(file.tests, 'tests').map((each) => {
    const row = object(each, 'a test');
    const live = object(row.live, 'live');
    const fixups = objectOrNone(row.fixups, 'fixups');
    const kinds = Object.keys(fixups);
    const maps = kinds.map((kind) => {
      const definition = object(definitions[kind], `map ${kind}`);
      // Tests of this kind create their maps without names, but those with BTF.
      const kname = definition.btf === undefined ? '' : 'test_map';
      return readMap({ kname, ...definition }, kind, blobs, (code) => readCode(code, kinds));
    });
    const code: RowCode = {
      ...readCode(row, kinds),
      name: text(row.name, 'name'),
      maps: new Map(
        kinds.flatMap((kind, map) => list(fixups[kind], kind).map((pc) => [number(pc, kind), map] as const)),
      ),
      kfuncs: new Map(
        listOrNone(row.kfunc_fixups, 'kfunc_fixups').map((pair) => {
          const [name, pc] = list(pair, 'kfunc_fixups');
          return [number(pc, 'kfunc_fixups'), text(name, 'kfunc_fixups')] as const;
        }),
      ),
    };
    const load = {
      prog_type: row.prog_type_id,
      expected_attach_type: row.expected_attach_type,
      attach_btf_name: row.attach_kfunc,
      prog_flags: live.load_flags,
      license: row.license,
      btf: row.btf,
      func_info: row.func_info,
    };
    return {
      ...common(row, `${text(row.file, 'file')}/${text(row.name, 'name')}`),
      type: typeById(number(row.prog_type_id, 'prog_type_id')),
      live: {
        accepts: live.verdict === 'accept',
        errno: numberOrNone(live.errno, 'errno') ?? 0,
        ...liveWords(live),
      },
      program: () => programOf(code, maps, readLoad(load), blobs),
      code,
      maps,
      runs: readRuns(row, live),
    };
  });
}

function readRuns(row: Json, live: Json): RowRun[] {
  const given = listOrNone(row.retvals, 'retvals');
  return listOrNone(live.runs, 'runs').flatMap((each, index): RowRun[] => {
    const run = object(each, 'a run');
    if (run.rv !== 'exact') return [];
    const output = textOrNone(run.data_out, 'data_out');
    return [
      {
        input: inputOf(objectOrNone(given[index], 'retvals').data),
        retval: number(run.retval, 'retval') | 0,
        ...(output === undefined ? {} : { output: hex(output, 'data_out') }),
      },
    ];
  });
}

function inputOf(given: unknown): Uint8Array {
  return given === undefined || given === null ? new Uint8Array(DEFAULT_INPUT_BYTES) : hex(given, 'input of a run');
}

function common(row: Json, name: string): Pick<Row, 'name' | 'group' | 'tier' | 'excluded' | 'caps'> {
  const tier = numberOrNone(row.tier, 'tier');
  return {
    name,
    group: text(row.group, 'group'),
    ...(tier === undefined ? {} : { tier }),
    ...(row.usable === false ? { excluded: textOrNone(row.why, 'why') ?? 'not usable' } : {}),
    caps: capsOf(row.caps),
  };
}

function capsOf(given: unknown): Capabilities {
  const names = new Set(listOrNone(given, 'caps'));
  const sysAdmin = names.has('SYS_ADMIN');
  return {
    bpf: sysAdmin || names.has('BPF'),
    perfmon: sysAdmin || names.has('PERFMON'),
    netAdmin: sysAdmin || names.has('NET_ADMIN'),
    sysAdmin,
  };
}

function liveWords(live: Json): { message?: string; processed?: number } {
  const message = textOrNone(live.errline, 'errline');
  const processed = numberOrNone(live.insns_processed, 'insns_processed');
  return { ...(message === undefined ? {} : { message }), ...(processed === undefined ? {} : { processed }) };
}

const TYPE_BY_ID: ReadonlyMap<number, ProgTypeName> = new Map(PROG_TYPES.map(({ id, name }) => [id, name]));
const ATTACH_BY_ID: ReadonlyMap<number, AttachTypeName> = new Map(
  Object.entries(ATTACH_TYPES).map(([name, id]) => [id, name as AttachTypeName]),
);

function typeById(id: number): ProgTypeName {
  const name = TYPE_BY_ID.get(id);
  if (name !== undefined) return name;
  throw new ConfigError('config-file', `${String(id)} is no program type of Linux 6.18`);
}

function readLoad(load: Json): Load {
  const type = typeById(number(load.prog_type, 'prog_type'));
  const attach = numberOrNone(load.expected_attach_type, 'expected_attach_type') ?? 0;
  const attachTo = textOrNone(load.attach_btf_name, 'attach_btf_name');
  // 0 is a place of its own for one type, and "not said" for the others.
  const attachType = attach === 0 && type !== 'cgroup_skb' ? undefined : ATTACH_BY_ID.get(attach);
  return {
    type,
    ...(attachType === undefined ? {} : { attachType }),
    ...(attachTo === undefined ? {} : { attachTo }),
    flags: numberOrNone(load.prog_flags, 'prog_flags') ?? 0,
    license: text(load.license, 'license'),
    btf: textOrNone(load.btf, 'btf'),
    funcInfo: listOrNone(load.func_info, 'func_info').map((each) => {
      const [pc, id] = list(each, 'func_info');
      return [number(pc, 'func_info'), number(id, 'func_info')] as const;
    }),
  };
}

function readCode(row: Json, names: readonly string[]): RowCode {
  return {
    name: textOrNone(row.program, 'program') ?? '',
    insns: hex(row.insns, 'insns'),
    maps: new Map(
      listOrNone(row.map_refs, 'map_refs').map((each) => {
        const [pc, name] = list(each, 'map_refs');
        return [number(pc, 'map_refs'), indexOfMap(names, text(name, 'map_refs'))] as const;
      }),
    ),
    kfuncs: bySlot(row.kfunc_at),
    symbols: bySlot(row.ksym_at),
    functions: new Map(
      listOrNone(row.subprogs, 'subprogs').map((each) => {
        const [pc, name, linkage] = list(each, 'subprogs');
        const known = { name: text(name, 'subprogs'), linkage: linkage === 'static' ? 'static' : 'global' } as const;
        return [number(pc, 'subprogs'), known] as const;
      }),
    ),
  };
}

function bySlot(value: unknown): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(objectOrNone(value, 'names by slot')).map(([pc, name]) => [Number(pc), text(name, 'a name')]),
  );
}

function verifierMap(map: RowMap): VerifierMap {
  const { name, type, keyBytes, valueBytes, maxEntries, flags, frozen, entries, inner } = map;
  const first = entries[0]?.value;
  return {
    ...{ name, type, keyBytes, valueBytes, maxEntries, flags, frozen },
    ...(first instanceof Uint8Array && type === 'array' ? { contents: first } : {}),
    ...(map.mapExtra === undefined ? {} : { mapExtra: map.mapExtra }),
    ...(map.btf === undefined ? {} : { btf: map.btf }),
    ...(map.keyType === undefined ? {} : { keyType: map.keyType }),
    ...(map.valueType === undefined ? {} : { valueType: map.valueType }),
    ...(inner === undefined ? {} : { inner: verifierMap(inner) }),
  };
}

function programOf(code: RowCode, maps: readonly RowMap[], load: Load, blobs: BtfBlobs): VerifierProgram {
  const refs = new Map<number, SlotRef>();
  for (const [pc, map] of code.maps) refs.set(pc, { kind: 'map', map });
  for (const [pc, name] of code.kfuncs) refs.set(pc, { kind: 'kfunc', name });
  for (const [pc, name] of code.symbols) refs.set(pc, { kind: 'ksym', name });
  const { btf: key, funcInfo, ...same } = load;
  const btf = blobs.get(key);
  return {
    name: code.name,
    ...same,
    insns: code.insns,
    maps: maps.map(verifierMap),
    refs,
    ...(btf === undefined ? {} : { btf }),
    ...(funcInfo.length === 0 ? {} : { funcInfo: funcInfo.map(([pc, type]) => ({ pc, type })) }),
    funcNames: new Map([...code.functions].map(([pc, { name }]) => [pc, name])),
  };
}
