/** Each program type: what it sees of an event, what it may change, what comes back. */
import t from 'tap';
import type { HookInput } from '../../vm/hooks/hook.js';
import { CTX_LAYOUTS } from '../../vm/spec/ctx.js';
import { PROG_TYPES, type AttachTypeName, type ProgTypeName } from '../../vm/spec/prog-types.js';
import { hookOf } from '../../vm/hooks/table.js';
import { attach, ENGINES } from './harness.js';

/** IPv4 UDP over Ethernet. */
const FRAME = Uint8Array.from([
  ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
  ...[0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1],
  ...[0, 53, 0, 53, 0, 12, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd],
]);

/** Keeps 4 bytes of the data in r0, -1 where there are none; `w`: width of the ctx's pointers. */
function firstBytes(start: number, end: number, width: 'u32' | 'u64'): string {
  return `
    r2 = *(${width} *)(r1 + ${start})
    r3 = *(${width} *)(r1 + ${end})
    r0 = -1
    r4 = r2
    r4 += 4
    if r4 > r3 goto out
    r0 = *(u32 *)(r2 + 0)
  out:
    exit`;
}

interface Case {
  readonly what: string;
  readonly type: ProgTypeName;
  readonly attachType?: AttachTypeName;
  readonly text: string;
  readonly data?: Uint8Array;
  readonly input?: HookInput;
  readonly gives: Readonly<Record<string, unknown>>;
}

const read = (off: number, width = 'u32'): string => `r0 = *(${width} *)(r1 + ${off})\nexit`;

