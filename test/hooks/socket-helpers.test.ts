/** Helpers that reach sockets: which one a tuple finds, what it says, who must give it back. */
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import type { HookInput } from '../../vm/hooks/hook.js';
import type { AttachTypeName, ProgTypeName } from '../../vm/spec/prog-types.js';
import { attach, ENGINES } from './harness.js';

const FRAME = new Uint8Array(64);

function ip(text: string): number[] {
  return text.split('.').map(Number);
}

/** A struct bpf_sock_tuple: remote first. */
function ipv4Tuple(from: string, fromPort: number, to: string, toPort: number): number[] {
  return [...ip(from), ...ip(to), fromPort >> 8, fromPort & 255, toPort >> 8, toPort & 255];
}

function ipv6Tuple(from: number, fromPort: number, to: number, toPort: number): number[] {
  const address = (last: number): number[] => [0xfd, ...new Array<number>(14).fill(0), last];
  return [...address(from), ...address(to), fromPort >> 8, fromPort & 255, toPort >> 8, toPort & 255];
}

/** Writes bytes to the stack, from fp-64 on. */
function onStack(bytes: readonly number[]): string {
  return bytes.map((byte, index) => `*(u8 *)(r10 - ${64 - index}) = ${byte}`).join('\n');
}

/** Looks a tuple up, keeps a field of what is found in r0 (-1 where nothing is), and gives it back. */
function lookup(helper: string, tuple: readonly number[], field = 44, netns = '-1', flags = 0): string {
  return `
    r6 = r1
    ${onStack(tuple)}
    r2 = r10
    r2 += -64
    r3 = ${tuple.length}
    r4 = ${netns}
    r5 = ${flags}
    call ${helper}
    r7 = -1
    if r0 == 0 goto out
    r7 = *(u32 *)(r0 + ${field})
    r1 = r0
    call sk_release
  out:
    r0 = r7
    exit`;
}

const STATE = 72;
const FAMILY = 4;
const BOUND = 0;

const LOOKUPS: readonly (readonly [what: string, text: string, gives: number, ifindex?: number])[] = [
  ['a listener', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80), STATE), 10],
  ['a connection before its listener', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 4000, '10.0.0.1', 80), STATE), 1],
  ['the listener behind a request', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 4001, '10.0.0.1', 80), STATE), 10],
  ['a request itself', lookup('skc_lookup_tcp', ipv4Tuple('10.0.0.9', 4001, '10.0.0.1', 80), STATE), 12],
  ['nothing of what is over', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 4002, '10.0.0.1', 80), STATE), -1],
  ['what is over', lookup('skc_lookup_tcp', ipv4Tuple('10.0.0.9', 4002, '10.0.0.1', 80), STATE), 6],
  ['nothing on another port', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 82)), -1],
  ['nothing on another address', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.2', 80)), -1],
  ['an IPv6 listener for IPv4', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.2', 8080), FAMILY), 10],
  ['an IPv6 connection', lookup('sk_lookup_tcp', ipv6Tuple(9, 4000, 1, 80), STATE), 1],
  ['an IPv6 listener', lookup('sk_lookup_tcp', ipv6Tuple(9, 1, 2, 80), STATE), 10],
  ['a bound UDP socket', lookup('sk_lookup_udp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 53), BOUND), 0],
  ['one bound to the device', lookup('sk_lookup_udp', ipv4Tuple('10.0.0.9', 1, '10.0.0.3', 53), BOUND), 2, 2],
  ['none on another device', lookup('sk_lookup_udp', ipv4Tuple('10.0.0.9', 1, '10.0.0.3', 53), BOUND), -1, 1],
  ['a connected UDP socket', lookup('sk_lookup_udp', ipv4Tuple('10.0.0.9', 53, '10.0.0.1', 5353), STATE), 1],
  ['for its peer alone', lookup('sk_lookup_udp', ipv4Tuple('10.0.0.8', 53, '10.0.0.1', 5353), STATE), -1],
  ['nothing for sockets outside of the VRF', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80)), -1, 4],
  ['not what is in another namespace', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 81)), -1],
  ['unless asked for', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 81), 44, '5'), 81],
  ['in one that is not there', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80), 44, '6'), -1],
  ['with flags', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80), 44, '-1', 1), -1],
  ['a tuple of a wrong size', lookup('sk_lookup_tcp', ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80).slice(1)), -1],
];

