/**
 * Programs that redirect, look up routes, read clocks and format text, asked of the kernel and of skep. Only what does not
 * depend on the machine is asked: devices that are missing, and the loopback device, which forwards nothing. Knows neither
 * side.
 */
import { encodeText } from '../../vm/host.js';
import { MAP_FLAGS } from '../../vm/spec/map-types.js';
import { bytesOf, le, mapSpec } from '../machine/harness.js';
import { call, of, OUT, program, type RedirectCase, type Type } from './redirect-case.js';
import { stringCases } from './string-cases.js';

const FLAGS = [0, 1, 2, 3, 4, 8, 9, 16, 24, '0x80000000 ll', '0x100000000 ll', '0x10000 ll', '0x20000 ll', -1];

function deviceCases(): RedirectCase[] {
  const types = ['xdp', 'sched_cls'] as const;
  return [
    ...types.flatMap((type) =>
      [0, 1, 99, -1].flatMap((ifindex) => FLAGS.map((flags) => of(type, 'redirect', ifindex, flags))),
    ),
    ...[0, 1, 99].flatMap((ifindex) => FLAGS.map((flags) => of('sched_cls', 'redirect_peer', ifindex, flags))),
    ...[0, 1, 99].flatMap((ifindex) =>
      [0, 1, 2, '0x100000000 ll'].flatMap((flags) => [
        of('sched_cls', 'redirect_neigh', ifindex, 0, 0, flags),
        ...[1, 16, 19, 20, 21, 28].map((bytes) => of('sched_cls', 'redirect_neigh', ifindex, 'out', bytes, flags)),
      ]),
    ),
    // To the loopback device they would be sent.
    ...[0, 99, -1].flatMap((ifindex) => FLAGS.map((flags) => of('sched_cls', 'clone_redirect', 'ctx', ifindex, flags))),
    ...FLAGS.filter((flags) => flags !== 0 && flags !== 1).map((flags) =>
      of('sched_cls', 'clone_redirect', 'ctx', 1, flags),
    ),
  ];
}

function mapCases(): RedirectCase[] {
  const kinds = ['devmap', 'devmap_hash', 'cpumap'] as const;
  return kinds.flatMap((type) =>
    [4, 8].flatMap((valueBytes) =>
      ['empty', 'filled']
        .filter((what) => what === 'empty' || type !== 'cpumap')
        .flatMap((what) =>
          [0, 1, 3, 4, 99, -1, '0x100000001 ll'].flatMap((key) =>
            [...FLAGS, 5, 10, 11, 12, 26].map((flags): RedirectCase => {
              const { text } = of('xdp', 'redirect_map', '&map0', key, flags);
              const name = `${what} ${type} of ${valueBytes}, redirect_map ${key} ${flags}`;
              const maps = [mapSpec({ type, name: 'targets', valueBytes, maxEntries: 4 })];
              return what === 'empty'
                ? { name, type: 'xdp', text, maps }
                : { name, type: 'xdp', text, maps, entries: [[le(1, 4), le(1, valueBytes)]] };
            }),
          ),
        ),
    ),
  );
}

interface FibAsk {
  readonly family: number;
  readonly ifindex: number;
  readonly totLen: number;
  readonly src: string;
  readonly dst: string;
}

function fibText(type: Type, { family, ifindex, totLen, src, dst }: FibAsk, bytes: number, flags: number): string {
  const params = new Uint8Array(64).fill(0x5a);
  params.set([family, 17, 0x12, 0x34, 0, 53]);
  params.set(le(totLen, 2), 6);
  params.set(le(ifindex, 4), 8);
  params.set(le(254, 4), 48);
  params.set(bytesOf(src), 16);
  params.set(bytesOf(dst), 32);
  const words = Array.from({ length: 16 }, (_, i) => new DataView(params.buffer).getInt32(4 * i, true));
  // Longer parameters than the struct reach past it.
  const before = words.map((word, i) => `*(u32 *)(r10 - ${-OUT - 4 * i}) = ${word}`).join('\n');
  const tail = Array.from({ length: 4 }, (_, i) => `*(u64 *)(r10 - ${-OUT - 64 - 8 * i}) = 0`).join('\n');
  return program(type, call('fib_lookup', 'ctx', 'out', bytes, flags), `${before}\n${tail}`);
}

