/**
 * From the branch by which a check failed to words: the C line, and the fields of the packet that were not what the check
 * compared them with. Knows no reports.
 */
import { lineAt } from '../datapath/trap-report.js';
import { FrameFields } from '../debug/trace-fields.js';
import { equalBytes, toHex } from '../bytes.js';
import { must } from '../errors.js';
import { describeAddress } from '../machine/describe.js';
import type { Machine } from '../machine/machine.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { verdictName, verdictsOf } from '../spec/verdicts.js';
import type { Comparison, Decision } from './check-watch.js';
import type { Difference, Failure } from './failure.js';
import type { Origin } from './origins.js';

/** What the check's data begins with. */
export interface CheckData {
  /** Where the frame begins: behind the code that setup returned, if there was a setup. */
  readonly frameOff: number;
  readonly setup: ProgramSpec | undefined;
}

export function explainFailure(machine: Machine, decision: Decision, data: CheckData): Failure {
  const line = lineAt(decision.func, must(decision.func.insns[decision.insn], 'an instruction').pc);
  return {
    ...(line === undefined ? {} : { place: { file: line.file, line: line.line, text: line.text } }),
    differences: new Explainer(machine, data).differences(decision),
  };
}

/** Bytes of the packet, and what they were compared with. */
interface Piece {
  readonly off: number;
  readonly got: Uint8Array;
  readonly wanted: Uint8Array;
  /** Where the wanted bytes lie, if they are in memory. */
  readonly from: number | undefined;
}

class Explainer {
  readonly #machine: Machine;
  readonly #data: CheckData;

  constructor(machine: Machine, data: CheckData) {
    this.#machine = machine;
    this.#data = data;
  }

