/** bpf_check_mtu: whether a packet, or a length, fits a device. A model of net/core/filter.c of Linux 6.18. */
import type { Machine } from '../machine/machine.js';
import { ctxOff } from '../packet/sk-buff.js';
import { CTX_INGRESS_IFINDEX } from '../packet/xdp-buff.js';
import { errno } from '../spec/errno.js';
import { ETH_HEADER_BYTES } from '../packet/ether-type.js';
import type { PlainHelper } from './helper.js';

/** BPF_MTU_CHK_SEGS: look at the segments that a large packet will be cut into. */
const SEGMENTS = 1;

/** BPF_MTU_CHK_RET_... */
const SUCCESS = 0;
const FRAG_NEEDED = 1;
const SEGS_TOOBIG = 2;

export const checkMtu: PlainHelper = {
  name: 'check_mtu',
  bind: (machine) => {
    const { memory } = machine;
    return (_ctx = 0, ifindex = 0, mtuLen = 0, diff = 0, flags = 0, flagsHi = 0) => {
      const isXdp = machine.packet === machine.xdp;
      const given = memory.view.getUint32(mtuLen, true);
      if (flagsHi !== 0 || (flags & ~(isXdp ? 0 : SEGMENTS)) !== 0) return -errno.EINVAL;
      if (flags !== 0 && (diff !== 0 || given !== 0)) return -errno.EINVAL;
      const device = machine.world.network.devices.at(ifindex === 0 ? ownIfindex(machine, isXdp) : ifindex >>> 0);
      if (device === undefined) return -errno.ENODEV;
      const most = device.mtu + ETH_HEADER_BYTES;
      // Lengths are ints in Linux, and wrap around as such.
      const length = ((given === 0 ? machine.packet.lengthBytes : given + ETH_HEADER_BYTES) + diff) | 0;
      const result =
        length <= most ? SUCCESS : isXdp || !machine.skb.isGso ? FRAG_NEEDED : segmentsFit(machine, flags, device.mtu);
      memory.view.setUint32(mtuLen, device.mtu, true);
      return result;
    };
  },
};

/** The device that the packet is on. */
function ownIfindex({ memory, layout, skb }: Machine, isXdp: boolean): number {
  return isXdp ? memory.word(layout.ctx + CTX_INGRESS_IFINDEX) : skb.field(ctxOff.ifindex);
}

function segmentsFit({ skb }: Machine, flags: number, mtu: number): number {
  return (flags & SEGMENTS) !== 0 && skb.segmentBytes > mtu ? SEGS_TOOBIG : SUCCESS;
}
