/**
 * Test runs of program types beside XDP and tc that are asked of the kernel and of skep, and must be answered alike: what is
 * refused, what a program sees, what comes back. Knows neither side.
 */
import { fromHex } from '../../vm/bytes.js';
import type { TestRunRequest } from '../../vm/hooks/test-run.js';
import type { AttachTypeName, ProgTypeName } from '../../vm/spec/prog-types.js';
import { patternBytes } from '../machine/harness.js';

export interface HookCase {
  readonly name: string;
  readonly type: ProgTypeName;
  readonly attach?: AttachTypeName;
  readonly text: string;
  readonly request: TestRunRequest;
}

function frame(headers: string, length: number): Uint8Array {
  const bytes = patternBytes(length);
  const head = fromHex(headers.replaceAll(' ', ''));
  if (head === undefined) throw new Error(`not hexadecimal: ${headers}`);
  bytes.set(head.subarray(0, length));
  return bytes;
}

const MACS = '020000000002 020000000001';
const IPV4 = '4502002812344000400600000a0000010a000002 13880050';
const IPV6 = '6020000000140640 20010db8000000000000000000000001 20010db8000000000000000000000002 13880050';

const PACKETS: Readonly<Record<string, Uint8Array>> = {
  ipv4: frame(`${MACS}0800${IPV4}`, 74),
  ipv6: frame(`${MACS}86dd${IPV6}`, 94),
  arp: frame('ffffffffffff 020000000001 0806', 42),
  vlan: frame(`${MACS}81000064 0800${IPV4}`, 78),
  multicast: frame(`01005e000001 020000000001 0800${IPV4}`, 60),
};

const LENGTHS = [0, 1, 13, 14, 15, 33, 34, 53, 54, 100, 3711, 3712, 3713, 4096, 4097];

const SKB_TYPES: readonly ProgTypeName[] = [
  'socket_filter',
  'sched_cls',
  'sched_act',
  'cgroup_skb',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
];
/** Whose r0 is no verdict that the verifier bounds. */
const FREE: readonly ProgTypeName[] = SKB_TYPES.filter((type) => type !== 'cgroup_skb');

const CTX_BYTES = 192;

/** struct __sk_buff with words at offsets. */
function skbCtx(words: Readonly<Record<number, number>>, bytes = CTX_BYTES): Uint8Array {
  const ctx = new Uint8Array(Math.max(bytes, CTX_BYTES));
  const view = new DataView(ctx.buffer);
  for (const [off, value] of Object.entries(words)) view.setUint32(Number(off), value, true);
  return ctx.subarray(0, bytes);
}

/** Leaves r7 in cb[0] and cb[1], and 1 in r0. */
const KEEP = `
  *(u32 *)(r6 + 48) = r7
  r7 >>= 32
  *(u32 *)(r6 + 52) = r7
  r0 = 1
  exit`;

function reads(what: string): string {
  return `r6 = r1\nr7 = 0\n${what}${KEEP}`;
}

const FIELDS: Readonly<Record<string, number>> = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  hash: 68,
  gso_segs: 164,
  gso_size: 176,
};

