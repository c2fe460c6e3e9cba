/** Runs a row's program on an engine as BPF_PROG_TEST_RUN would, and compares. */
import { specialFields } from '../../vm/btf/special-fields.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { toHex } from '../../vm/bytes.js';
import { must, SkepError } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import type { Machine } from '../../vm/machine/machine.js';
import { describeObject } from '../../vm/object/describe.js';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import type { BareProgram } from '../../vm/object/from-programs.js';
import type { MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';
import { SLOT_BYTES } from '../../vm/isa/insn.js';
import type { Row, RowCode, RowMap, RowRun } from './row.js';

const MEMORY_BYTES = 64 << 20;
const PACKET_BYTES = 4096;
const FUEL = 100_000_000;
/** A machine that loads programs has been up for a while. */
const UPTIME_NS = 60_000_000_000;

export type RunCheck =
  | { readonly kind: 'same' }
  | { readonly kind: 'differs'; readonly how: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** All runs of a row, each on maps as they are at the start; the first that is not the same decides. */
export function runRow(row: Row, engine: EngineName): RunCheck {
  const hook = hookOf(row.type);
  if (hook === undefined) return { kind: 'unsupported', what: `skep does not run ${row.type} programs` };
  try {
    const object = objectOf(row);
    const reasons = describeObject(object).programs[0]?.unsupported ?? [];
    if (reasons.length > 0) return { kind: 'unsupported', what: reasons.join('; ') };
    for (const run of row.runs) {
      const check = runOnce(row, object, engine, run);
      if (check.kind !== 'same') return check;
    }
    return { kind: 'same' };
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    return { kind: 'unsupported', what: error.message };
  }
}

function runOnce(row: Row, object: ObjectSpec, engine: EngineName, run: RowRun): RunCheck {
  const datapath = new Datapath(object, {
    engine,
    memoryBytes: MEMORY_BYTES,
    packetBytes: PACKET_BYTES,
    cpus: 2,
    fuel: FUEL,
  });
  fillMaps(datapath.machine, row, object);
  const testRun = datapath.testRun();
  testRun.setClock(UPTIME_NS);
  const { errno, retval, data, trap } = testRun.run(must(object.programs[0], 'a program'), { data: run.input });
  if (trap !== undefined) {
    return trap.message.includes('unsupported')
      ? { kind: 'unsupported', what: trap.message }
      : { kind: 'differs', how: `trapped: ${trap.message}` };
  }
  if (errno !== 0) return { kind: 'differs', how: `the run failed with errno ${String(errno)}` };
  if ((retval | 0) !== run.retval) {
    return { kind: 'differs', how: `returned ${String(retval | 0)}, Linux ${String(run.retval)}` };
  }
  if (run.output === undefined) return { kind: 'same' };
  const output = data.subarray(0, run.output.length);
  if (toHex(output) === toHex(run.output)) return { kind: 'same' };
  return { kind: 'differs', how: `left ${toHex(output)}, Linux ${toHex(run.output)}` };
}

/** The row's program first, then those in its prog_arrays. */
function objectOf(row: Row): ObjectSpec {
  const own = must(row.code, 'instructions');
  const others = row.maps.flatMap(({ programs }) => programs.map(({ program }) => program));
  const verified = row.program();
  const types = new Map(verified.funcInfo?.map(({ pc, type }) => [pc, type]) ?? []);
  const bare = ({ name, insns, maps, kfuncs, symbols, functions }: RowCode, isOwn: boolean): BareProgram => ({
    name: name === '' ? 'main' : name,
    section: 'row',
    type: row.type,
    ...(verified.attachType === undefined ? {} : { attachType: verified.attachType }),
    bytes: withMapIndices(insns, maps),
    kfuncs,
    symbols,
    functions: new Map(
      [...functions].map(([pc, known]) => {
        const btfType = isOwn ? types.get(pc) : undefined;
        return [pc, btfType === undefined ? known : { ...known, btfType }] as const;
      }),
    ),
  });
  return objectFromPrograms([bare(own, true), ...others.map((each) => bare(each, false))], {
    name: row.name,
    license: verified.license,
    maps: row.maps.map(mapSpec),
    ...(verified.btf === undefined ? {} : { btf: verified.btf }),
  });
}

/** A copy whose map loads hold the map's index, as the object's builder takes them. */
function withMapIndices(insns: Uint8Array, maps: ReadonlyMap<number, number>): Uint8Array {
  const bytes = insns.slice();
  const view = new DataView(bytes.buffer);
  for (const [pc, map] of maps) view.setInt32(pc * SLOT_BYTES + 4, map, true);
  return bytes;
}

function mapSpec(map: RowMap): MapSpec {
  const { name, type, keyBytes, valueBytes, maxEntries, flags, mapExtra, btf, keyType, valueType, inner } = map;
  const special = btf === undefined || valueType === undefined ? [] : specialFields(btf, valueType);
  return {
    name,
    type,
    keyBytes,
    valueBytes,
    maxEntries,
    flags,
    ...(mapExtra === undefined ? {} : { mapExtra }),
    ...(keyType === undefined ? {} : { keyType }),
    ...(valueType === undefined ? {} : { valueType }),
    ...(special.length === 0 ? {} : { special }),
    ...(inner === undefined ? {} : { inner: mapSpec(inner) }),
    values: [],
    readOnly: map.frozen,
    pinning: 0,
  };
}

function fillMaps(machine: Machine, row: Row, object: ObjectSpec): void {
  let program = 1;
  for (const [id, map] of row.maps.entries()) {
    const handle = machine.maps.handle(id);
    for (const { key, value } of map.entries) {
      if (value instanceof Uint8Array) handle.set(key, value);
      else if (value === 'template') handle.setMap(key, machine.maps.createInner(id));
      else
        handle.setMap(
          key,
          row.maps.findIndex(({ name }) => name === value.map),
        );
    }
    for (const { index } of map.programs) handle.setProgram(index, must(object.programs[program++], 'a program').func);
  }
}
