/** Where the target listens, and what it counts. */
export const ECHO_PORT = 7001;
export const SINK_PORT = 7002;
export const SOURCE_PORT = 7003;
export const STATS_PORT = 7080;

/** Answer of `GET /` on STATS_PORT: payload bytes since the start, as the target saw them. */
export interface TargetStats {
  readonly tcpReceived: number;
  readonly udpReceived: number;
  readonly udpSent: number;
  /** Connections to the three ports now. */
  readonly open: number;
}