function* skbCases(): Generator<HookCase> {
  for (const type of SKB_TYPES) {
    const run = (name: string, text: string, request: TestRunRequest): HookCase => ({
      name: `${type}: ${name}`,
      type,
      text,
      request,
    });
    for (const [packet, data] of Object.entries(PACKETS)) {
      yield run(`nothing on ${packet}`, 'r0 = 1\nexit', { data });
      for (const [field, off] of Object.entries(FIELDS)) {
        yield run(`${field} of ${packet}`, reads(`r7 = *(u32 *)(r1 + ${off})`), { data, ctx: skbCtx({}) });
      }
      for (const off of [0, 8, 12, 16]) {
        const load = `r2 = ${off}\nr3 = r10\nr3 += -8\nr4 = 8\ncall skb_load_bytes\nr7 = *(u64 *)(r10 - 8)`;
        yield run(`skb_load_bytes(${off}) of ${packet}`, reads(`*(u64 *)(r10 - 8) = 0\n${load}`), {
          data,
          ctx: skbCtx({}),
        });
      }
      yield run(`sk of ${packet}`, reads('r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto +1\nr7 = 1'), {
        data,
        ctx: skbCtx({}),
      });
      if (FREE.includes(type)) {
        yield run(`r0 of ${packet}`, 'r0 = *(u32 *)(r1 + 0)\nr0 |= 0x7f000000\nexit', { data });
      }
    }
    const data = PACKETS.ipv4 ?? new Uint8Array(0);
    for (const length of LENGTHS) {
      for (const [packet, bytes] of Object.entries(PACKETS)) {
        if (length > bytes.length && packet !== 'ipv4') continue;
        const cut = length <= bytes.length ? bytes.subarray(0, length) : frame(`${MACS}0800${IPV4}`, length);
        yield run(`${length} bytes of ${packet}`, 'r0 = 1\nexit', { data: cut });
      }
    }
    const settings: readonly Readonly<Record<number, number>>[] = [
      ...[0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 68, 72, 76, 80, 84, 88, 92, 132, 136, 140, 144].map(
        (off) => ({
          [off]: 1,
        }),
      ),
      ...[152, 156, 160, 164, 168, 172, 176, 180, 184, 188].map((off) => ({ [off]: 1 })),
      ...[40, 60, 74, 75, 65536, 65537].map((bytes) => ({ 160: bytes })),
      ...[65535, 65536].map((segments) => ({ 164: segments })),
      ...[0xffff, 0x12345].map((bytes) => ({ 176: bytes })),
      { 40: 0x7fff_fff0 },
      { 36: 7, 8: 8, 32: 9, 152: 10, 156: 11, 184: 12 },
    ];
    for (const words of settings) {
      const told = Object.entries(words).map(([off, value]) => `${off}=${value}`);
      yield run(`ctx ${told.join(' ')}`, 'r0 = 1\nexit', { data, ctx: skbCtx(words) });
    }
    for (const bytes of [1, 8, 100, 191, 193, 256]) {
      yield run(`ctx of ${bytes} bytes`, 'r0 = 1\nexit', { data, ctx: skbCtx({ 0: 0 }, bytes) });
    }
    yield run('ctx too long', 'r0 = 1\nexit', { data, ctx: skbCtx({ 192: 1 }, 200) });
    for (const flags of [1, 2, 4, 5, 8]) yield run(`flags ${flags}`, 'r0 = 1\nexit', { data, flags });
    yield run('no room for data', 'r0 = 1\nexit', { data, wantsData: false });
  }
  yield* socketCases();
}

/** What the packet's socket says, where the type may look. */
function* socketCases(): Generator<HookCase> {
  const SOCK = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 76];
  for (const [packet, data] of Object.entries(PACKETS)) {
    for (const type of ['sched_cls', 'cgroup_skb'] as const) {
      // Without a queue Linux gives -1 in 64 bits for a load of 32; skep's loads hold what fits.
      for (const off of SOCK) {
        const look = `
          r1 = *(u64 *)(r1 + 168)
          r7 = 77
          if r1 == 0 goto out
          call sk_fullsock
          r7 = 78
          if r0 == 0 goto out
          r7 = *(u32 *)(r0 + ${off})
          w7 = w7
        out:`;
        yield { name: `${type}: sk+${off} of ${packet}`, type, text: reads(look), request: { data, ctx: skbCtx({}) } };
      }
    }
    for (const off of [84, 88, 92, 96, 100, 104, 108, 112, 116, 120, 124, 128, 132, 136]) {
      const text = reads(`r7 = *(u32 *)(r1 + ${off})`);
      yield {
        name: `cgroup_skb: ctx+${off} of ${packet}`,
        type: 'cgroup_skb',
        text,
        request: { data, ctx: skbCtx({}) },
      };
    }
    for (const type of ['cgroup_skb', 'lwt_in', 'lwt_out', 'lwt_xmit'] as const) {
      const text = reads(`
        r2 = *(u32 *)(r1 + 76)
        r3 = *(u32 *)(r1 + 80)
        r7 = r3
        r7 -= r2
        r4 = r2
        r4 += 8
        if r4 > r3 goto out
        r7 = *(u64 *)(r2 + 0)
      out:`);
      yield { name: `${type}: data of ${packet}`, type, text, request: { data, ctx: skbCtx({}) } };
      if (type !== 'cgroup_skb') {
        const head = reads(
          `r2 = 20\nr3 = 0\ncall ${type === 'lwt_xmit' ? 'skb_change_head' : 'skb_pull_data'}\nr7 = r0`,
        );
        yield { name: `${type}: room on ${packet}`, type, text: head, request: { data, ctx: skbCtx({}) } };
      }
    }
    const stores = reads(
      'r2 = 4\nr3 = r10\nr3 += -8\n*(u64 *)(r10 - 8) = 0x1122\nr4 = 8\nr5 = 0\ncall skb_store_bytes\nr7 = r0',
    );
    yield { name: `lwt_xmit: store on ${packet}`, type: 'lwt_xmit', text: stores, request: { data, ctx: skbCtx({}) } };
    for (const load of ['ldabsb 0', 'ldabsh 0', 'ldabsw 12', 'ldabsb 2000']) {
      const text = `r6 = r1\n${load.replace(/ldabs(.) (\d+)/, (_, width: string, off: string) => {
        const type = { b: 'u8', h: 'u16', w: 'u32' }[width] ?? 'u8';
        return `r0 = *(${type} *)skb[${off}]`;
      })}\nexit`;
      yield { name: `socket_filter: ${load} of ${packet}`, type: 'socket_filter', text, request: { data } };
    }
  }
}

