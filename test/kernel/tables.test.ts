/** The tables of `vm/spec` against the running kernel's BTF: numbers, names, offsets. Skips off the recorded version. */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import t from 'tap';
import { CTX_LAYOUTS, type CtxField } from '../../vm/spec/ctx.js';
import { HELPERS } from '../../vm/spec/helpers.js';
import { MAP_FLAGS, MAP_TYPES, RINGBUF_FLAGS, RINGBUF_QUERIES, UPDATE_FLAGS } from '../../vm/spec/map-types.js';
import { ATTACH_TYPES, PROG_TYPES } from '../../vm/spec/prog-types.js';
import { enumOf, readKernelBtf, structOf } from './kernel-btf.js';
import { FACTS_VERSION } from './render-facts.js';

function whySkip(): string | false {
  if (process.platform !== 'linux') return 'not Linux';
  if (!release().startsWith(`${FACTS_VERSION}.`))
    return `the tables are of Linux ${FACTS_VERSION}, this is ${release()}`;
  return existsSync('/sys/kernel/btf/vmlinux') ? false : 'this kernel shows no BTF';
}

t.test('tables equal the BTF of this kernel', { skip: whySkip() }, (t) => {
  const btf = readKernelBtf();
  /** `name=value` of an enum without its prefix, ends (`unspec`, `__MAX`) and second names left out. */
  const entries = (name: string, prefix: string): string[] =>
    enumOf(btf, name)
      .filter((each) => each.name.startsWith(prefix) && !/_DEPRECATED$|unspec$/i.test(each.name))
      .map((each) => `${each.name.slice(prefix.length).toLowerCase()}=${each.value}`);
  const rows = (table: readonly { name: string; id: number }[]): string[] =>
    table.map(({ name, id }) => `${name}=${id}`);

  t.strictSame(rows(MAP_TYPES).sort(), entries('bpf_map_type', 'BPF_MAP_TYPE_').sort(), 'map types');
  t.strictSame(rows(PROG_TYPES), entries('bpf_prog_type', 'BPF_PROG_TYPE_'), 'program types');
  t.strictSame(rows(HELPERS), entries('bpf_func_id', 'BPF_FUNC_'), 'helpers');
  t.strictSame(
    Object.entries(ATTACH_TYPES).map(([name, id]) => `${name}=${id}`),
    entries('bpf_attach_type', 'BPF_'),
    'attach types',
  );

  for (const [name, layout] of Object.entries(CTX_LAYOUTS)) {
    if (name === 'bpf_perf_event_data') continue;
    const fields: readonly CtxField[] = layout.fields;
    t.strictSame(
      { bytes: layout.bytes, fields: fields.map(({ name, off, bytes, count = 1 }) => ({ name, off, bytes, count })) },
      structOf(btf, name),
      name,
    );
  }

  const constants = new Map<string, number>();
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'enum') for (const { name, value } of type.values) constants.set(name, Number(value));
  }
  for (const table of [MAP_FLAGS, UPDATE_FLAGS, RINGBUF_FLAGS, RINGBUF_QUERIES]) {
    for (const [name, value] of Object.entries(table)) t.equal(value, constants.get(name), name);
  }
  t.end();
});
