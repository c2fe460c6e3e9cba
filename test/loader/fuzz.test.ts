/**
 * Hostile objects: 10,000 damaged copies of the committed ones. Each loads or is refused with one of the loader's own
 * errors; nothing else may happen. SEED=... repeats a run, RUNS=... changes its length.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { typeDefinitions } from '../../vm/btf/c-text.js';
import { parseElf } from '../../vm/elf/elf.js';
import { BtfError, ElfError, LoadError } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { describeObject } from '../../vm/object/describe.js';

const seed = Number(process.env.SEED ?? Date.now() % 0x7fff_ffff);
const numRuns = Number(process.env.RUNS ?? 10_000);

interface Region {
  readonly off: number;
  readonly sizeBytes: number;
}
interface Specimen {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Parts where damage goes deep: headers, symbols, relocations, BTF, maps. */
  readonly regions: readonly Region[];
}

function specimens(folder: string): Specimen[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.o') && !file.includes('big-endian'))
    .sort()
    .map((file) => {
      const bytes = new Uint8Array(readFileSync(`${folder}/${file}`));
      const headersOff = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(40, true));
      const { sections } = parseElf(bytes);
      const regions = [
        { off: 0, sizeBytes: 64 },
        { off: headersOff, sizeBytes: sections.length * 64 },
      ];
      for (const section of sections) {
        if (section.type !== 8 && section.sizeBytes > 0)
          regions.push({ off: section.fileOff, sizeBytes: section.sizeBytes });
      }
      return { name: file, bytes, regions };
    });
}

const objects = [...specimens('bpf'), ...specimens('bpf/examples')];

const INTERESTING = [
  0, 1, 2, 3, 7, 8, 23, 24, 0x7f, 0x80, 0xff, 0xffff, 0x8000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff,
];

type Damage =
  | { readonly kind: 'flip'; readonly region: number; readonly at: number; readonly bit: number }
  | {
      readonly kind: 'word';
      readonly region: number;
      readonly at: number;
      readonly value: number;
      readonly bytes: number;
    }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'splice'; readonly from: number; readonly to: number; readonly length: number };

// Without bias towards 0, which would be the file's first bytes most of the time.
const share = fc.noBias(fc.nat(0xffff)).map((part) => part / 0x1_0000);
const region = fc.noBias(fc.nat(0xffff));
const damage: fc.Arbitrary<Damage> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('flip' as const), region, at: share, bit: fc.nat(7) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('word' as const),
      region,
      at: share,
      value: fc.oneof(fc.constantFrom(...INTERESTING), fc.nat(300)),
      bytes: fc.constantFrom(1, 2, 4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: share }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('splice' as const),
      from: share,
      to: share,
      length: fc.integer({ min: 1, max: 256 }),
    }),
  },
);

function apply(specimen: Specimen, damages: readonly Damage[]): Uint8Array {
  let bytes = specimen.bytes.slice();
  for (const each of damages) {
    if (each.kind === 'cut') {
      bytes = bytes.slice(0, Math.floor(each.at * bytes.length));
    } else if (each.kind === 'splice') {
      const from = Math.floor(each.from * bytes.length);
      bytes.copyWithin(Math.floor(each.to * bytes.length), from, from + each.length);
    } else {
      const region = specimen.regions[each.region % specimen.regions.length] ?? { off: 0, sizeBytes: 1 };
      const step = each.kind === 'word' ? each.bytes : 1;
      const at = region.off + Math.floor((each.at * region.sizeBytes) / step) * step;
      if (at + step > bytes.length) continue;
      if (each.kind === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << each.bit);
      else for (let index = 0; index < step; index++) bytes[at + index] = (each.value >>> (8 * index)) & 0xff;
    }
  }
  return bytes;
}

/** Loads and looks at everything; 'loaded' or the code of an error that is allowed. */
function outcome(bytes: Uint8Array, targetBtf?: Uint8Array): string {
  try {
    const spec = loadObject(bytes, targetBtf === undefined ? {} : { targetBtf });
    describeObject(spec);
    const { btf } = spec;
    if (btf !== undefined) {
      typeDefinitions(
        btf,
        spec.maps.flatMap((map) => [map.keyType ?? 0, map.valueType ?? 0]),
      );
    }
    return 'loaded';
  } catch (error) {
    if (error instanceof ElfError || error instanceof BtfError || error instanceof LoadError) return error.code;
    throw error;
  }
}

t.test(`damaged objects (SEED=${seed})`, (t) => {
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(fc.constantFrom(...objects), fc.array(damage, { minLength: 1, maxLength: 6 }), (specimen, damages) => {
      const code = outcome(apply(specimen, damages));
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    }),
    { seed, numRuns },
  );
  t.comment(JSON.stringify(Object.fromEntries([...outcomes].sort(([a], [b]) => a.localeCompare(b)))));
  t.ok(outcomes.has('loaded'), 'some damage does not matter');
  for (const family of ['elf-', 'btf-', 'load-']) {
    t.ok(
      [...outcomes.keys()].some((code) => code.startsWith(family)),
      `${family}* is met`,
    );
  }
  t.end();
});

t.test(`damaged target BTF (SEED=${seed})`, (t) => {
  const bytes = new Uint8Array(readFileSync('bpf/examples/core.bpf.o'));
  const elf = parseElf(bytes);
  const section = elf.sections.find((each) => each.name === '.BTF');
  if (section === undefined) throw new Error('no BTF');
  const target = elf.contents(section).slice();
  const specimen: Specimen = {
    name: 'target',
    bytes: target,
    regions: [
      { off: 0, sizeBytes: 24 },
      { off: 24, sizeBytes: target.length - 24 },
    ],
  };
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      outcomes.add(outcome(bytes, apply(specimen, damages)));
    }),
    { seed, numRuns: Math.ceil(numRuns / 10) },
  );
  t.ok(outcomes.has('loaded') && outcomes.size > 1, [...outcomes].join(' '));
  t.end();
});
