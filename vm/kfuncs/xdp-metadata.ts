/** What a driver may tell of a received packet. The world's devices tell nothing. */
import { errno } from '../spec/errno.js';
import type { KfuncName } from '../spec/kfuncs.js';
import type { Kfunc } from './kfunc.js';

function unknown(name: KfuncName): Kfunc {
  return { name, bind: () => () => -errno.EOPNOTSUPP };
}

export const xdpMetadataRxHash = unknown('bpf_xdp_metadata_rx_hash');
export const xdpMetadataRxTimestamp = unknown('bpf_xdp_metadata_rx_timestamp');
export const xdpMetadataRxVlanTag = unknown('bpf_xdp_metadata_rx_vlan_tag');
