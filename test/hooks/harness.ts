/** Programs in assembly on any hook, in a world with a few sockets. Knows nothing of what is tested. */
import { assemble } from '../../vm/asm/assemble.js';
import type { Attachment } from '../../vm/datapath/attachment.js';
import { Datapath, type DatapathOptions } from '../../vm/datapath/datapath.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { MapSpec } from '../../vm/object/object-spec.js';
import type { AttachTypeName, ProgTypeName } from '../../vm/spec/prog-types.js';
import type { WorldSpec } from '../../vm/world/world-spec.js';

export const WORLD: WorldSpec = {
  devices: [
    { ifindex: 1, name: 'lo', kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'] },
    { ifindex: 2, name: 'eth0', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
    { ifindex: 3, name: 'vrf0' },
    { ifindex: 4, name: 'eth1', master: 'vrf0' },
  ],
  cgroups: [{ path: '/kubepods/pod1', id: 4711, classid: 0x10002 }],
  netns: [{ name: 'other', cookie: 77, id: 5 }],
  task: { pid: 100, tgid: 99, uid: 1000, gid: 1001, comm: 'curl', cgroup: '/kubepods/pod1' },
  sockets: [
    { name: 'web', protocol: 'tcp', local: '10.0.0.1:80', uid: 33, cookie: 0x1_0000_0005, cgroup: '/kubepods/pod1' },
    { name: 'web6', protocol: 'tcp', local: '[::]:80', v6only: true },
    { name: 'any', protocol: 'tcp', local: '[::]:8080' },
    {
      name: 'conn',
      protocol: 'tcp',
      local: '10.0.0.1:80',
      remote: '10.0.0.9:4000',
      mark: 7,
      tcp: { snd_cwnd: 10, bytes_acked: 2 ** 33 },
    },
    { name: 'conn6', protocol: 'tcp', local: '[fd00::1]:80', remote: '[fd00::9]:4000' },
    {
      name: 'request',
      protocol: 'tcp',
      local: '10.0.0.1:80',
      remote: '10.0.0.9:4001',
      state: 'new_syn_recv',
      listener: 'web',
    },
    { name: 'over', protocol: 'tcp', local: '10.0.0.1:80', remote: '10.0.0.9:4002', state: 'time_wait' },
    { name: 'dns', protocol: 'udp', local: '10.0.0.1:53' },
    { name: 'dns-eth0', protocol: 'udp', local: '0.0.0.0:53', dev: 'eth0' },
    { name: 'dns-peer', protocol: 'udp', local: '10.0.0.1:5353', remote: '10.0.0.9:53' },
    { name: 'elsewhere', protocol: 'tcp', local: '10.0.0.1:81', netns: 'other' },
    { name: 'fresh', protocol: 'tcp' },
    { name: 'fresh6', protocol: 'udp', family: 'ipv6' },
    { name: 'local', protocol: 'unix' },
  ],
};

export const ENGINES = ['interp', 'wasm'] as const;

/** A program of a type on its hook. `rN = &mapK` loads map K. */
export function attach(
  type: ProgTypeName,
  text: string,
  options: DatapathOptions & { readonly attachType?: AttachTypeName; readonly maps?: readonly MapSpec[] } = {},
): { readonly attachment: Attachment; readonly datapath: Datapath } {
  const { attachType, maps = [], ...rest } = options;
  const bare = text.replace(/(r\d) = &map(\d+)/g, 'ld_pseudo $1, 0x1, $2');
  const object = objectFromInsns(assemble(bare).bytes, {
    type,
    maps,
    ...(attachType === undefined ? {} : { attachType }),
  });
  const datapath = new Datapath(object, { memoryBytes: 8 << 20, packetBytes: 4096, world: WORLD, ...rest });
  return { attachment: datapath.attach(), datapath };
}