const CASES: readonly Case[] = [
  {
    what: 'frames from the start',
    type: 'socket_filter',
    text: 'r6 = r1\nr0 = *(u16 *)skb[12]\nexit',
    data: FRAME,
    gives: { code: 0x800 },
  },
  {
    what: 'packets from the IP header',
    type: 'cgroup_skb',
    text: firstBytes(76, 80, 'u32'),
    data: FRAME,
    gives: { code: 0x20000045 },
  },
  {
    what: 'packets from the IP header',
    type: 'lwt_xmit',
    text: firstBytes(76, 80, 'u32'),
    data: FRAME,
    gives: { code: 0x20000045 },
  },
  {
    what: 'packets from the IP header',
    type: 'lwt_seg6local',
    text: firstBytes(76, 80, 'u32'),
    data: FRAME,
    gives: { code: 0x20000045 },
  },
  { what: 'the length without Ethernet', type: 'lwt_in', text: read(0), data: FRAME, gives: { code: 32 } },
  {
    what: 'the payload',
    type: 'sk_skb',
    text: firstBytes(76, 80, 'u32'),
    data: Uint8Array.of(1, 2, 3, 4, 5),
    input: { sk: 'conn' },
    gives: { code: 0x04030201 },
  },
  { what: 'the peer', type: 'sk_skb', text: read(92), data: FRAME, input: { sk: 'conn' }, gives: { code: 0x0900000a } },
  {
    what: 'its port in network order, above',
    type: 'sk_skb',
    text: read(132),
    data: FRAME,
    input: { sk: 'conn' },
    gives: { code: 0xa00f0000 | 0 },
  },
  {
    what: 'the sender',
    type: 'cgroup_skb',
    attachType: 'cgroup_inet_egress',
    text: read(136),
    data: FRAME,
    input: { sk: 'dns' },
    gives: { code: 53 },
  },
  {
    what: 'given fields',
    type: 'cgroup_skb',
    text: read(8),
    data: FRAME,
    input: { ctx: { mark: 9 } },
    gives: { code: 9, verdict: '9', retval: 0 },
  },
  {
    what: 'a refusal',
    type: 'cgroup_skb',
    text: 'r0 = 0\nexit',
    data: FRAME,
    gives: { verdict: 'reject', retval: -1 },
  },
  {
    what: 'keys',
    type: 'flow_dissector',
    attachType: 'flow_dissector',
    text: 'r1 = *(u64 *)(r1 + 144)\nr0 = *(u16 *)(r1 + 0)\nexit',
    data: FRAME,
    gives: { code: 14 },
  },
  {
    what: 'mark and priority',
    type: 'cgroup_sock',
    attachType: 'cgroup_inet_sock_create',
    text: '*(u32 *)(r1 + 16) = 5\nr0 = *(u32 *)(r1 + 4)\nexit',
    input: { sk: 'fresh' },
    gives: { code: 2, ctx: { mark: 5, family: 2, type: 1, protocol: 6 } },
  },
  {
    what: 'what it is bound to',
    type: 'cgroup_sock',
    attachType: 'cgroup_inet4_post_bind',
    text: read(24),
    input: { sk: 'web' },
    gives: { code: 0x0100000a },
  },
  {
    what: 'the address',
    type: 'cgroup_sock_addr',
    attachType: 'cgroup_inet4_connect',
    text: '*(u32 *)(r1 + 24) = 0x12345678\n*(u32 *)(r1 + 4) = 0x0700000a\nr0 = 1\nexit',
    input: { sk: 'fresh', ctx: { user_ip4: '10.0.0.5', user_port: 80 } },
    gives: {
      verdict: 'allow',
      retval: 0,
      ctx: { user_family: 2, user_ip4: '10.0.0.7', user_port: 0x7856, type: 1, protocol: 6 },
    },
  },
  {
    what: 'the port in network order',
    type: 'cgroup_sock_addr',
    attachType: 'cgroup_inet6_connect',
    text: read(24),
    input: { sk: 'fresh6', ctx: { user_port: 80, user_ip6: 'fd00::5' } },
    gives: { code: 0x5000, ctx: { user_ip6: 'fd00::5', family: 10 } },
  },
  {
    what: 'the family',
    type: 'cgroup_sock_addr',
    attachType: 'cgroup_unix_connect',
    text: read(28),
    input: { sk: 'local' },
    gives: { code: 1 },
  },
  {
    what: 'an option',
    type: 'cgroup_sockopt',
    attachType: 'cgroup_setsockopt',
    text: firstBytes(8, 16, 'u64'),
    data: Uint8Array.of(9, 0, 0, 0),
    input: { sk: 'web', ctx: { level: 6, optname: 1 } },
    gives: { code: 9, ctx: { level: 6, optname: 1, optlen: 4 } },
  },
  {
    what: 'a file',
    type: 'cgroup_sysctl',
    attachType: 'cgroup_sysctl',
    text: read(0),
    input: { ctx: { write: 1 } },
    gives: { code: 1 },
  },
  {
    what: 'a device',
    type: 'cgroup_device',
    attachType: 'cgroup_device',
    text: read(4),
    input: { ctx: { major: 8 } },
    gives: { code: 8 },
  },
  {
    what: 'an event',
    type: 'sock_ops',
    attachType: 'cgroup_sock_ops',
    text: read(0),
    input: { sk: 'conn', ctx: { op: 4 } },
    gives: {
      code: 4,
      ctx: {
        family: 2,
        remote_ip4: '10.0.0.9',
        remote_port: 4000,
        local_port: 80,
        is_fullsock: 1,
        snd_cwnd: 10,
        bytes_acked: 2n ** 33n,
        state: 1,
      },
    },
  },
  {
    what: 'a reply',
    type: 'sock_ops',
    attachType: 'cgroup_sock_ops',
    text: '*(u32 *)(r1 + 4) = 77\nr0 = 1\nexit',
    input: { sk: 'conn' },
    gives: { ctx: { reply: 77 } },
  },
  {
    what: 'the TCP header alone',
    type: 'sock_ops',
    attachType: 'cgroup_sock_ops',
    text: `r2 = *(u64 *)(r1 + 192)\nr0 = *(u64 *)(r1 + 200)\nr0 -= r2\nexit`,
    data: Uint8Array.from({ length: 40 }, (_, i) => (i === 12 ? 0x60 : 0)),
    input: { sk: 'conn' },
    gives: { code: 24, ctx: { skb_len: 40 } },
  },
  {
    what: 'a request',
    type: 'sock_ops',
    attachType: 'cgroup_sock_ops',
    text: read(72),
    input: { sk: 'request' },
    gives: { code: 0 },
  },
  {
    what: 'a message',
    type: 'sk_msg',
    attachType: 'sk_msg_verdict',
    text: firstBytes(0, 8, 'u64'),
    data: Uint8Array.of(4, 3, 2, 1),
    input: { sk: 'conn' },
    gives: { code: 0x01020304, ctx: { size: 4, local_ip4: '10.0.0.1' } },
  },
  {
    what: 'a tuple',
    type: 'sk_lookup',
    attachType: 'sk_lookup',
    text: read(60),
    input: { ctx: { family: 2, protocol: 6, local_port: 80, remote_port: 4000, local_ip4: '10.0.0.1' } },
    gives: { code: 80, ctx: { remote_port: 4000 } },
  },
  {
    what: 'the header behind IP',
    type: 'sk_reuseport',
    attachType: 'sk_reuseport_select',
    text: firstBytes(0, 8, 'u64'),
    data: Uint8Array.of(0, 53, 1, 2),
    input: { sk: 'dns', ctx: { ip_protocol: 17 } },
    gives: { code: 0x02013500, ctx: { len: 4, ip_protocol: 17 } },
  },
  {
    what: 'the socket that waits',
    type: 'sk_reuseport',
    attachType: 'sk_reuseport_select_or_migrate',
    text: 'r2 = *(u64 *)(r1 + 48)\nr0 = *(u32 *)(r2 + 44)\nexit',
    input: { sk: 'web', migrating: 'conn' },
    gives: { code: 80 },
  },
  {
    what: 'what user space hands over',
    type: 'syscall',
    text: '*(u32 *)(r1 + 4) = 6\nr0 = *(u32 *)(r1 + 0)\nexit',
    data: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0),
    gives: { code: 5, packet: Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0) },
  },
  {
    what: 'nothing behind it',
    type: 'syscall',
    text: read(8),
    data: new Uint8Array(8),
    gives: { trap: { name: 'memory' } },
  },
  {
    what: 'that there is a state',
    type: 'netfilter',
    attachType: 'netfilter',
    text: 'r2 = *(u64 *)(r1 + 0)\nr0 = 0\nif r2 == 0 goto +1\nr0 = 1\nexit',
    gives: { verdict: 'NF_ACCEPT' },
  },
  {
    what: 'nothing in it',
    type: 'netfilter',
    attachType: 'netfilter',
    text: 'r2 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r2 + 0)\nexit',
    gives: {
      trap: { name: 'memory', message: /a structure of the kernel \(reads through BTF are unsupported by skep\)/ },
      verdict: 'NF_DROP',
    },
  },
];