function fibCases(): RedirectCase[] {
  const v4 = ['7f000001', 'c0000209', 'e0000001', 'ffffffff', '00000000'];
  const v6 = [
    '00000000000000000000000000000001',
    '20010db8000000000000000000000001',
    'fe800000000000000000000000000001',
    'febf0000000000000000000000000001',
    'fec00000000000000000000000000001',
    'ff020000000000000000000000000001',
    '00000000000000000000000000000000',
    '00000000000000000000ffff7f000001',
  ];
  const cases: RedirectCase[] = [];
  const add = (type: Type, ask: FibAsk, bytes: number, flags: number): void => {
    const { family, ifindex, totLen, src, dst } = ask;
    const name = `${type} fib_lookup ${family} dev ${ifindex} ${src} > ${dst}, length ${totLen}, ${bytes} bytes, flags ${flags}`;
    cases.push({ name, type, text: fibText(type, ask, bytes, flags) });
  };
  for (const type of ['xdp', 'sched_cls'] as const) {
    for (const ifindex of [0, 1, 99, -1]) {
      for (const dst of v4) {
        for (const flags of [0, 1, 4]) add(type, { family: 2, ifindex, totLen: 100, src: 'c0000201', dst }, 64, flags);
      }
      for (const dst of v6) {
        add(type, { family: 10, ifindex, totLen: 0, src: v6[1] ?? '', dst }, 64, 0);
        add(type, { family: 10, ifindex, totLen: 1500, src: dst, dst: v6[1] ?? '' }, 64, 1);
      }
    }
    for (const flags of [2, 3, 8, 9, 16, 32, 63, 64, 128, 0x7fffffff, -1]) {
      add(type, { family: 2, ifindex: 1, totLen: 0, src: 'c0000201', dst: 'c0000209' }, 64, flags);
      add(type, { family: 10, ifindex: 99, totLen: 0, src: v6[1] ?? '', dst: v6[1] ?? '' }, 64, flags);
    }
    for (const family of [0, 1, 2, 7, 10, 17, 255]) {
      for (const bytes of [1, 63, 64, 65, 72]) {
        add(type, { family, ifindex: 1, totLen: 0, src: '', dst: '' }, bytes, 0);
      }
    }
  }
  return cases;
}

/** r0 is 1 where the relation holds. */
function clockCases(): RedirectCase[] {
  const holds = (first: string, relation: string, second: string): RedirectCase => ({
    name: `${first} ${relation} ${second}`,
    type: 'xdp',
    text: program(
      'xdp',
      `call ${first}
      r7 = r0
      call ${second}
      r1 = r0
      r0 = 1
      if r7 ${relation} r1 goto done
      r0 = 0
    done:`,
    ),
  });
  const clocks = ['ktime_get_ns', 'ktime_get_boot_ns', 'ktime_get_coarse_ns', 'ktime_get_tai_ns', 'jiffies64'];
  return [
    ...clocks.map((clock) => holds(clock, '<=', clock)),
    holds('ktime_get_coarse_ns', '<=', 'ktime_get_ns'),
    holds('ktime_get_ns', '<=', 'ktime_get_boot_ns'),
    holds('ktime_get_ns', '<=', 'ktime_get_tai_ns'),
    {
      name: 'jiffies64 starts five minutes before 2^32',
      type: 'xdp',
      text: program('xdp', 'call jiffies64\nr1 = r0\nr0 = 0\nr2 = 0xfffedb08 ll\nif r1 < r2 goto done\nr0 = 1\ndone:'),
    },
    { name: 'get_numa_node_id', type: 'xdp', text: program('xdp', 'call get_numa_node_id') },
  ];
}

/** Texts that arguments point to, behind the format. */
const TEXT_OFF = 64;
const TEXTS = [encodeText('words\0'), bytesOf('c0000201'), bytesOf('20010db8000000000000000000000001')];

type Arg = number | bigint | 'words' | 'ipv4' | 'ipv6';

