/**
 * Verdicts that were reached before, in the user's cache folder: one small file each, by a hash of all that a verdict
 * depends on. Whatever goes wrong with it (no folder, no rights, a broken file) only means that nothing is remembered.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectSpec, ProgId } from '../vm/object/object-spec.js';
import { programFromObject } from '../vm/verifier/from-object.js';
import { explainRejection } from '../vm/verifier/report.js';
import type { RejectionReport } from '../vm/verifier/report.js';
import type { Capabilities, VerifyStats } from '../vm/verifier/verdict.js';
import { verifyTimed } from './verify-timed.js';

/** What is worth keeping of a verdict. */
export type KnownVerdict = { readonly stats: VerifyStats } & (
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly report: RejectionReport }
  | { readonly kind: 'unsupported'; readonly what: string }
);

export interface VerdictQuestion {
  readonly object: ObjectSpec;
  readonly prog: ProgId;
  /** The file that the object came from: types and lines in it are part of the question. */
  readonly bytes: Uint8Array;
  readonly caps?: Capabilities;
}

/** Files are removed, oldest first, beyond so many. */
const MAX_ENTRIES = 4096;
const MAX_FILE_BYTES = 1 << 20;
/** Changes where the files' shape does. */
const FORMAT = 1;

/** Where verdicts are kept: `XDG_CACHE_HOME`, or `.cache` in the user's home. */
export function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'skep', 'verdicts');
}

export class VerdictCache {
  readonly #folder: string | undefined;

  /** @param folder undefined: nothing is remembered */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** The verdict, remembered or new. */
  verdict(question: VerdictQuestion): KnownVerdict {
    const key = this.#folder === undefined ? undefined : keyOf(question);
    const known = key === undefined ? undefined : this.#read(key);
    if (known !== undefined) return known;
    const verdict = judge(question);
    if (key !== undefined) this.#write(key, verdict);
    return verdict;
  }

  #read(key: string): KnownVerdict | undefined {
    const path = join(this.#folder ?? '', key);
    try {
      if (statSync(path).size > MAX_FILE_BYTES) return undefined;
      const entry = JSON.parse(readFileSync(path, 'utf8')) as { key?: unknown; verdict?: KnownVerdict };
      if (entry.key !== key || entry.verdict === undefined) return undefined;
      const now = new Date();
      utimesSync(path, now, now);
      return entry.verdict;
    } catch {
      return undefined;
    }
  }

  /** Beside its place first: whoever reads meanwhile sees the whole file or none. */
  #write(key: string, verdict: KnownVerdict): void {
    const folder = this.#folder ?? '';
    const beside = join(folder, `.${key}.${String(process.pid)}.${String(performance.now())}`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(beside, JSON.stringify({ key, verdict }));
      renameSync(beside, join(folder, key));
      this.#prune();
    } catch {
      removeIfThere(beside);
    }
  }

  #prune(): void {
    const folder = this.#folder ?? '';
    const names = readdirSync(folder);
    if (names.length <= MAX_ENTRIES) return;
    const byAge = names
      .map((name) => ({ name, at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => a.at - b.at);
    // A tenth at once, so that this is seldom done.
    const excess = names.length - MAX_ENTRIES + Math.floor(MAX_ENTRIES / 10);
    for (const { name } of byAge.slice(0, excess)) rmSync(join(folder, name), { force: true });
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder itself may be what is wrong.
  }
}

function judge({ object, prog, caps }: VerdictQuestion): KnownVerdict {
  const { verdict } = verifyTimed(object, prog, { logLevel: 0, ...(caps === undefined ? {} : { caps }) });
  const { stats } = verdict;
  switch (verdict.kind) {
    case 'accept':
      return { kind: 'accept', stats };
    case 'reject':
      return { kind: 'reject', stats, report: explainRejection(verdict) };
    case 'unsupported':
      return { kind: 'unsupported', stats, what: verdict.what };
  }
}

/** Everything that a verdict depends on: the verifier's own code, the file, the program as it was linked, its maps. */
function keyOf({ object, prog, bytes, caps }: VerdictQuestion): string {
  const { insns, maps, refs, name, type, attachType, attachTo, flags, license } = programFromObject(object, prog);
  const hash = createHash('sha256');
  const facts = {
    ...{ format: FORMAT, code: codeStamp(), caps, name, type, attachType, attachTo, flags, license },
    refs: [...refs],
    maps: maps.map((map) => ({ ...map, btf: undefined, contents: undefined, inner: undefined, mapExtra: undefined })),
  };
  hash.update(JSON.stringify(facts)).update(insns).update(bytes);
  for (const { contents, frozen } of maps) if (frozen && contents !== undefined) hash.update(contents);
  return hash.digest('hex');
}

let stamp: string | undefined;

/** Names, sizes and dates of the verifier's files: another build of it may judge otherwise. */
function codeStamp(): string {
  if (stamp !== undefined) return stamp;
  const hash = createHash('sha256');
  for (const part of ['../vm/verifier', '../vm/spec', '../vm/spec/facts', '../vm/loader']) {
    const folder = fileURLToPath(new URL(part, import.meta.url));
    for (const name of readdirSync(folder).sort()) {
      const { size, mtimeMs } = statSync(join(folder, name));
      hash.update(`${name} ${String(size)} ${String(mtimeMs)}\n`);
    }
  }
  stamp = hash.digest('hex');
  return stamp;
}