/** SYN and ACK headers: 20 bytes of IP and 24 of TCP on the stack. */
const HEADERS = `
  *(u64 *)(r10 - 64) = 0x45
  *(u64 *)(r10 - 56) = 0x640
  *(u64 *)(r10 - 48) = 0x11223344
  r9 = 0x0200000a5000 ll
  *(u64 *)(r10 - 40) = r9
  *(u64 *)(r10 - 32) = 0x77
  *(u64 *)(r10 - 24) = 0x0260
  r9 = 0xb4050402 ll
  *(u64 *)(r10 - 16) = r9
  *(u64 *)(r10 - 8) = 0`;

/** Helpers about the packet's own socket, and about SYN cookies. */
function* ownSocketCases(): Generator<HookCase> {
  const data = PACKETS.ipv4 ?? new Uint8Array(0);
  const withSock = (call: string): string => `
    r8 = r1
    r1 = *(u64 *)(r1 + 168)
    r7 = 77
    if r1 == 0 goto out
    call sk_fullsock
    r7 = 78
    if r0 == 0 goto out
    ${call}
    r7 = r0
  out:`;
  const calls: Readonly<Record<string, string>> = {
    tcp_sock: 'r1 = r0\ncall tcp_sock\nif r0 == 0 goto +1\nr0 = 1',
    get_listener_sock: 'r1 = r0\ncall get_listener_sock\nif r0 == 0 goto +1\nr0 = 1',
    'sk_assign(0)': 'r1 = r8\nr2 = r0\nr3 = 0\ncall sk_assign',
    'sk_assign(1)': 'r1 = r8\nr2 = r0\nr3 = 1\ncall sk_assign',
    ...Object.fromEntries(
      [
        [20, 24],
        [20, 20],
        [10, 24],
        [20, 12],
      ].map(([ip, tcp]) => [
        `tcp_gen_syncookie(${ip}, ${tcp})`,
        `r1 = r0\nr2 = r10\nr2 += -64\nr3 = ${ip}\nr4 = r10\nr4 += -36\nr5 = ${tcp}\ncall tcp_gen_syncookie`,
      ]),
    ),
    tcp_check_syncookie:
      'r1 = r0\nr2 = r10\nr2 += -64\nr3 = 20\nr4 = r10\nr4 += -36\nr5 = 20\ncall tcp_check_syncookie',
  };
  for (const [name, call] of Object.entries(calls)) {
    const text = reads(`${HEADERS}${withSock(call)}`);
    yield { name: `sched_cls: ${name}`, type: 'sched_cls', text, request: { data, ctx: skbCtx({}) } };
  }
  const plain: Readonly<Record<string, string>> = {
    get_socket_uid: 'call get_socket_uid\nr7 = r0',
    'get_socket_cookie != 0': 'call get_socket_cookie\nif r0 == 0 goto +1\nr7 = 1',
    'skb_ancestor_cgroup_id(-1)': 'r2 = -1\ncall skb_ancestor_cgroup_id\nr7 = r0',
    skb_cgroup_classid: 'call skb_cgroup_classid\nr7 = r0',
    ...Object.fromEntries(
      [1, 11, 12, 13, 35, 36, 40].map((size) => [
        `sk_lookup_tcp of ${size}`,
        `r2 = r10\nr2 += -64\nr3 = ${size}\nr4 = -1\nr5 = 0\ncall sk_lookup_tcp\nr7 = 1\nif r0 == 0 goto out\nr1 = r0\ncall sk_release\nr7 = 2\nout:`,
      ]),
    ),
    ...Object.fromEntries(
      [19, 20, 24, 28].map((size) => [
        `tcp_raw_gen_syncookie_ipv4 of ${size}`,
        `r1 = r10\nr1 += -64\nr2 = r10\nr2 += -36\nr3 = ${size}\ncall tcp_raw_gen_syncookie_ipv4\nr0 >>= 32\nr7 = r0`,
      ]),
    ),
    'tcp_raw_check_syncookie_ipv4 of nothing':
      'r1 = r10\nr1 += -64\nr2 = r10\nr2 += -36\ncall tcp_raw_check_syncookie_ipv4\nr7 = r0',
    'a raw cookie that is answered': `
      r1 = r10\nr1 += -64\nr2 = r10\nr2 += -36\nr3 = 24\ncall tcp_raw_gen_syncookie_ipv4
      w0 += 1
      r0 = be32 r0
      *(u32 *)(r10 - 28) = r0
      r0 = *(u32 *)(r10 - 32)
      r0 = be32 r0
      w0 += 1
      r0 = be32 r0
      *(u32 *)(r10 - 32) = r0
      r1 = r10\nr1 += -64\nr2 = r10\nr2 += -36\ncall tcp_raw_check_syncookie_ipv4\nr7 = r0`,
  };
  for (const [name, call] of Object.entries(plain)) {
    const text = reads(`${HEADERS}\nr1 = r6\n${call}`);
    yield { name: `sched_cls: ${name}`, type: 'sched_cls', text, request: { data, ctx: skbCtx({}) } };
  }
}

