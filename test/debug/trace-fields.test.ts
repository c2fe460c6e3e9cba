/** Names of packet fields by offset, over stacks of headers. */
import t from 'tap';
import { fromHex } from '../../vm/bytes.js';
import { FrameFields } from '../../vm/debug/trace-fields.js';
import { must } from '../../vm/errors.js';

const MACS = '020000000002 020000000001';
const IP4 = (protocol: string, bytes: string): string => `4500${bytes} 1234 4000 40${protocol}0000 c0000201 c0000202`;
const UDP = '03e8 0035 0008 0000';
const IP6 = (next: string, bytes: string): string =>
  `60000000 ${bytes} ${next} 40 20010db8000000000000000000000001 20010db8000000000000000000000002`;

const CASES: readonly { name: string; frame: string; off: number; bytes: number; want: readonly [string, string?] }[] =
  [
    { name: 'MAC', frame: `${MACS} 0800`, off: 6, bytes: 6, want: ['eth.src', '02:00:00:00:00:01'] },
    { name: 'EtherType', frame: `${MACS} 0800`, off: 12, bytes: 2, want: ['eth.type', '0x0800'] },
    { name: 'a part', frame: `${MACS} 0800`, off: 13, bytes: 1, want: ['eth.type+1'] },
    { name: 'two parts', frame: `${MACS} 0800`, off: 4, bytes: 4, want: ['eth.dst+4, eth.src+0'] },
    {
      name: 'VLAN',
      frame: `${MACS} 8100 002a 0800 ${IP4('11', '001c')} ${UDP}`,
      off: 16,
      bytes: 2,
      want: ['vlan.etype', '0x0800'],
    },
    {
      name: 'behind VLAN',
      frame: `${MACS} 8100 002a 0800 ${IP4('11', '001c')} ${UDP}`,
      off: 27,
      bytes: 1,
      want: ['ip.proto', '17'],
    },
    {
      name: 'IPv6 address',
      frame: `${MACS} 86dd ${IP6('11', '0008')} ${UDP}`,
      off: 22,
      bytes: 16,
      want: ['ipv6.src', '2001:db8::1'],
    },
    { name: 'half of it', frame: `${MACS} 86dd ${IP6('11', '0008')} ${UDP}`, off: 30, bytes: 8, want: ['ipv6.src+8'] },
    {
      name: 'UDP over IPv6',
      frame: `${MACS} 86dd ${IP6('11', '0008')} ${UDP}`,
      off: 56,
      bytes: 2,
      want: ['udp.dstport', '53'],
    },
    {
      name: 'extension',
      frame: `${MACS} 86dd ${IP6('00', '0010')} 1100000000000000 ${UDP}`,
      off: 54,
      bytes: 1,
      want: ['ipv6.ext.nxt', '17'],
    },
    {
      name: 'inner IP',
      frame: `${MACS} 0800 ${IP4('04', '0030')} ${IP4('11', '001c')} ${UDP}`,
      off: 50,
      bytes: 4,
      want: ['ip#2.dst', '192.0.2.2'],
    },
    {
      name: 'outer IP',
      frame: `${MACS} 0800 ${IP4('04', '0030')} ${IP4('11', '001c')} ${UDP}`,
      off: 30,
      bytes: 4,
      want: ['ip.dst', '192.0.2.2'],
    },
    {
      name: 'ARP',
      frame: `${MACS} 0806 0001 0800 0604 0001 020000000001 c0000201 000000000000 c0000202`,
      off: 38,
      bytes: 4,
      want: ['arp.dst.proto_ipv4', '192.0.2.2'],
    },
    {
      name: 'ICMP',
      frame: `${MACS} 0800 ${IP4('01', '001c')} 0800 1234 0001 0002`,
      off: 34,
      bytes: 2,
      want: ['icmp.type, icmp.code', '8, 0'],
    },
    {
      name: 'TCP',
      frame: `${MACS} 0800 ${IP4('06', '0028')} 03e8 0050 00000007 00000000 5002 0400 0000 0000`,
      off: 38,
      bytes: 4,
      want: ['tcp.seq_raw', '7'],
    },
  ];

for (const { name, frame, off, bytes, want } of CASES) {
  t.test(name, (t) => {
    const data = must(fromHex(frame.replaceAll(' ', '')), 'hex');
    const [field, text] = want;
    t.same(new FrameFields(data).at(off, data.subarray(off, off + bytes)), { name: field, text });
    t.end();
  });
}

t.test('no field: payload, options, a frame cut short, no frame', (t) => {
  const udp = must(fromHex(`${MACS}0800${IP4('11', '0020')}03e80035000c000001020304`.replaceAll(' ', '')), 'hex');
  t.equal(new FrameFields(udp).at(42, udp.subarray(42)), undefined, 'payload');
  t.equal(new FrameFields(udp.subarray(0, 20)).at(14, udp.subarray(14, 15)), undefined, 'cut short');
  t.equal(new FrameFields(new Uint8Array()).at(0, new Uint8Array(4)), undefined, 'no frame');
  t.end();
});
