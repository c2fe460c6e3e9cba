/** Events of programs by BTF type, as far as the object or the user tells the type; else as bytes. Knows no streams. */
import { ConfigError } from '../vm/index.js';
import type { Datapath, MapEvent, Packet, Value } from '../vm/index.js';
import { jsonValue, valueText } from './value-text.js';

export class EventDecoder {
  readonly #datapath: Datapath;
  readonly #type: string | undefined;
  #hint: string | undefined;

  /** @param type what the user says the events are */
  constructor(datapath: Datapath, type: string | undefined) {
    this.#datapath = datapath;
    this.#type = type;
  }

  /**
   * Undefined where nobody says what the event is.
   * @throws ConfigError where the type that the user named does not exist or the event is shorter
   */
  value(event: MapEvent): Value | undefined {
    try {
      return this.#datapath.decodeEvent(event, this.#type);
    } catch (error) {
      if (!(error instanceof ConfigError) || this.#type !== undefined) throw error;
      this.#hint = `${error.message}: use --event-type`;
      return undefined;
    }
  }

  /** One line. */
  text(event: MapEvent): string {
    const value = this.value(event);
    return `${event.map}: ${value === undefined ? `${Buffer.from(event.data).toString('hex')} (hex)` : valueText(value)}`;
  }

  /** Why events were printed as bytes, if any was. */
  get note(): string | undefined {
    return this.#hint;
  }
}

/** An event as plain data: its bytes, and its value where its type is known. */
export function eventData(event: MapEvent, decoder: EventDecoder): object {
  const { map, cpu, data } = event;
  const value = decoder.value(event);
  const bytes = { map, cpu, data: Buffer.from(data).toString('hex') };
  return value === undefined ? bytes : { ...bytes, value: jsonValue(value) };
}

/** A line of its own, where packets get none. */
export function eventText(packet: Packet, event: MapEvent, decoder: EventDecoder): string {
  return `${String(packet.index + 1).padStart(5)}  ${decoder.text(event)}`;
}

/** The same as plain data. */
export function eventJson(packet: Packet, event: MapEvent, decoder: EventDecoder): unknown {
  return { packet: packet.index + 1, event: eventData(event, decoder) };
}