  differences({ asked, before }: Decision): Difference[] {
    const compared = asked === undefined ? before : [asked, ...before];
    const pieces = compared.flatMap((each) => pieceOf(each) ?? []);
    if (pieces.length > 0) return this.#packetDifferences(pieces);
    return asked === undefined ? [] : [this.#otherDifference(asked)];
  }

  #packetDifferences(pieces: readonly Piece[]): Difference[] {
    const { frameOff } = this.#data;
    const code = pieces.find(({ off, got }) => off + got.length <= frameOff);
    if (code !== undefined) return [this.#codeDifference(code)];
    const got = this.#machine.packet.bytes();
    const wanted = Uint8Array.from(got);
    const known = new Uint8Array(got.length);
    const put = (off: number, bytes: Uint8Array): void => {
      const fitting = bytes.subarray(0, Math.max(0, got.length - off));
      wanted.set(fitting, off);
      known.fill(1, off, off + fitting.length);
    };
    for (const [off, bytes] of this.#around(pieces, got.length)) put(off, bytes);
    for (const { off, wanted } of pieces) put(off, wanted);
    const fields = fieldDifferences(got.subarray(frameOff), wanted.subarray(frameOff), known.subarray(frameOff));
    // The values were equal: that was not what the check asked for.
    return fields.length > 0 ? fields : pieces.slice(0, 1).map((piece) => this.#sameDifference(piece, got));
  }

  /** The rest of a variable that the packet was compared with, where the comparison stopped at the first difference. */
  #around(pieces: readonly Piece[], packetBytes: number): (readonly [off: number, bytes: Uint8Array])[] {
    const [first] = pieces;
    const base = first?.from === undefined ? undefined : first.from - first.off;
    if (base === undefined || pieces.some(({ from, off }) => from === undefined || from - off !== base)) return [];
    const extent = this.#variableAt(must(first?.from, 'an address'));
    if (extent === undefined) return [];
    const start = Math.max(extent.start, base + this.#data.frameOff);
    const end = Math.min(extent.end, base + packetBytes);
    return start < end ? [[start - base, this.#machine.memory.read(start, end - start)]] : [];
  }

  /** Bounds of the global variable that an address lies in. */
  #variableAt(at: number): { readonly start: number; readonly end: number } | undefined {
    const { object, layout } = this.#machine;
    for (const [index, { base, bytes }] of layout.maps.entries()) {
      if (at < base || at >= base + bytes) continue;
      const variable = object.maps[index]?.variables?.find(
        ({ off, sizeBytes }) => at >= base + off && at < base + off + sizeBytes,
      );
      return variable && { start: base + variable.off, end: base + variable.off + variable.sizeBytes };
    }
    return undefined;
  }

  #codeDifference({ got, wanted }: Piece): Difference {
    const { setup } = this.#data;
    const verdicts =
      setup === undefined || setup.type === 'unspec' ? undefined : verdictsOf(setup.type, setup.attachType);
    const text = (bytes: Uint8Array): string => {
      const number = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
      return verdicts === undefined ? String(number) : `${String(number)} (${verdictName(verdicts, number | 0)})`;
    };
    return differenceOf('what setup returned', text(got), text(wanted));
  }

  #sameDifference({ off, got }: Piece, packet: Uint8Array): Difference {
    const { frameOff } = this.#data;
    const words = new FrameFields(packet.subarray(frameOff)).at(off - frameOff, got);
    return { what: words?.name ?? `packet+${String(off - frameOff)}`, got: words?.text ?? bytesText(got) };
  }

  /** Of values that are no part of the packet. */
  #otherDifference({ left, leftWord, rightWord, right }: Comparison): Difference {
    const what = (origin: Origin): string => describeAddress(this.#machine, origin.at).text;
    const wanted = right === undefined ? String(rightWord) : `${String(rightWord)} as ${what(right)}`;
    const got = { what: left === undefined ? 'what was computed' : what(left), got: String(leftWord) };
    return leftWord === rightWord ? got : { ...got, wanted };
  }
}

function differenceOf(what: string, got: string, wanted: string): Difference {
  return got === wanted ? { what, got } : { what, got, wanted };
}

/** What of the packet a comparison is about; undefined where it is about no packet. */
function pieceOf({ left, right, leftWord, rightWord }: Comparison): Piece | undefined {
  const isLeft = left?.packetOff !== undefined;
  const mine = isLeft ? left : right;
  const other = isLeft ? right : left;
  if (mine?.packetOff === undefined || other?.packetOff !== undefined) return undefined;
  const got = mine.bytes;
  if (other === undefined) {
    const number = isLeft ? rightWord : leftWord;
    const wanted = Uint8Array.from({ length: got.length }, (_, i) => (i < 4 ? number >>> (8 * i) : 0));
    return { off: mine.packetOff, got, wanted: mine.swapped ? wanted.reverse() : wanted, from: undefined };
  }
  if (other.bytes.length !== got.length) return undefined;
  const wanted = mine.swapped === other.swapped ? other.bytes : other.bytes.toReversed();
  return { off: mine.packetOff, got, wanted, from: mine.swapped === other.swapped ? other.at : undefined };
}

/** Fields of the frame that have other bytes than they should; bytes that no field covers, as one. */
function fieldDifferences(got: Uint8Array, wanted: Uint8Array, known: Uint8Array): Difference[] {
  const fields = new FrameFields(got);
  const differences: Difference[] = [];
  const covered = new Uint8Array(got.length);
  for (const { off, bytes } of fields.list()) {
    covered.fill(1, off, off + bytes);
    const [ours, theirs] = [got.subarray(off, off + bytes), wanted.subarray(off, off + bytes)];
    if (equalBytes(ours, theirs)) continue;
    const isWhole = known.subarray(off, off + bytes).every((each) => each === 1);
    const name = fields.at(off, ours)?.name ?? `byte ${String(off)}`;
    differences.push({
      what: name,
      got: fields.at(off, ours)?.text ?? bytesText(ours),
      wanted: isWhole ? (fields.at(off, theirs)?.text ?? bytesText(theirs)) : bytesText(theirs),
    });
  }
  const rest = got.findIndex((byte, off) => covered[off] === 0 && byte !== wanted[off]);
  if (rest >= 0) {
    const end = got.findLastIndex((byte, off) => covered[off] === 0 && byte !== wanted[off]) + 1;
    differences.push({
      what: end - rest === 1 ? `byte ${String(rest)}` : `bytes ${String(rest)}-${String(end - 1)}`,
      got: bytesText(got.subarray(rest, end)),
      wanted: bytesText(wanted.subarray(rest, end)),
    });
  }
  return differences;
}

function bytesText(bytes: Uint8Array): string {
  return toHex(bytes, ' ');
}