const KEYS_BYTES = 56;

function keysCtx(words: Readonly<Record<number, number>>, bytes = KEYS_BYTES): Uint8Array {
  return skbCtx(words, Math.max(bytes, CTX_BYTES)).subarray(0, bytes);
}

function* flowDissectorCases(): Generator<HookCase> {
  const run = (name: string, body: string, request: TestRunRequest): HookCase => ({
    name: `flow_dissector: ${name}`,
    type: 'flow_dissector',
    attach: 'flow_dissector',
    text: `r6 = *(u64 *)(r1 + 144)\n${body}`,
    request,
  });
  const done = 'r0 = 0\nexit';
  for (const [packet, data] of Object.entries(PACKETS)) {
    yield run(`nothing on ${packet}`, done, { data });
    yield run(`r0 on ${packet}`, 'r0 = 129\nexit', { data });
    for (const off of [0, 2, 4, 10, 12, 48]) {
      yield run(`keys+${off} of ${packet}`, `r0 = *(u16 *)(r6 + ${off})\nexit`, { data });
    }
    for (const [nhoff, thoff] of [
      [0, 0],
      [14, 34],
      [20, 10],
      [100, 200],
      [18, 65535],
      [65535, 3],
      [73, 74],
    ]) {
      const body = `*(u16 *)(r6 + 0) = ${nhoff}\n*(u16 *)(r6 + 2) = ${thoff}\n${done}`;
      yield run(`nhoff ${nhoff} thoff ${thoff} on ${packet}`, body, { data });
    }
  }
  const data = PACKETS.ipv4 ?? new Uint8Array(0);
  const fill = Array.from({ length: 7 }, (_, i) => `r2 = ${0x1010101 * (i + 1)}\n*(u64 *)(r6 + ${8 * i}) = r2`).join(
    '\n',
  );
  yield run('all keys', `${fill}\n${done}`, { data });
  for (const length of [...LENGTHS, 4095]) {
    const bytes = length <= data.length ? data.subarray(0, length) : frame(`${MACS}0800${IPV4}`, length);
    yield run(`${length} bytes`, done, { data: bytes });
  }
  for (const off of [0, 4, 8, 12, 16, 44, 48, 52]) {
    yield run(`ctx ${off}=1`, 'r0 = *(u32 *)(r6 + 48)\nexit', { data, ctx: keysCtx({ [off]: 1 }) });
  }
  for (const flags of [1, 2, 4, 7, 0x100]) {
    yield run(`keys' flags ${flags}`, 'r0 = *(u32 *)(r6 + 48)\nexit', { data, ctx: keysCtx({ 48: flags }) });
  }
  for (const bytes of [1, 8, 48, 52, 55, 57, 100])
    yield run(`ctx of ${bytes} bytes`, done, { data, ctx: keysCtx({}, bytes) });
  yield run('ctx too long', done, { data, ctx: keysCtx({ 56: 1 }, 60) });
  for (const flags of [1, 2, 4]) yield run(`flags ${flags}`, done, { data, flags });
  yield run('no room for data', done, { data, wantsData: false });
  yield run('no room for ctx', done, { data, ctx: keysCtx({ 48: 1 }), wantsCtx: false });
}

