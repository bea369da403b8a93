import { type NativeStreams, nativeSockets } from "@shadowfleet/aead-native";
import { hostAt } from "./endpoint-cache.ts";
import { sharedReadBuffer } from "./read-buffer.ts";

/** Who hears of a stream. */
export interface StreamListener {
  onStreamEvent(event: number, value: number): void;
  /** The stream was closed, a little while ago. */
  onStreamClosed(): void;
}

export interface StreamName {
  readonly host: string;
  readonly port: number;
}

const byNative = new WeakMap<NativeStreams, StreamTurns>();

/** The streams of this thread; undefined without the accelerator, and while there is no descriptor to begin with. */
export function streamTurns(): StreamTurns | undefined {
  const native = nativeSockets();
  if (native === undefined) return undefined;
  let turns = byNative.get(native);
  try {
    turns ??= new StreamTurns(native);
    byNative.set(native, turns);
  } catch {
    // Node's own sockets say what is wrong, or serve.
  }
  return turns;
}

/** All native TCP sockets of a thread. Who closed one hears so at the end of the turn, or soon after when there is none: never within the call. */
export class StreamTurns {
  readonly native: NativeStreams;
  /** By descriptor, two each: payload bytes that the flow from it has moved, and its reads. */
  readonly moved: Float64Array;
  readonly #name: Int32Array;
  readonly #listeners: (StreamListener | undefined)[] = [];
  #closed: StreamListener[] = [];
  #isTurn = false;
  #isLater = false;

  constructor(native: NativeStreams) {
    this.native = native;
    [this.#name, this.moved] = native.startStreams(this.#onEvent, this.#onTurnEnd, sharedReadBuffer());
  }

  add(stream: number, listener: StreamListener): void {
    this.#listeners[stream] = listener;
  }

  /** `stream` undefined: there was none, which is told like the end of one. */
  close(stream: number | undefined, listener: StreamListener, resets: boolean): void {
    if (stream !== undefined) {
      this.#listeners[stream] = undefined;
      this.native.closeStream(stream, resets);
    }
    this.#closed.push(listener);
    if (this.#isTurn || this.#isLater) return;
    this.#isLater = true;
    setImmediate(this.#tellLater);
  }

  /** Of the stream accepted just now. */
  latestName(): StreamName {
    return { host: hostAt(this.#name, 1, () => this.native.hostOfName()), port: this.#name[0] as number };
  }

  /** Undefined: it has none any more. */
  nameOf(stream: number, ofPeer: boolean): StreamName | undefined {
    return this.native.askName(stream, ofPeer) ? this.latestName() : undefined;
  }

  readonly #onEvent = (event: number, stream: number, value: number): void => {
    this.#isTurn = true;
    this.#listeners[stream]?.onStreamEvent(event, value);
  };

  readonly #onTurnEnd = (): void => {
    this.#isTurn = false;
    this.#tellClosed();
  };

  readonly #tellLater = (): void => {
    this.#isLater = false;
    this.#tellClosed();
  };

  #tellClosed(): void {
    while (this.#closed.length > 0) {
      const closed = this.#closed;
      this.#closed = [];
      for (const listener of closed) listener.onStreamClosed();
    }
  }
}