for (const engine of ENGINES) {
  for (const type of ['sched_cls', 'xdp'] as const) {
    t.test(`${engine}: ${type} looks up`, (t) => {
      for (const [what, text, gives, ifindex = 2] of LOOKUPS) {
        const result = attach(type, text, { engine }).attachment.run(FRAME, { ifindex });
        t.match(result, { code: gives, held: undefined, trap: undefined }, what);
      }
      t.end();
    });
  }

  t.test(`${engine}: references`, (t) => {
    const web = ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 80);
    const keeps = attach('sched_cls', lookup('sk_lookup_tcp', web).replace('call sk_release', 'r0 = 0'), {
      engine,
    }).attachment;
    t.strictSame(keeps.run(FRAME).held, [{ name: 'web', references: 1 }]);
    t.strictSame(keeps.run(FRAME).held, [{ name: 'web', references: 1 }], 'each run starts without any');
    const twice = lookup('sk_lookup_tcp', web).replace(
      'call sk_release',
      'r8 = r1\ncall sk_release\nr1 = r8\ncall sk_release',
    );
    t.match(attach('sched_cls', twice, { engine }).attachment.run(FRAME), {
      trap: { name: 'bad-socket', message: /^socket `web`\+0 is no socket/ },
    });
    const stranger = 'r1 = r10\nr1 += -8\ncall sk_release\nexit';
    t.match(attach('sched_cls', stranger, { engine }).attachment.run(FRAME), { trap: { name: 'bad-socket' } });
    const writes = 'r1 = *(u64 *)(r1 + 168)\n*(u32 *)(r1 + 16) = 1\nr0 = 0\nexit';
    t.match(attach('sched_cls', writes, { engine }).attachment.run(FRAME, { sk: 'web' }), {
      trap: { name: 'memory', message: 'write of 4 bytes at socket `web`+16, which is read-only' },
    });
    const half = 'r1 = *(u64 *)(r1 + 168)\nr0 = *(u32 *)(r1 + 16)\nexit';
    t.match(attach('sched_cls', half, { engine }).attachment.run(FRAME, { sk: 'request' }), {
      trap: { name: 'memory' },
    });
    t.end();
  });

  t.test(`${engine}: what sockets and tasks say`, (t) => {
    interface Row {
      readonly what: string;
      readonly body: string;
      readonly gives: number;
      readonly type?: ProgTypeName;
      readonly attachType?: AttachTypeName;
      readonly input?: HookInput;
    }
    const sk = 'r1 = *(u64 *)(r1 + 168)\n';
    const high = '\nr0 >>= 32';
    const rows: readonly Row[] = [
      { what: 'cookie', body: 'call get_socket_cookie', gives: 5, input: { sk: 'web' } },
      { what: 'all of the cookie', body: `call get_socket_cookie${high}`, gives: 1, input: { sk: 'web' } },
      { what: 'no cookie', body: 'call get_socket_cookie', gives: 0 },
      { what: 'uid', body: 'call get_socket_uid', gives: 33, input: { sk: 'web' } },
      { what: 'nobody', body: 'call get_socket_uid', gives: 65534 },
      { what: 'namespace', body: 'call get_netns_cookie', gives: 77, input: { sk: 'elsewhere' } },
      { what: 'the first namespace', body: 'r1 = 0\ncall get_netns_cookie', gives: 1, input: { sk: 'elsewhere' } },
      { what: 'cgroup', body: 'call skb_cgroup_id', gives: 4711, input: { sk: 'web' }, type: 'cgroup_skb' },
      { what: 'its parent', body: 'r2 = 1\ncall skb_ancestor_cgroup_id', gives: 2, input: { sk: 'web' } },
      { what: 'nothing so deep', body: 'r2 = 3\ncall skb_ancestor_cgroup_id', gives: 0, input: { sk: 'web' } },
      { what: 'classid', body: 'call skb_cgroup_classid', gives: 0x10002, input: { sk: 'web' } },
      {
        what: 'cgroup by socket',
        body: `${sk}call sk_cgroup_id`,
        gives: 4711,
        input: { sk: 'web' },
        type: 'cgroup_skb',
      },
      {
        what: 'ancestor by socket',
        body: `${sk}r2 = 0\ncall sk_ancestor_cgroup_id`,
        gives: 1,
        input: { sk: 'web' },
        type: 'cgroup_skb',
      },
      {
        what: 'a full one',
        body: `${sk}call sk_fullsock\nif r0 == 0 goto +1\nr0 = 1`,
        gives: 1,
        input: { sk: 'conn' },
      },
      { what: 'no full one', body: `${sk}call sk_fullsock`, gives: 0, input: { sk: 'over' } },
      { what: 'TCP', body: `${sk}call tcp_sock\nr0 = *(u32 *)(r0 + 0)`, gives: 10, input: { sk: 'conn' } },
      {
        what: 'bytes of TCP',
        body: `${sk}call tcp_sock\nr0 = *(u64 *)(r0 + 88)${high}`,
        gives: 2,
        input: { sk: 'conn' },
      },
      { what: 'no TCP', body: `${sk}call tcp_sock`, gives: 0, input: { sk: 'dns' } },
      {
        what: 'the listener of a request',
        body: `${sk}call get_listener_sock\nr0 = *(u32 *)(r0 + 72)`,
        gives: 10,
        input: { sk: 'request' },
      },
      { what: 'no listener', body: `${sk}call get_listener_sock`, gives: 0, input: { sk: 'conn' } },
      { what: 'pid', body: 'call get_current_pid_tgid', gives: 100 },
      { what: 'tgid', body: `call get_current_pid_tgid${high}`, gives: 99 },
      { what: 'uid of the task', body: 'call get_current_uid_gid', gives: 1000 },
      { what: 'gid of the task', body: `call get_current_uid_gid${high}`, gives: 1001 },
      {
        what: 'comm',
        body: 'r1 = r10\nr1 += -8\nr2 = 4\ncall get_current_comm\nr0 = *(u32 *)(r10 - 8)',
        gives: 0x00727563,
      },
      { what: 'cgroup of the task', body: 'call get_current_cgroup_id', gives: 4711 },
      { what: 'its ancestor', body: 'r1 = 1\ncall get_current_ancestor_cgroup_id', gives: 2 },
      { what: 'classid of the task', body: 'call get_cgroup_classid', gives: 0x10002 },
      {
        what: 'retval',
        body: 'call get_retval',
        gives: -95,
        type: 'cgroup_sock_addr',
        attachType: 'cgroup_inet4_connect',
        input: { sk: 'fresh', retval: -95 },
      },
      {
        what: 'no positive retval',
        body: 'r1 = 1\ncall set_retval',
        gives: -22,
        type: 'cgroup_sock_addr',
        attachType: 'cgroup_inet4_connect',
        input: { sk: 'fresh' },
      },
    ];
    for (const { what, body, gives, type = 'sched_cls', attachType, input = {} } of rows) {
      const options = attachType === undefined ? { engine } : { engine, attachType };
      const data = attachType === undefined ? FRAME : new Uint8Array(0);
      t.match(
        attach(type, `${body}\nexit`, options).attachment.run(data, input),
        { code: gives, trap: undefined },
        what,
      );
    }
    const refuses = attach('cgroup_sock_addr', 'r1 = -111\ncall set_retval\nr0 = 0\nexit', {
      engine,
      attachType: 'cgroup_inet4_connect',
    });
    t.match(refuses.attachment.run(new Uint8Array(0), { sk: 'fresh' }), { verdict: 'reject', retval: -111 });
    t.end();
  });

  t.test(`${engine}: assigned sockets`, (t) => {
    const assign = (tuple: readonly number[], flags = 0): string =>
      lookup('sk_lookup_udp', tuple).replace(
        'r1 = r0\n    call sk_release',
        `r8 = r0\nr1 = r6\nr2 = r8\nr3 = ${flags}\ncall sk_assign\nr7 = r0\nr1 = r8\ncall sk_release`,
      );
    const dns = ipv4Tuple('10.0.0.9', 1, '10.0.0.1', 53);
    t.match(attach('sched_cls', assign(dns), { engine }).attachment.run(FRAME), { code: 0, socket: 'dns' });
    t.match(attach('sched_cls', assign(dns, 1), { engine }).attachment.run(FRAME), { code: -22, socket: undefined });
    t.match(attach('sched_cls', assign(dns), { engine, attachType: 'tcx_egress' }).attachment.run(FRAME), {
      code: -95,
    });

    const looksUp = (tuple: readonly number[], helper: string, flags = 0, again = ''): string =>
      lookup(helper, tuple).replace(
        'r1 = r0\n    call sk_release',
        `r8 = r0\nr1 = r6\nr2 = r8\nr3 = ${flags}\ncall sk_assign\nr7 = r0\n${again}\nr1 = r8\ncall sk_release`,
      );
    const run = (text: string, ctx: NonNullable<HookInput['ctx']> = { family: 2, protocol: 17 }) =>
      attach('sk_lookup', text, { engine, attachType: 'sk_lookup' }).attachment.run(new Uint8Array(0), {
        ctx,
      });
    t.match(run(looksUp(dns, 'sk_lookup_udp')), { code: 0, socket: 'dns', ctx: { family: 2 } });
    t.match(run(looksUp(dns, 'sk_lookup_udp'), { family: 2, protocol: 6 }), { code: -91 }, 'protocol');
    t.match(run(looksUp(dns, 'sk_lookup_udp'), { family: 10, protocol: 17 }), { code: -97 }, 'family');
    t.match(run(looksUp(dns, 'sk_lookup_udp', 4)), { code: -22 }, 'flags');
    const again = 'r1 = r6\nr2 = r8\nr3 = 0\ncall sk_assign\nr7 = r0';
    t.match(run(looksUp(dns, 'sk_lookup_udp', 0, again)), { code: -17, socket: 'dns' }, 'one is there');
    t.match(run(looksUp(dns, 'sk_lookup_udp', 0, again.replace('r3 = 0', 'r3 = 1'))), { code: 0 }, 'replaced');
    const connected = ipv4Tuple('10.0.0.9', 4000, '10.0.0.1', 80);
    t.match(run(looksUp(connected, 'sk_lookup_tcp'), { family: 2, protocol: 6 }), { code: -94 }, 'connected');
    t.end();
  });

  t.test(`${engine}: options of sockets`, (t) => {
    const set = (level: number, name: number, value: number): string =>
      `r6 = r1\n*(u32 *)(r10 - 8) = ${value}\nr2 = ${level}\nr3 = ${name}\nr4 = r10\nr4 += -8\nr5 = 4\ncall setsockopt\n`;
    const get = (level: number, name: number): string =>
      `r7 = r0\nr1 = r6\nr2 = ${level}\nr3 = ${name}\nr4 = r10\nr4 += -16\nr5 = 4\ncall getsockopt\nr0 = *(u32 *)(r10 - 16)\nif r7 == 0 goto +1\nr0 = r7\nexit`;
    const run = (level: number, name: number, value: number) =>
      attach('sock_ops', set(level, name, value) + get(level, name), {
        engine,
        attachType: 'cgroup_sock_ops',
      }).attachment.run(new Uint8Array(0), { sk: 'conn' });
    t.equal(run(1, 36, 5).code, 5, 'SO_MARK');
    t.equal(run(1, 9, 7).code, 1, 'SO_KEEPALIVE');
    t.equal(run(6, 4, 30).code, 30, 'TCP_KEEPIDLE');
    t.equal(run(6, 4, 0).code, -22, 'out of bounds');
    t.equal(run(1, 62, 99).code, -19, 'no such device');
    t.equal(run(6, 1008, 3).code, 3, 'TCP_BPF_SOCK_OPS_CB_FLAGS');
    t.match(run(6, 13, 0), {
      trap: { name: 'unsupported-option', message: 'socket option 13 of level 6 is unsupported by skep' },
    });

    const bind = (address: readonly number[], size: number): string =>
      `${onStack(address)}\nr2 = r10\nr2 += -64\nr3 = ${size}\ncall bind\nexit`;
    const connect = (text: string) =>
      attach('cgroup_sock_addr', text, { engine, attachType: 'cgroup_inet4_connect' }).attachment.run(
        new Uint8Array(0),
        { sk: 'fresh' },
      ).code;
    t.equal(connect(bind([2, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 16)), 0);
    t.equal(connect(bind([2, 0, 0, 0, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0], 16)), -99, 'not an address of ours');
    t.equal(connect(bind([2, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 8)), -22);
    t.equal(connect(bind([3, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 16)), -97);
    t.end();
  });

  t.test(`${engine}: events that a socket asks for, options in headers`, (t) => {
    const run = (text: string, data: Uint8Array = new Uint8Array(0), op = 0) =>
      attach('sock_ops', text, { engine, attachType: 'cgroup_sock_ops' }).attachment.run(data, {
        sk: 'conn',
        ctx: { op },
      });
    t.match(run('r2 = 0x85\ncall sock_ops_cb_flags_set\nexit'), { code: 0x80, ctx: { bpf_sock_ops_cb_flags: 5 } });
    // MSS 1460, NOP, window scale 7, end.
    const header = Uint8Array.from([
      ...new Array<number>(12).fill(0),
      0x80,
      2,
      ...new Array<number>(6).fill(0),
      2,
      4,
      5,
      180,
      1,
      3,
      3,
      7,
      0,
      0,
      0,
      0,
    ]);
    const load = (kind: number, room = 8, flags = 0, length = 0): string =>
      `*(u64 *)(r10 - 8) = ${kind + 256 * length}\nr2 = r10\nr2 += -8\nr3 = ${room}\nr4 = ${flags}\ncall load_hdr_opt\nr6 = *(u32 *)(r10 - 8)\nif r0 s< 0 goto +1\nr0 = r6\nexit`;
    t.equal(run(load(3), header).code, 0x00070303);
    t.equal(run(load(2), header).code, 0xb4050402 | 0);
    t.equal(run(load(8), header).code, -42, 'not there');
    t.equal(run(load(3, 2), header).code, -28, 'no room');
    t.equal(run(load(3, 8, 0, 3), header).code, -22, 'length given');
    t.equal(run(load(254, 8, 0, 4), header).code, -42);
    t.equal(run(load(3)).code, -1, 'no header');
    const reserve = (bytes: number): string => `r2 = ${bytes}\nr3 = 0\ncall reserve_hdr_opt\nexit`;
    t.equal(run(reserve(4), new Uint8Array(0), 14).code, 0);
    t.equal(run(reserve(41), new Uint8Array(0), 14).code, -28);
    t.equal(run(reserve(4)).code, -1, 'another event');
    const store = `*(u64 *)(r10 - 8) = 0x0304fe\nr2 = r10\nr2 += -8\nr3 = 4\nr4 = 0\ncall store_hdr_opt\nexit`;
    const stored = run(store, header, 15);
    t.equal(stored.code, 0);
    t.equal(toHex(stored.packet.subarray(32)), 'fe040300', 'behind what was there');
    t.end();
  });

  t.test(`${engine}: messages`, (t) => {
    const run = (text: string) =>
      attach('sk_msg', text, { engine, attachType: 'sk_msg_verdict' }).attachment.run(
        Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        { sk: 'conn' },
      );
    const call = (helper: string, start: number, length: number): string =>
      `r6 = r1\nr2 = ${start}\nr3 = ${length}\nr4 = 0\ncall ${helper}\n`;
    const see = `r2 = *(u64 *)(r6 + 0)\nr0 = *(u64 *)(r6 + 8)\nr0 -= r2\nr0 <<= 8\nr3 = *(u8 *)(r2 + 0)\nr0 |= r3\nexit`;
    t.match(run('r6 = r1\nr2 = 5\ncall msg_apply_bytes\nr1 = r6\nr2 = 9\ncall msg_cork_bytes\nexit'), {
      code: 0,
      message: { applyBytes: 5, corkBytes: 9 },
    });
    t.equal(run(call('msg_pull_data', 2, 6) + see).code, 0x403);
    t.equal(run(`${call('msg_pull_data', 2, 9)}exit`).code, -22);
    t.equal(run(`${call('msg_pull_data', 2, 2)}exit`).code, -22);
    const pushed = run(call('msg_push_data', 3, 2) + see);
    t.match(pushed, { code: 0x301, ctx: { size: 10 } });
    t.equal(toHex(pushed.packet), '01020300000405060708');
    t.equal(run(`${call('msg_push_data', 9, 2)}exit`).code, -22);
    const popped = run(call('msg_pop_data', 0, 3) + see);
    t.match(popped, { code: 0x504, ctx: { size: 5 } });
    t.equal(toHex(run(call('msg_pop_data', 2, 3) + see).packet), '0102060708');
    t.equal(run(`${call('msg_pop_data', 6, 3)}exit`).code, -22);
    const stale = `r6 = r1\nr7 = *(u64 *)(r1 + 0)\nr2 = 0\nr3 = 4\nr4 = 0\ncall msg_pull_data\nr0 = *(u8 *)(r7 + 0)\nexit`;
    t.match(run(stale).trap, { name: 'memory', message: /old packet pointer/ });
    t.end();
  });
}