const LOOKUP_BYTES = 72;

function* skLookupCases(): Generator<HookCase> {
  const run = (name: string, text: string, request: TestRunRequest): HookCase => ({
    name: `sk_lookup: ${name}`,
    type: 'sk_lookup',
    attach: 'sk_lookup',
    text,
    request: { wantsData: false, ...request },
  });
  const pass = 'r0 = 1\nexit';
  const ctx = (words: Readonly<Record<number, number>>, bytes = LOOKUP_BYTES): Uint8Array =>
    skbCtx(words).subarray(0, bytes);
  const ipv4 = { 8: 2, 12: 6, 16: 0x0100_000a, 36: 0x5000, 40: 0x0200_000a, 60: 443 };
  const ipv6 = { 8: 10, 12: 17, 20: 1, 24: 2, 28: 3, 32: 4, 36: 0x5000, 44: 5, 48: 6, 52: 7, 56: 8, 60: 53 };
  yield run('no ctx', pass, {});
  yield run('empty ctx', pass, { ctx: new Uint8Array(0) });
  yield run('room for data', pass, { ctx: ctx(ipv4), wantsData: true });
  yield run('data', pass, { ctx: ctx(ipv4), data: new Uint8Array(64) });
  for (const flags of [1, 2, 4]) yield run(`flags ${flags}`, pass, { ctx: ctx(ipv4), flags });
  for (const family of [0, 1, 2, 3, 10, 11, 0x10002])
    yield run(`family ${family}`, pass, { ctx: ctx({ ...ipv4, 8: family }) });
  for (const port of [0, 65535, 65536]) yield run(`local port ${port}`, pass, { ctx: ctx({ ...ipv4, 60: port }) });
  for (const off of [0, 4, 64, 68]) yield run(`ctx ${off}=1`, pass, { ctx: ctx({ ...ipv4, [off]: 1 }) });
  for (const bytes of [8, 12, 40, 60, 64, 68, 71]) yield run(`ctx of ${bytes} bytes`, pass, { ctx: ctx(ipv4, bytes) });
  for (const bytes of [73, 80]) yield run(`ctx of ${bytes} bytes`, pass, { ctx: ctx(ipv4, bytes) });
  yield run('ctx too long', pass, { ctx: ctx({ ...ipv4, 72: 1 }, 80) });
  yield run('drop', 'r0 = 0\nexit', { ctx: ctx(ipv4) });
  yield run('no room for ctx', pass, { ctx: ctx(ipv4), wantsCtx: false });
  const given = {
    ipv4,
    ipv6,
    'protocol above 16 bits': { ...ipv4, 12: 0x50006 },
    'remote port above 16 bits': { ...ipv4, 36: 0x12345678 },
  };
  for (const [name, words] of Object.entries(given)) {
    for (const off of [8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64]) {
      for (const bit of off === 36 ? [0, 4, 8, 12] : [0, 8, 16, 24]) {
        const text = `r0 = *(u32 *)(r1 + ${off})\nr0 >>= ${bit}\nr0 &= 1\nexit`;
        yield run(`bit ${bit} of ctx+${off}, ${name}`, text, { ctx: ctx(words) });
      }
    }
    const text = 'r1 = *(u64 *)(r1 + 0)\nr0 = 0\nif r1 == 0 goto +1\nr0 = 1\nexit';
    yield run(`sk, ${name}`, text, { ctx: ctx(words) });
  }
}

