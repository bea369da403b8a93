import { ARRIVAL_WORDS, type DatagramMemory, DEPARTURE_WORDS, type NativeDatagrams, RECEIVED_SLOT } from "@shadowfleet/aead-native";

const SLOTS = 4;
const SEATS = 8;
const SENT_ROOM = 256 * 1024;
const SCOPE = 0;

/** A datagram as it left. */
export interface Departed {
  readonly socket: number;
  readonly text: string;
  readonly to: string;
}

/** The addon's half of the sockets without a kernel: what is sent lies in `departed`, and arrives when the test says so. IPv4 only. */
export class FakeDatagrams implements NativeDatagrams {
  readonly departed: Departed[] = [];
  readonly calls: string[] = [];
  /** The negative errno of a departure; undefined: it is taken. Replaced by tests. */
  fate: (departure: Departed) => number | undefined = () => undefined;
  readonly #memory: DatagramMemory = {
    received: new Uint8Array(SLOTS * RECEIVED_SLOT),
    arrivals: new Int32Array(SLOTS * ARRIVAL_WORDS),
    sent: new Uint8Array(SENT_ROOM),
    departures: new Int32Array(SEATS * DEPARTURE_WORDS),
  };
  #onEvent: (socket: number, count: number) => void = () => {};
  #sockets = 0;

  startDatagrams(onEvent: (socket: number, count: number) => void): DatagramMemory {
    this.#onEvent = onEvent;
    return this.#memory;
  }

  openDatagramSocket(host: string, port: number): number {
    this.#write(this.#memory.arrivals, 0, host);
    this.#memory.arrivals[0] = port;
    return this.#sockets++;
  }

  closeDatagramSocket(socket: number): void {
    this.calls.push(`close ${socket}`);
  }

  awaitRoom(socket: number, awaits: boolean): void {
    this.calls.push(`${awaits ? "await" : "have"} room ${socket}`);
  }

  sendDatagrams(count: number): number {
    const { departures, sent } = this.#memory;
    let failed = 0;
    for (let i = 0; i < count; i++) {
      const at = i * DEPARTURE_WORDS;
      const [port = 0, , , , , address = 0, socket = 0, offset = 0, length = 0] = departures.subarray(at, at + DEPARTURE_WORDS);
      const departure = { socket, text: Buffer.from(sent.subarray(offset, offset + length)).toString(), to: `${hostOf(address)} ${port}` };
      const fate = this.fate(departure);
      departures[at + 9] = fate ?? 0;
      if (fate === undefined) this.departed.push(departure);
      else failed += 1;
    }
    return failed;
  }

  hostOfArrival(arrival: number): string {
    this.calls.push("host");
    return hostOf(this.#memory.arrivals[arrival * ARRIVAL_WORDS + 5] as number);
  }

  parseHost(host: string): boolean {
    if (!/^\d+\.\d+\.\d+\.\d+$/.test(host)) return false;
    this.#write(this.#memory.departures, 0, host);
    return true;
  }

  arrive(socket: number, ...datagrams: readonly (readonly [text: string, host: string, port: number])[]): void {
    const { received, arrivals } = this.#memory;
    for (const [i, [text, host, port]] of datagrams.entries()) {
      this.#write(arrivals, i * ARRIVAL_WORDS, host);
      arrivals[i * ARRIVAL_WORDS] = port;
      arrivals[i * ARRIVAL_WORDS + 6] = received.length === 0 ? 0 : Buffer.from(received.buffer).write(text, i * RECEIVED_SLOT);
    }
    this.#onEvent(socket, datagrams.length);
  }

  /** An event without datagrams: a negative errno, or 0 for room. */
  tell(socket: number, what: number): void {
    this.#onEvent(socket, what);
  }

  #write(words: Int32Array, at: number, host: string): void {
    words.set([SCOPE, 0, 0, 0xffff, host.split(".").reduce((value, part) => value * 256 + Number(part), 0)], at + 1);
  }
}

function hostOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}
