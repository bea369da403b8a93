import { chunkKeyOf, NATIVE_VERDICTS } from "@shadowfleet/aead-native";
import type { ChunkStream } from "@shadowfleet/wire";
import type { NativeSocket } from "./native-socket.ts";
import type { StreamTurns } from "./stream-turns.ts";

/** The longest beginning of a message: a payload of SIP022 but for one byte, and its tag. */
const LONGEST_PARTIAL = 0xffff + 16;
/** `endFlow` returns both in one number. */
const PARTIAL_SCALE = 2 ** 17;

const partial = Buffer.alloc(LONGEST_PARTIAL);

/** One direction between two native sockets while the addon moves it: reads, seals or opens, writes. */
export class NativeFlow {
  readonly #turns: StreamTurns;
  readonly #source: NativeSocket;
  /** Where its counts stand. */
  readonly #at: number;
  readonly #sink: NativeSocket;
  readonly #chunks: ChunkStream;
  readonly #onCorrupt: () => void;
  #seenBytes = 0;
  #seenReads = 0;
  #isRunning = true;
  /** Moved before it ended, and not taken yet. */
  #leftBytes = 0;

  /** Undefined: these chunks, or these sockets, stay in JavaScript. `onCorrupt`: after the stream was taken back and told why. */
  static begin(source: NativeSocket, sink: NativeSocket, chunks: ChunkStream, onCorrupt: () => void): NativeFlow | undefined {
    const key = chunkKeyOf(chunks.aead);
    const { turns } = source;
    if (!key || source.destroyed || sink.destroyed || sink.writableEnded || sink.writableLength > 0) return undefined;
    const { seals, nonce, maxChunk, payloadLength } = chunks;
    const isStarted = turns.native.startFlow(
      source.descriptor,
      sink.descriptor,
      seals,
      key.algorithm,
      key.key,
      nonce,
      maxChunk,
      payloadLength + 1,
      chunks.partial,
    );
    return isStarted ? new NativeFlow(source, sink, chunks, onCorrupt) : undefined;
  }

  private constructor(source: NativeSocket, sink: NativeSocket, chunks: ChunkStream, onCorrupt: () => void) {
    this.#turns = source.turns;
    this.#source = source;
    this.#at = 2 * source.descriptor;
    this.#sink = sink;
    this.#chunks = chunks;
    this.#onCorrupt = onCorrupt;
    source.flow = this;
    sink.isSink = true;
  }

  /** Whether anything was read since it was last asked. */
  get hasMoved(): boolean {
    if (!this.#isRunning) return this.#leftBytes > 0;
    const reads = this.#turns.moved[this.#at + 1] as number;
    const has = reads !== this.#seenReads;
    this.#seenReads = reads;
    return has;
  }

  /** Payload bytes moved since it was last asked. */
  takeBytes(): number {
    let bytes = this.#leftBytes;
    this.#leftBytes = 0;
    if (this.#isRunning) {
      const moved = this.#turns.moved[this.#at] as number;
      bytes += moved - this.#seenBytes;
      this.#seenBytes = moved;
    }
    return bytes;
  }

  /** Hands the stream back to its transform. What the kernel has not taken yet goes on to the sink by itself. */
  end(verdict = 0): void {
    if (!this.#isRunning) return;
    this.#leftBytes = this.takeBytes();
    this.#isRunning = false;
    this.#source.flow = undefined;
    const state = this.#turns.native.endFlow(this.#source.descriptor, this.#chunks.nonce, partial) ?? -PARTIAL_SCALE;
    const payloadLength = Math.floor(state / PARTIAL_SCALE);
    const length = state - payloadLength * PARTIAL_SCALE;
    this.#chunks.resume(payloadLength, partial.subarray(0, length), NATIVE_VERDICTS[verdict] ?? "AUTH_FAILED");
    this.#sink.awaitPending();
  }

  corrupted(verdict: number): void {
    this.end(verdict);
    this.#onCorrupt();
  }
}