for (const engine of ENGINES) {
  t.test(`${engine}: what programs see and leave`, (t) => {
    for (const { what, type, attachType, text, data = new Uint8Array(0), input = {}, gives } of CASES) {
      const { attachment } = attach(type, text, { engine, ...(attachType === undefined ? {} : { attachType }) });
      t.match(attachment.run(data, input), gives, `${attachType ?? type}: ${what}`);
    }
    t.end();
  });

  t.test(`${engine}: what is read-only stays so`, (t) => {
    const stores: readonly (readonly [ProgTypeName, AttachTypeName | undefined, number])[] = [
      ['cgroup_sock_addr', 'cgroup_inet4_connect', 8],
      ['cgroup_sock_addr', 'cgroup_inet6_connect', 4],
      ['cgroup_sock_addr', 'cgroup_udp4_recvmsg', 40],
      ['cgroup_sock', 'cgroup_inet4_post_bind', 16],
      ['sk_msg', 'sk_msg_verdict', 16],
      ['sk_lookup', 'sk_lookup', 8],
      ['sock_ops', 'cgroup_sock_ops', 0],
      ['cgroup_sockopt', 'cgroup_setsockopt', 36],
      ['lwt_in', undefined, 0],
    ];
    for (const [type, attachType, off] of stores) {
      const text = `*(u32 *)(r1 + ${off}) = 1\nr0 = 0\nexit`;
      const { attachment } = attach(type, text, { engine, ...(attachType === undefined ? {} : { attachType }) });
      const input: HookInput = ['sk_lookup', 'lwt_in'].includes(type) ? {} : { sk: 'fresh' };
      t.match(attachment.run(FRAME, input).trap, { name: 'memory', message: /ctx\+/ }, `${attachType ?? type} +${off}`);
    }
    t.end();
  });
}

