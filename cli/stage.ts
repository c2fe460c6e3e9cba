/** What a command runs: a program with all that was said about it. Several stages are a chain. Types only. */
import type { AttachOptions, Attachment, Datapath, EngineName, ReasonCounters } from '../vm/index.js';
import type { GlobalSetting } from './set-globals.js';
import type { VerifyFirstFlags } from './verify-first.js';

/** Options of commands that run programs. */
export interface StageFlags extends VerifyFirstFlags {
  readonly prog?: string;
  readonly engine?: EngineName;
  /** The engine where none is said. */
  readonly preferred?: EngineName;
  readonly unchecked?: true;
  readonly config?: string;
  readonly set?: readonly GlobalSetting[];
  readonly memory?: number;
  readonly fuel?: number;
  readonly seed?: number;
  readonly cpus?: number;
  readonly btf?: string;
  /** Count how often basic blocks are entered. */
  readonly counters?: true;
  /** Run with all checks, verified or not. */
  readonly checked?: boolean;
}

export interface Stage {
  /** Unique; that of the program where nothing else is said. */
  readonly name: string;
  /** The object's path as the config or the command line says it. */
  readonly object: string;
  readonly datapath: Datapath;
  /** For `datapath.attach`. */
  readonly program: string | undefined;
  readonly attach: AttachOptions;
  /** Device that packets come in on. */
  readonly ifindex: number | undefined;
  readonly reasons: ReasonCounters | undefined;
  /**
   * With which verdicts and reasons packets go on; undefined where nobody said it.
   * @throws ConfigErrors where that are none of the attached program's
   */
  readonly goesOn: (attachment: Attachment) => readonly string[] | undefined;
}

/** A stage that may be without a name yet. */
export type UnnamedStage = Omit<Stage, 'name'> & { readonly name: string | undefined };
