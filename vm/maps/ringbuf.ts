/**
 * `ringbuf`: one buffer of records for all CPUs, each with the kernel's 8-byte header. Records are reserved and committed in
 * place and taken by `drain` in the order of reservation.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import { NO_ACCESS, READ_WRITE } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, RINGBUF_QUERIES, RINGBUF_RECORD } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import { opaqueOps } from './map-kind.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';

const HEADER_BYTES = RINGBUF_RECORD.BPF_RINGBUF_HDR_SZ;
const BUSY = RINGBUF_RECORD.BPF_RINGBUF_BUSY_BIT;
const DISCARD = RINGBUF_RECORD.BPF_RINGBUF_DISCARD_BIT;
const LENGTH_MASK = 0x3fffffff;
/** Producer and consumer positions, u32 each; they grow without bound and wrap. */
const POSITIONS_BYTES = 8;

export interface RingbufOps extends MapOps {
  /** Address of `bytes` writable bytes, or 0 where there is no room. */
  reserve(bytes: number): Ptr;
  /** Whether `record` is what `reserve` returned and has not been committed yet. */
  isReserved(record: Ptr): boolean;
  commit(record: Ptr, discard: boolean): void;
  /** Copies `bytes` bytes from `data` as one record. Returns 0 or -EAGAIN. */
  output(data: Ptr, bytes: number): number;
  query(what: number): number;
  /** Takes the committed records, oldest first, up to the first that is still reserved. */
  drain(): void;
}

function bind({ memory, shadow, emit }: MapEnv, spec: MapSpec, base: Ptr): RingbufOps {
  const size = spec.maxEntries;
  const mask = size - 1;
  const data = base + POSITIONS_BYTES;
  const producer = (): number => memory.word(base);
  const consumer = (): number => memory.word(base + 4);
  /** Bytes not yet taken. */
  const available = (): number => (producer() - consumer()) >>> 0;
  const header = (position: number): Ptr => data + ((position & mask) >>> 0);
  const reserve = (bytes: number): Ptr => {
    const length = alignUp(bytes + HEADER_BYTES, 8);
    const at = producer();
    const next = (at + length) >>> 0;
    if (length > size || (next - consumer()) >>> 0 > mask) return 0;
    memory.setWord(base, next);
    const record = header(at);
    memory.setWord(record, (bytes | BUSY) >>> 0);
    memory.setWord(record + 4, 0);
    shadow.mark(record + HEADER_BYTES, bytes, READ_WRITE);
    return record + HEADER_BYTES;
  };
  const commit = (record: Ptr, discard: boolean): void => {
    const length = memory.word(record - HEADER_BYTES) & LENGTH_MASK;
    memory.setWord(record - HEADER_BYTES, discard ? length | DISCARD : length);
    shadow.mark(record, length, NO_ACCESS);
  };
  return {
    ...opaqueOps(-errno.EOPNOTSUPP),
    reserve,
    commit,
    isReserved(record) {
      for (let at = consumer(), rest = Math.min(available(), size); rest > 0;) {
        const word = memory.word(header(at));
        if (header(at) + HEADER_BYTES === record) return (word & BUSY) !== 0;
        const length = alignUp((word & LENGTH_MASK) + HEADER_BYTES, 8);
        at = (at + length) >>> 0;
        rest -= length;
      }
      return false;
    },
    output(from, bytes) {
      const record = bytes > LENGTH_MASK ? 0 : reserve(bytes);
      if (record === 0) return -errno.EAGAIN;
      memory.u8.copyWithin(record, from, from + bytes);
      commit(record, false);
      return 0;
    },
    query(what) {
      switch (what) {
        case RINGBUF_QUERIES.BPF_RB_AVAIL_DATA:
          return available();
        case RINGBUF_QUERIES.BPF_RB_RING_SIZE:
          return size;
        case RINGBUF_QUERIES.BPF_RB_CONS_POS:
          return consumer();
        case RINGBUF_QUERIES.BPF_RB_PROD_POS:
          return producer();
        default:
          return 0;
      }
    },
    drain() {
      for (let rest = available(); rest > 0; rest = available()) {
        const at = header(consumer());
        const word = memory.word(at);
        if ((word & BUSY) !== 0) return;
        const bytes = word & LENGTH_MASK;
        const length = alignUp(bytes + HEADER_BYTES, 8);
        if (length > rest || rest > size) {
          // A program that nothing checks has written over header or positions: what comes next is lost.
          memory.setWord(base + 4, producer());
          return;
        }
        if ((word & DISCARD) === 0) {
          emit({ map: spec.name, cpu: memory.word(cells.cpu), data: memory.read(at + HEADER_BYTES, bytes) });
        }
        memory.setWord(base + 4, (consumer() + length) >>> 0);
      }
    },
  };
}

/** The data area is twice the ring: a record that starts near the end runs on instead of wrapping. */
export const ringbufKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): RingbufOps } = {
  type: 'ringbuf',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, MAP_FLAGS.BPF_F_NUMA_NODE);
    return { bytes: POSITIONS_BYTES + 2 * spec.maxEntries };
  },
  bind,
};
