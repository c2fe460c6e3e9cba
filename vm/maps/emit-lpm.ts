/** Compiled lookups of an `lpm_trie`: the same walk as `lookup`'s, with the same bounds. */
import type { LookupSite } from './map-kind.js';
import { ENTRY, HEADER_BYTES, KEY, LEFT, LENGTH_BYTES, ROLE } from './trie-layout.js';
import type { TriePlan } from './trie-layout.js';

/** Pushes the address of the value of the longest prefix that matches, or 0. */
export function emitLpmLookup(site: LookupSite, { addressBytes, valueOff, nodeBytes, nodes }: TriePlan): void {
  const { code, base, key, scratch } = site;
  const [node, at] = scratch;
  const [found, before, from, bits, length, word, rest] = Array.from({ length: 7 }, () => code.local('i32')) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const longest = 8 * addressBytes;
  const done = code.block();
  code.localGet(key).memory('i32.load', 0).localTee(length).i32(longest).op('i32.gt_u').brIf(done);
  code
    .i32(0)
    .memory('i32.load', base + 8, 2)
    .localSet(node);
  code.i32(-1).localSet(before);
  const again = code.loop();
  // Less 1, a node's 0 is larger than any.
  code.localGet(node).i32(1).op('i32.sub').i32(nodes).op('i32.ge_u').brIf(done);
  code.localGet(node).i32(nodeBytes).op('i32.mul');
  code
    .i32(base + HEADER_BYTES - nodeBytes)
    .op('i32.add')
    .localSet(at);
  code.localGet(at).memory('i32.load', KEY).localTee(bits).localGet(before).op('i32.le_s').brIf(done);
  code.localGet(bits).localGet(length).op('i32.gt_u').brIf(done);
  // Words from the one in which the parent's prefix ends: whole ones must agree, the last one in its first bits.
  code.localGet(bits).localGet(from).op('i32.sub').localSet(rest);
  code.localGet(from).i32(3).op('i32.shr_u').localSet(word);
  const agrees = code.block();
  const nextWord = code.loop();
  code.localGet(rest).i32(0).op('i32.le_s').brIf(agrees);
  code
    .localGet(at)
    .localGet(word)
    .op('i32.add')
    .memory('i32.load', KEY + LENGTH_BYTES);
  code.localGet(key).localGet(word).op('i32.add').memory('i32.load', LENGTH_BYTES).op('i32.xor').localSet(from);
  // Most significant byte first.
  code.localGet(from).i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and');
  code.localGet(from).i32(24).op('i32.rotl').i32(0xff00ff00).op('i32.and').op('i32.or').localSet(from);
  code.localGet(rest).i32(32).op('i32.lt_s').if();
  code.localGet(from).i32(32).localGet(rest).op('i32.sub').op('i32.shr_u').localSet(from);
  code.end();
  code.localGet(from).brIf(done);
  code.localGet(word).i32(4).op('i32.add').localSet(word);
  code.localGet(rest).i32(32).op('i32.sub').localSet(rest).br(nextWord);
  code.end().end();
  code.localGet(at).memory('i32.load', ROLE).i32(ENTRY).op('i32.eq').if();
  code.localGet(at).i32(valueOff).op('i32.add').localSet(found).end();
  code.localGet(bits).i32(longest).op('i32.eq').brIf(done);
  code.localGet(bits).localSet(before);
  code.localGet(bits).i32(~31).op('i32.and').localSet(from);
  // The next bit of the key says which child.
  code.localGet(at).localGet(key).localGet(bits).i32(3).op('i32.shr_u').op('i32.add');
  code.memory('i32.load8_u', LENGTH_BYTES).i32(7).localGet(bits).i32(7).op('i32.and').op('i32.sub');
  code.op('i32.shr_u').i32(1).op('i32.and').i32(2).op('i32.shl').op('i32.add').memory('i32.load', LEFT);
  code.localSet(node).br(again);
  code.end().end().localGet(found);
}
