/**
 * What programs gave to the outside during a run: events for user space, trace lines, clones of packets. Knows no program
 * types.
 */

/** One sample of a ring buffer or perf buffer. */
export interface MapEvent {
  /** The map's name. */
  readonly map: string;
  readonly cpu: number;
  /** A copy of the sample's bytes. */
  readonly data: Uint8Array;
}

/** A copy of a packet that bpf_clone_redirect sent. */
export interface PacketClone {
  readonly ifindex: number;
  /** Whether it came in on that device (BPF_F_INGRESS) instead of leaving by it. */
  readonly ingress: boolean;
  readonly packet: Uint8Array;
}

/** Events, lines and clones past these are counted, not kept, so that a program cannot fill the host's memory in one run. */
const MAX_EVENTS = 65_536;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/** What has been said and not been taken yet. */
export interface SavedEffects {
  readonly events: readonly MapEvent[];
  readonly eventBytes: number;
  readonly trace: readonly string[];
  readonly clones: readonly PacketClone[];
  readonly lost: number;
}

export class Effects {
  #events: MapEvent[] = [];
  #eventBytes = 0;
  #trace: string[] = [];
  #clones: PacketClone[] = [];
  #lost = 0;

  emit(event: MapEvent): void {
    this.#eventBytes += event.data.length;
    if (this.#events.length >= MAX_EVENTS || this.#eventBytes > MAX_EVENT_BYTES) this.#lost++;
    else this.#events.push(event);
  }

  /** Adds a packet that a program sent on its own. */
  clone(clone: PacketClone): void {
    this.#eventBytes += clone.packet.length;
    if (this.#clones.length >= MAX_EVENTS || this.#eventBytes > MAX_EVENT_BYTES) this.#lost++;
    else this.#clones.push(clone);
  }

  /** Adds a line of bpf_trace_printk, without its newline. */
  traceLine(text: string): void {
    if (this.#trace.length >= MAX_EVENTS) this.#lost++;
    else this.#trace.push(text);
  }

  /** Whether nothing has been said since the last call of `take`. */
  get isEmpty(): boolean {
    return this.#events.length + this.#trace.length + this.#clones.length + this.#lost === 0;
  }

  /** Everything since the last call, oldest first. `lost` counts what was dropped for being too much. */
  take(): Omit<SavedEffects, 'eventBytes'> {
    const taken = { events: this.#events, trace: this.#trace, clones: this.#clones, lost: this.#lost };
    // What is given away is not written to again, not even where it is empty.
    this.#events = [];
    this.#trace = [];
    this.#clones = [];
    this.#eventBytes = 0;
    this.#lost = 0;
    return taken;
  }

  save(): SavedEffects {
    return {
      events: [...this.#events],
      eventBytes: this.#eventBytes,
      trace: [...this.#trace],
      clones: [...this.#clones],
      lost: this.#lost,
    };
  }

  restore({ events, eventBytes, trace, clones, lost }: SavedEffects): void {
    this.#events = [...events];
    this.#eventBytes = eventBytes;
    this.#trace = [...trace];
    this.#clones = [...clones];
    this.#lost = lost;
  }
}
