/** What is told of a stream (`enum stream_event` of native/streams.h), with its value. */
export const STREAM_EVENTS = {
  /** The new stream, or a negative errno; its peer is in the shared words. */
  accepted: 0,
  /** 0, or a negative errno. */
  connected: 1,
  /** Bytes in the buffer, 0 at the end, or a negative errno. */
  read: 2,
  /** There is room to write. */
  room: 3,
  /** A negative errno, met by a flow to the stream. */
  unwritable: 4,
  /** A flow from the stream is held for good: its chunks do not open. A place in NATIVE_VERDICTS. */
  corrupt: 5,
} as const;

/**
 * TCP sockets of a thread, all that is ready told in one turn of the event loop (native/stream-calls.c). A stream is its descriptor, until it is
 * closed; every argument is checked. A call that fails returns a negative errno.
 */
export interface NativeStreams {
  /**
   * Once in a thread. `buffer`: where all reads go. Returns the words of an endpoint (port, scope, four of the address), for names, and for each descriptor
   * the payload bytes that the flow from it has moved and its reads.
   */
  startStreams(
    onEvent: (event: number, stream: number, value: number) => void,
    onTurnEnd: () => void,
    buffer: Buffer,
  ): readonly [name: Int32Array, moved: Float64Array];
  /** Binds and listens; "::" takes IPv4 too. */
  listenStream(host: string, port: number, isIpv6: boolean, sharesPort: boolean, backlog: number): number;
  /** Begins to connect. */
  connectStream(host: string, port: number): number;
  /** Whether to tell of bytes and of room. Neither at first. */
  watchStream(stream: number, reads: boolean, awaitsRoom: boolean): void;
  /** Bytes the kernel took; none while a flow's are pending. */
  writeStream(stream: number, src: Buffer, start: number, end: number): number;
  /** Bytes that a flow to the stream has left pending. They go out by themselves, and `room` comes only then. */
  pendingOf(stream: number): number;
  /**
   * From now on what `source` is told to read is sealed or opened and written to `sink` without a word, until it ends, breaks or is corrupt; nothing
   * else may write to `sink`. `partial`: the beginning of a message. `payloadLength` of a message whose length is known, else -1; handed over plus one.
   * False: that cannot be.
   */
  startFlow(
    source: number,
    sink: number,
    seals: boolean,
    algorithm: number,
    key: Buffer,
    nonce: Buffer,
    maxChunk: number,
    payloadLengthPlusOne: number,
    partial: Buffer,
  ): boolean;
  /** Ends it. Writes the nonce and `partial`, which has room for any; returns payloadLength * 2^17 + the length of `partial`. Undefined: there is none. */
  endFlow(source: number, nonce: Buffer, partial: Buffer): number | undefined;
  /** Sends FIN. */
  shutDownStream(stream: number): number;
  /** `resets`: with RST. */
  closeStream(stream: number, resets: boolean): void;
  /** Writes an end's name to the words. False: it has none any more. */
  askName(stream: number, ofPeer: boolean): boolean;
  /** The literal address in the words. */
  hostOfName(): string;
}
