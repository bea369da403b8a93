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
} as const;

/**
 * TCP sockets of a thread, all that is ready told in one turn of the event loop (native/stream-calls.c). A stream is its descriptor, until it is
 * closed; every argument is checked. A call that fails returns a negative errno.
 */
export interface NativeStreams {
  /** Once in a thread. `buffer`: where all reads go. Returns the words of an endpoint (port, scope, four of the address), for names. */
  startStreams(onEvent: (event: number, stream: number, value: number) => void, onTurnEnd: () => void, buffer: Buffer): Int32Array;
  /** Binds and listens; "::" takes IPv4 too. */
  listenStream(host: string, port: number, isIpv6: boolean, sharesPort: boolean, backlog: number): number;
  /** Begins to connect. */
  connectStream(host: string, port: number): number;
  /** Whether to tell of bytes and of room. Neither at first. */
  watchStream(stream: number, reads: boolean, awaitsRoom: boolean): void;
  /** Bytes the kernel took. */
  writeStream(stream: number, src: Buffer, start: number, end: number): number;
  /** Sends FIN. */
  shutDownStream(stream: number): number;
  /** `resets`: with RST. */
  closeStream(stream: number, resets: boolean): void;
  /** Writes an end's name to the words. False: it has none any more. */
  askName(stream: number, ofPeer: boolean): boolean;
  /** The literal address in the words. */
  hostOfName(): string;
}
