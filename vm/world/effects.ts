/** What programs said to the outside during a run: events for user space and trace lines. Knows no program types. */

/** One sample of a ring buffer or perf buffer. */
export interface MapEvent {
  /** The map's name. */
  readonly map: string;
  readonly cpu: number;
  /** A copy of the sample's bytes. */
  readonly data: Uint8Array;
}

/** Events and lines past these are counted, not kept, so that a program cannot fill the host's memory in one run. */
const MAX_EVENTS = 65_536;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/** What has been said and not been taken yet. */
export interface SavedEffects {
  readonly events: readonly MapEvent[];
  readonly eventBytes: number;
  readonly trace: readonly string[];
  readonly lost: number;
}

export class Effects {
  #events: MapEvent[] = [];
  #eventBytes = 0;
  #trace: string[] = [];
  #lost = 0;

  emit(event: MapEvent): void {
    this.#eventBytes += event.data.length;
    if (this.#events.length >= MAX_EVENTS || this.#eventBytes > MAX_EVENT_BYTES) this.#lost++;
    else this.#events.push(event);
  }

  /** Adds a line of bpf_trace_printk, without its newline. */
  traceLine(text: string): void {
    if (this.#trace.length >= MAX_EVENTS) this.#lost++;
    else this.#trace.push(text);
  }

  /** Everything since the last call, oldest first. `lost` counts what was dropped for being too much. */
  take(): { readonly events: readonly MapEvent[]; readonly trace: readonly string[]; readonly lost: number } {
    const taken = { events: this.#events, trace: this.#trace, lost: this.#lost };
    if (taken.events.length > 0) this.#events = [];
    if (taken.trace.length > 0) this.#trace = [];
    this.#eventBytes = 0;
    this.#lost = 0;
    return taken;
  }

  save(): SavedEffects {
    return { events: [...this.#events], eventBytes: this.#eventBytes, trace: [...this.#trace], lost: this.#lost };
  }

  restore({ events, eventBytes, trace, lost }: SavedEffects): void {
    this.#events = [...events];
    this.#eventBytes = eventBytes;
    this.#trace = [...trace];
    this.#lost = lost;
  }
}
