/** Ranges of ports as prefixes, as a longest-prefix-match map wants them. Knows no map. */

export const PORT_BITS = 16;

/** The ports that share their first `bits` bits, 0 to 16, with `port`. */
export interface PortPrefix {
  readonly port: number;
  readonly bits: number;
}

/**
 * The fewest prefixes that hold the ports `from` to `to`, both included, and no other, ascending: at most 30.
 * The caller has checked that 0 <= from <= to <= 65535.
 */
export function portPrefixes(from: number, to: number): PortPrefix[] {
  const prefixes: PortPrefix[] = [];
  for (let port = from; port <= to;) {
    // The largest block that begins here: as aligned as its first port, and not past the end.
    let bits = PORT_BITS;
    while (bits > 0) {
      const blockPorts = 1 << (PORT_BITS - bits + 1);
      if (port % blockPorts !== 0 || port + blockPorts - 1 > to) break;
      bits--;
    }
    prefixes.push({ port, bits });
    port += 1 << (PORT_BITS - bits);
  }
  return prefixes;
}