function formatCase(format: string, args: readonly Arg[], outBytes = 64, dataBytes = 8 * args.length): RedirectCase {
  const contents = new Uint8Array(TEXT_OFF + 64);
  contents.set(encodeText(format));
  TEXTS.forEach((text, i) => {
    contents.set(text, TEXT_OFF + 16 * i);
  });
  const store = args.map((arg, i) => {
    const at = `*(u64 *)(r10 - ${256 - 8 * i})`;
    if (typeof arg !== 'string') return `r1 = ${BigInt.asIntN(64, BigInt(arg))} ll\n${at} = r1`;
    return `r1 = &value0\nr1 += ${TEXT_OFF + 16 * ['words', 'ipv4', 'ipv6'].indexOf(arg)}\n${at} = r1`;
  });
  const data = dataBytes === 0 ? 'r4 = 0' : 'r4 = r10\nr4 += -256';
  return {
    name: `snprintf "${format}" ${args.join(' ')}, ${outBytes} of room, ${dataBytes} bytes of arguments`,
    type: 'xdp',
    maps: [
      mapSpec({
        type: 'array',
        name: '.rodata',
        section: '.rodata',
        valueBytes: contents.length,
        maxEntries: 1,
        flags: MAP_FLAGS.BPF_F_RDONLY_PROG,
        readOnly: true,
        contents,
      }),
    ],
    text: program(
      'xdp',
      `${store.join('\n')}
      r1 = r10
      r1 += ${OUT}
      r2 = ${outBytes}
      r3 = &value0
      ${data}
      r5 = ${dataBytes}
      call snprintf`,
    ),
  };
}

function formatCases(): RedirectCase[] {
  const numbers = [0, 5, -1, 0x80000000, 0x100000005n, 0x7fffffffffffffffn, -0x8000000000000000n];
  const integers = ['%d', '%i', '%u', '%x', '%X', '%ld', '%lu', '%lx', '%lld', '%llu', '%llx', '%llX', '%li'];
  const shaped = ['[%5d]', '[%-5d]', '[%05d]', '[%+d]', '[% d]', '[%-05d]', '[%08x]', '[%20llu]', '[%c]', '[%3c]'];
  return [
    ...integers.flatMap((format) => numbers.map((value) => formatCase(format, [value]))),
    ...shaped.flatMap((format) => [65, -42].map((value) => formatCase(format, [value]))),
    ...['', 'hello', '100%%', '%%d', 'tab\tline\n', 'a b'].map((format) => formatCase(format, [])),
    ...[0, 1, 2, 5, 6, 7, 63].map((room) => formatCase('hello', [], room)),
    ...[0, 1, 3, 9, 20].map((room) => formatCase('%d-%s', [1234, 'words'], room)),
    ...['%s', '%s!', '[%10s]', '[%-10s]', '%ps', '%px', '%pks', '%pus']
      .map((format) => formatCase(format, [format === '%px' ? 0x1234 : 'words']))
      .filter(({ name }) => !/%p(s|us)/.test(name)),
    ...['%pI4', '%pi4'].map((format) => formatCase(format, ['ipv4'])),
    ...['%pI6', '%pi6'].map((format) => formatCase(format, ['ipv6'])),
    ...[
      '%pI5',
      '%pI',
      '%q',
      '%f',
      '%n',
      '%',
      '%l',
      '%lll',
      '%llld',
      '%hd',
      '%*d',
      '%.3d',
      '%#x',
      '%5',
      'caf\u00e9',
      '\x01',
    ].map((format) => formatCase(format, [1])),
    formatCase('%d', []),
    formatCase('%d %d', [1]),
    formatCase('%d', [1, 2]),
    formatCase('none', [1, 2]),
    formatCase('%d %u %x %c %lld', [-1, 1, 255, 97, -1]),
    formatCase(
      '%x%x%x%x%x%x%x%x%x%x%x%x',
      Array.from({ length: 12 }, (_, i) => i),
    ),
    formatCase(
      '%x%x%x%x%x%x%x%x%x%x%x%x%x',
      Array.from({ length: 13 }, (_, i) => i),
    ),
    ...[1, 4, 7, 9, 12, 15].map((bytes) => formatCase('%d', [1, 2], 64, bytes)),
  ];
}

export const REDIRECT_CASES: readonly RedirectCase[] = [
  ...deviceCases(),
  ...mapCases(),
  ...fibCases(),
  ...clockCases(),
  ...formatCases(),
  ...stringCases(),
];
