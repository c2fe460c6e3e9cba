/**
 * The recorded facts against the running kernel. Runs as root on the recorded Linux version, skips with the reason
 * elsewhere. `BLESS=1` (`npm run probe:kernel`) records again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { CTX_LAYOUTS, type CtxField, ctxFieldAt } from '../../vm/spec/ctx.js';
import { HELPERS, HELPER_ROWS } from '../../vm/spec/helpers.js';
import { PROG_TYPE_ROWS } from '../../vm/spec/prog-types.js';
import { openLoader, whyNotRecordedKernel } from './bpf-syscall.js';
import { kfuncsOf, readKernelBtf } from './kernel-btf.js';
import { probeKernel } from './probe.js';
import { FACTS_VERSION, renderFacts } from './render-facts.js';

const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;
const bless = process.env.BLESS === '1';

/** What the verifier calls a register loaded from a field. */
const VERIFIER_NAMES: Readonly<Record<NonNullable<CtxField['value']>, readonly string[]>> = {
  scalar: ['scalar'],
  packet: ['pkt'],
  'packet-end': ['pkt_end'],
  'packet-meta': ['pkt_meta'],
  sock: ['sock'],
  'sock?': ['sock_or_null'],
  'sock-common?': ['sock_common_or_null'],
  'flow-keys': ['flow_keys'],
  optval: ['pkt'],
  'optval-end': ['pkt_end'],
  btf: ['trusted_ptr_'],
};

t.test('facts about this kernel', { skip }, async (t) => {
  const btf = readKernelBtf();
  const facts = probeKernel(openLoader(), btf);

  for (const [path, text] of await renderFacts(facts, kfuncsOf(btf))) {
    const place = new URL(`../../${path}`, import.meta.url);
    if (bless) writeFileSync(place, text);
    t.equal(readFileSync(place, 'utf8'), text, path);
  }

  for (const { site, errno } of facts.unavailable) {
    t.comment(`not recorded: ${site.type}/${site.attach ?? ''}, no program loads (errno ${errno})`);
  }
  t.strictSame(
    HELPERS.map(({ id }) => id),
    facts.helpers,
    'the helper rows are the helpers that exist',
  );

  for (const [name, moves] of facts.movesPacket) {
    t.equal(HELPER_ROWS[name].movesPacket ?? false, moves, `${name}: movesPacket`);
  }

  const callable = new Set(facts.sites.flatMap(({ helpers }) => helpers));
  const gplOnly = new Set(facts.sites.flatMap((site) => site.gplOnly));
  for (const {
    id,
    name,
    gplOnly: says = false,
  } of HELPERS as readonly (typeof HELPER_ROWS)[keyof typeof HELPER_ROWS][]) {
    if (callable.has(id)) t.equal(says, gplOnly.has(id), `${name}: gplOnly`);
  }

  for (const { site, ctx } of facts.sites) {
    const layout = PROG_TYPE_ROWS[site.type].ctx;
    if (ctx === undefined || layout === undefined) continue;
    const readable = new Set(Object.values(ctx.read).flat());
    const found = new Map<number, string>();
    const said = new Map<number, readonly string[]>();
    for (const off of readable) {
      const value = ctxFieldAt(layout, off)?.value ?? 'scalar';
      if (value === 'scalar') continue;
      said.set(off, VERIFIER_NAMES[value]);
      found.set(off, 'scalar');
    }
    for (const [off, value] of ctx.values) found.set(off, value.replace(/^(trusted_ptr_).*/, '$1'));
    t.strictSame(
      [...found].sort(([a], [b]) => a - b).map(([off, value]) => [off, [value]]),
      [...said].sort(([a], [b]) => a - b),
      `${site.type}/${site.attach ?? ''}: pointers in ${layout} (${CTX_LAYOUTS[layout].bytes} bytes)`,
    );
  }
});