function* netfilterCases(): Generator<HookCase> {
  const run = (name: string, text: string, request: TestRunRequest): HookCase => ({
    name: `netfilter: ${name}`,
    type: 'netfilter',
    attach: 'netfilter',
    text,
    // No context comes back.
    request: { ...request, wantsCtx: false },
  });
  const accept = 'r0 = 1\nexit';
  const state = (hook: number, family: number, bytes = 48, pointerAt = -1): Uint8Array => {
    const ctx = new Uint8Array(bytes);
    ctx.set([hook, family]);
    if (pointerAt >= 0) ctx[pointerAt] = 1;
    return ctx;
  };
  for (const [packet, data] of Object.entries(PACKETS)) {
    yield run(`nothing on ${packet}`, accept, { data });
    yield run(`drop ${packet}`, 'r0 = 0\nexit', { data });
    for (const hook of [0, 1, 2, 3, 4, 5, 200]) {
      for (const family of [0, 1, 2, 10])
        yield run(`hook ${hook} of ${family} on ${packet}`, accept, { data, ctx: state(hook, family) });
    }
    yield run(`pointers of ${packet}`, 'r2 = *(u64 *)(r1 + 0)\nr0 = 0\nif r2 == 0 goto +1\nr0 = 1\nexit', { data });
  }
  const data = PACKETS.ipv4 ?? new Uint8Array(0);
  for (const length of LENGTHS) {
    const bytes = length <= data.length ? data.subarray(0, length) : frame(`${MACS}0800${IPV4}`, length);
    for (const hook of [0, 3])
      yield run(`${length} bytes at hook ${hook}`, accept, { data: bytes, ctx: state(hook, 2) });
  }
  for (const at of [2, 4, 8, 16, 24, 32, 40]) yield run(`state byte ${at}`, accept, { data, ctx: state(3, 2, 48, at) });
  for (const bytes of [2, 8, 47, 49]) yield run(`state of ${bytes} bytes`, accept, { data, ctx: state(3, 2, bytes) });
  yield run('state too long', accept, { data, ctx: state(3, 2, 56, 50) });
  for (const flags of [1, 4]) yield run(`flags ${flags}`, accept, { data, flags });
}

function* syscallCases(): Generator<HookCase> {
  const run = (name: string, text: string, request: TestRunRequest): HookCase => ({
    name: `syscall: ${name}`,
    type: 'syscall',
    text,
    request: { wantsData: false, wantsCtx: false, ...request },
  });
  const ctx = patternBytes(64);
  yield run('nothing', 'r0 = -5\nexit', {});
  yield run('with ctx', 'r0 = *(u32 *)(r1 + 8)\n*(u64 *)(r1 + 16) = 0x55\nexit', { ctx });
  yield run('all of ctx', 'r0 = *(u64 *)(r1 + 56)\nexit', { ctx });
  yield run('room for ctx', 'r0 = 0\nexit', { ctx, wantsCtx: true });
  yield run('room for data', 'r0 = 0\nexit', { ctx, wantsData: true });
  yield run('data', 'r0 = 0\nexit', { ctx, data: new Uint8Array(20) });
  yield run('repeat', 'r0 = 0\nexit', { ctx, repeat: 1 });
  for (const flags of [1, 4]) yield run(`flags ${flags}`, 'r0 = 0\nexit', { ctx, flags });
  for (const bytes of [65535, 65536]) yield run(`ctx of ${bytes} bytes`, 'r0 = 0\nexit', { ctx: patternBytes(bytes) });
}

/** Types that cannot be run so. */
function* unsupportedCases(): Generator<HookCase> {
  const types: readonly (readonly [ProgTypeName, AttachTypeName?])[] = [
    ['lwt_seg6local'],
    ['sk_skb'],
    ['cgroup_sock', 'cgroup_inet_sock_create'],
    ['cgroup_sock_addr', 'cgroup_inet4_connect'],
    ['cgroup_sockopt', 'cgroup_getsockopt'],
    ['cgroup_sysctl', 'cgroup_sysctl'],
    ['cgroup_device', 'cgroup_device'],
    ['sock_ops', 'cgroup_sock_ops'],
    ['sk_msg', 'sk_msg_verdict'],
    ['sk_reuseport', 'sk_reuseport_select'],
  ];
  for (const [type, attach] of types) {
    const site = attach === undefined ? { type } : { type, attach };
    yield { name: `${type}: cannot be run so`, ...site, text: 'r0 = 1\nexit', request: { data: patternBytes(64) } };
  }
}

export const HOOK_CASES: readonly HookCase[] = [
  ...skbCases(),
  ...ownSocketCases(),
  ...flowDissectorCases(),
  ...skLookupCases(),
  ...netfilterCases(),
  ...syscallCases(),
  ...unsupportedCases(),
];
