/**
 * One TCP connection that reads through the process-wide shared buffer. Handlers are plain properties, set by whoever owns the connection now
 * (handshake first, pump later), because listeners per connection cost memory and time.
 */
export interface Connection {
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Bytes src[start, end) arrived. They are valid only during the call: the next read of any connection overwrites them. */
  onData: (src: Buffer, start: number, end: number) => void;
  /** The peer has half-closed; writing still works. */
  onEnd: () => void;
  /** All pending writes are out after `send` returned false. */
  onDrain: () => void;
  /** Exactly once, after which nothing else is called. */
  onClose: (error: Error | undefined) => void;
  /** True from `onEnd` on. */
  readonly ended: boolean;
  readonly closed: boolean;
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /** Starts or goes on reading. A new connection does not read until told. */
  resume(): void;
  pause(): void;
  /** Queues bytes; the buffer belongs to the connection from now on. False: wait for `onDrain` before sending much more. */
  send(data: Buffer): boolean;
  /** Half-closes after pending writes. */
  end(): void;
  /** Closes now, dropping pending writes, with FIN where the kernel has nothing unread. */
  destroy(): void;
  /** Closes now with RST. */
  reset(): void;
}
