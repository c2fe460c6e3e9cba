/** The captures under pcaps/ that are made by program, by file name; each is always the same bytes. Knows nothing of files. */
import { LINKTYPE_ETHERNET } from '../vm/net/link-types.js';
import { writePcap } from '../vm/net/write-pcap.js';
import { writePcapng } from '../vm/net/write-pcapng.js';
import { fragmentPackets } from './captures-fragments.js';
import { headerPackets } from './captures-headers.js';
import { malformedPackets } from './captures-malformed.js';
import { mixedPackets } from './captures-mixed.js';
import { synFlood } from './captures-syn-flood.js';
import { vlanPackets } from './captures-vlan.js';

export const GENERATED_CAPTURES: Readonly<Record<string, () => Uint8Array>> = {
  'fragments.pcap': () => writePcap(fragmentPackets()),
  'headers.pcap': () => writePcap(headerPackets()),
  'malformed.pcap': () => writePcap(malformedPackets()),
  'mixed.pcapng': () => writePcapng([{ linkType: LINKTYPE_ETHERNET, name: 'lb0' }], mixedPackets()),
  'syn-flood.pcap': () => writePcap(synFlood()),
  'vlan.pcap': () => writePcap(vlanPackets()),
};
