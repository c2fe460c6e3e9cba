/**
 * The decoder against the running kernel: what decodes is not malformed there, and what is refused does not load there.
 * Any Linux that knows the instructions of the table will do; skips elsewhere with the reason.
 */
import t from 'tap';
import { decode } from '../../vm/isa/decode.js';
import { PROG_TYPE_ROWS } from '../../vm/spec/prog-types.js';
import { openLoader, whyNotRecordedKernel } from './bpf-syscall.js';
import { FACTS_VERSION } from './render-facts.js';

/** Decodes as RFC 9669 has it, though Linux never took it: `callx`. */
const NOT_IN_LINUX: ReadonlySet<number> = new Set([0x8d]);

const MALFORMED = /unknown opcode|reserved field|unrecognized bpf_ld_imm64|invalid BPF_LD_IMM/;

const REGISTERS = 10;
const BEHIND = 10;

/** Room for the slot under test between initialised registers and enough code for every jump to land in. */
function programAround(op: number, dst: number, src: number, off: number, imm: number): { all: Buffer; at: Buffer } {
  const slots = op === 0x18 ? 2 : 1;
  const all = Buffer.alloc(8 * (REGISTERS + slots + BEHIND));
  for (let register = 0; register < REGISTERS; register++) {
    const keepsCtx = register === 1;
    all.set([0xb7, keepsCtx ? 0 : register], 8 * register);
  }
  const start = 8 * REGISTERS;
  all[start] = op;
  all[start + 1] = (src << 4) | dst;
  all.writeInt16LE(off, start + 2);
  all.writeInt32LE(imm, start + 4);
  for (let i = 0; i < BEHIND; i++) all[start + 8 * (slots + i)] = i === BEHIND - 1 ? 0x95 : 0xb7;
  return { all, at: all.subarray(start, start + 8 * slots) };
}

t.test(
  'decoder and kernel agree on what is an instruction',
  { skip: whyNotRecordedKernel(FACTS_VERSION) ?? false },
  (t) => {
    const load = openLoader();
    const { id: type } = PROG_TYPE_ROWS.socket_filter;
    const wrong: string[] = [];
    let both = 0;
    let malformed = 0;
    for (let op = 0; op < 256; op++) {
      if (NOT_IN_LINUX.has(op)) continue;
      for (const dst of [0, 1, 11]) {
        for (const src of [0, 1, 2, 11]) {
          for (const off of [0, 1, 8]) {
            for (const imm of [0, 1, 16, 0x41, 0x100]) {
              const { all, at } = programAround(op, dst, src, off, imm);
              const ours = decode(at).ok;
              const { accepted, log } = load({ insns: all, type });
              if (ours && accepted) both++;
              if (!ours && !accepted) malformed++;
              if (ours && MALFORMED.test(log))
                wrong.push(`${at.toString('hex')} decodes, but: ${MALFORMED.exec(log)?.[0] ?? ''}`);
              if (!ours && accepted) wrong.push(`${at.toString('hex')} is refused, but loads`);
            }
          }
        }
      }
    }
    t.strictSame(wrong, []);
    t.ok(both > 1000, `${both} patterns decode and load`);
    t.ok(malformed > 10_000, `${malformed} patterns are refused by both`);
    t.end();
  },
);