t.test('stores through one layout do not change how those through another work', (t) => {
  // Offset 44 keeps 16 bits where the ctx is struct __sk_buff, and all where it is struct bpf_sock_addr.
  const text = 'r2 = 0x12345678\n*(u32 *)(r1 + 44) = r2\nr0 = *(u32 *)(r1 + 44)\nexit';
  for (const engine of ENGINES) {
    const tc = attach('sched_cls', text, { engine }).attachment;
    t.equal(tc.run(FRAME).code, 0x5678);
    const sendmsg = attach('cgroup_sock_addr', text, { engine, attachType: 'cgroup_udp6_sendmsg' }).attachment;
    t.equal(sendmsg.run(new Uint8Array(0), { sk: 'fresh6' }).code, 0x12345678);
  }
  t.end();
});

t.test('events that cannot be', (t) => {
  const run = (type: ProgTypeName, input: HookInput, attachType?: AttachTypeName) => () =>
    attach(type, 'r0 = 0\nexit', attachType === undefined ? {} : { attachType }).attachment.run(FRAME, input);
  const code = 'config-value';
  t.throws(run('sock_ops', {}, 'cgroup_sock_ops'), { code, hint: /world\.sockets/ });
  t.throws(run('sock_ops', { sk: 'con' }, 'cgroup_sock_ops'), { code, hint: 'did you mean conn?' });
  t.throws(run('sched_cls', { ctx: { markk: 1 } }), { code, data: { field: 'markk' }, hint: 'did you mean mark?' });
  t.throws(run('sched_cls', { ctx: { len: 1 } }), { code, data: { field: 'len' } });
  t.throws(run('sched_cls', { ctx: { data: 1 } }), { code });
  t.throws(run('sched_cls', { ctx: { mark: 2 ** 32 } }), { code });
  t.throws(run('sched_cls', { ctx: { mark: 1.5 } }), { code });
  t.throws(run('sched_cls', { ctx: { cb: [1, 2, 3, 4, 5, 6] } }), { code });
  t.throws(run('xdp', { sk: 'web' }), { code });
  t.throws(run('cgroup_sock_addr', { sk: 'fresh', ctx: { user_port: 65536 } }, 'cgroup_inet4_connect'), { code });
  t.throws(run('cgroup_sock_addr', { sk: 'fresh', ctx: { user_ip4: 'fd00::1' } }, 'cgroup_inet4_connect'), { code });
  t.throws(run('cgroup_sock_addr', { sk: 'fresh', ctx: { family: 2 } }, 'cgroup_inet4_connect'), { code });
  t.end();
});

t.test('the rows say which types have a hook', (t) => {
  for (const row of PROG_TYPES) {
    const hook = hookOf(row.name);
    t.equal(hook === undefined, 'unsupported' in row, row.name);
    if (hook?.ctx !== undefined) t.equal(hook.ctxBytes, CTX_LAYOUTS[hook.ctx].bytes, row.name);
  }
  t.end();
});
