/**
 * `extern ... __kconfig` variables: kernel version and CONFIG_ options as a read-only map. There is no kernel to ask, so
 * options come from the caller, and the version is that of the Linux skep follows.
 */
import { alignUp } from '../addr.js';
import type { Btf, BtfVar } from '../btf/btf.js';
import { viewOf } from '../bytes.js';
import { LoadError } from '../errors.js';
import { encodeText } from '../host.js';
import type { VariableSpec } from '../object/object-spec.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import type { Extern } from './externs.js';
import type { LoadContext } from './load-context.js';
import type { ObjectMaps } from './object-maps.js';

/** Values of CONFIG_ options as a kernel's configuration file spells them, without quotes: `y`, `n`, `m`, a number, a text. */
export type Kconfig = Readonly<Record<string, string | number>>;

const SECTION = '.kconfig';
/** No section has this number: `.kconfig` does not exist in the file. */
const NO_SECTION = -1;
const MAX_BYTES = 0x1_0000;

/** LINUX_VERSION_CODE of Linux 6.18.0; the others as a 64-bit kernel of that version answers. */
const BUILT_IN: Kconfig = {
  LINUX_KERNEL_VERSION: (6 << 16) | (18 << 8),
  LINUX_HAS_BPF_COOKIE: 1,
  LINUX_HAS_SYSCALL_WRAPPER: 1,
};

const TRISTATE: Readonly<Record<string, bigint>> = { n: 0n, y: 1n, m: 2n };

/** Adds the map, if the object has such variables, and says where each lies. Throws `LoadError` 'load-symbol'. */
export function addKconfig(ctx: LoadContext, maps: ObjectMaps, options: Kconfig, externs: Map<string, Extern>): void {
  const { btf } = ctx;
  const datasec = ctx.datasec(SECTION);
  if (btf === undefined || datasec === undefined || datasec.vars.length === 0) return;
  const weak = new Set((ctx.symbols.get(0) ?? []).filter((each) => each.binding === 'weak').map((each) => each.name));
  const contents = new Uint8Array(MAX_BYTES);
  const map = maps.specs.length;
  const variables: VariableSpec[] = [];
  let end = 0;
  for (const each of datasec.vars) {
    const variable = btf.type(each.type);
    if (variable.kind !== 'var') continue;
    const sizeBytes = btf.sizeOf(variable.type) ?? 0;
    const off = alignUp(end, sizeBytes >= 8 ? 8 : 4);
    end = off + sizeBytes;
    if (end > MAX_BYTES) {
      throw new LoadError('load-symbol', `the variables of ${SECTION} take more than 64 KiB`, {
        data: { symbol: variable.name },
      });
    }
    variables.push({ name: variable.name, type: variable.type, off, sizeBytes });
    externs.set(variable.name, { kind: 'kconfig', map, off });
    const value = options[variable.name] ?? BUILT_IN[variable.name];
    if (value !== undefined) store(btf, variable, value, contents.subarray(off, end));
    else if (!weak.has(variable.name)) {
      ctx.notes.add('kconfig', `${variable.name} is not given: taken for 0 (not set)`);
    }
  }
  if (end === 0) return;
  maps.add(NO_SECTION, 0, {
    name: SECTION,
    type: 'array',
    keyBytes: 4,
    valueBytes: end,
    maxEntries: 1,
    flags: MAP_FLAGS.BPF_F_RDONLY_PROG | MAP_FLAGS.BPF_F_MMAPABLE,
    valueType: datasec.id,
    values: [],
    section: SECTION,
    contents: contents.slice(0, end),
    variables,
    readOnly: true,
    pinning: 0,
  });
}

function store(btf: Btf, variable: BtfVar, value: string | number, target: Uint8Array): void {
  const type = btf.resolved(variable.type);
  if (type.kind === 'array') {
    // A text keeps its NUL.
    target.set(encodeText(String(value)).subarray(0, Math.max(0, target.length - 1)));
    return;
  }
  const number = TRISTATE[String(value)] ?? parse(variable, value);
  const view = viewOf(target);
  switch (target.length) {
    case 1:
      view.setUint8(0, Number(BigInt.asUintN(8, number)));
      break;
    case 2:
      view.setUint16(0, Number(BigInt.asUintN(16, number)), true);
      break;
    case 4:
      view.setUint32(0, Number(BigInt.asUintN(32, number)), true);
      break;
    case 8:
      view.setBigUint64(0, BigInt.asUintN(64, number), true);
      break;
    default:
      throw new LoadError('load-symbol', `${variable.name} is neither a number nor a text`, {
        data: { symbol: variable.name },
      });
  }
}

function parse(variable: BtfVar, value: string | number): bigint {
  const text = String(value);
  if (/^(-?\d+|0x[0-9a-fA-F]+)$/.test(text)) return BigInt(text);
  throw new LoadError('load-symbol', `${variable.name}: "${text}" is not a number, y, n or m`, {
    data: { symbol: variable.name, value: text },
  });
}
