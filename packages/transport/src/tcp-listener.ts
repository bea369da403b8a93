import type { Connection } from "./connection.ts";

export interface TcpListenerOptions {
  /** Address to bind; "::" means IPv6 and IPv4. */
  readonly host: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** Given every accepted connection, not reading yet, its handlers unset. */
  readonly onConnection: (connection: Connection) => void;
  /** Live connections of this listener above which accepting pauses until some close. */
  readonly maxConnections: number;
  /** Accepting paused (cap reached or descriptors exhausted) or resumed. The port itself never dies. */
  readonly onPauseChange: (paused: boolean, reason: string) => void;
}

export interface TcpListener {
  readonly host: string;
  readonly port: number;
  /** Connections accepted here and not closed yet. */
  readonly connections: number;
  /** Stops accepting and frees the port; live connections go on. */
  close(): Promise<void>;
}
