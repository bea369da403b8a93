/** One thing to measure. Directions are the client's: down is target to client. */
export type Scenario = BulkScenario | ConnectionsScenario | LatencyScenario | IdleScenario | UdpScenario;

export const KINDS = ["bulk", "connections", "latency", "idle", "udp"] as const;
export type Kind = (typeof KINDS)[number];

/** Connections that carry as much as they can for the whole window. */
export interface BulkScenario {
  readonly kind: "bulk";
  readonly method: string;
  readonly direction: "down" | "up";
  readonly connections: number;
}

/** Connect, SOCKS5 handshake, 1 KiB request, 1 KiB answer, close; as often as it goes. */
export interface ConnectionsScenario {
  readonly kind: "connections";
  readonly method: string;
  readonly inFlight: number;
}

/** 1 KiB echoes at a fixed rate, the same for all sides: a share of what the slowest of them can do. */
export interface LatencyScenario {
  readonly kind: "latency";
  readonly method: string;
  readonly connections: number;
  /** Of the slowest side's maximum rate. */
  readonly load: number;
}

/** Connections that are open and do nothing. */
export interface IdleScenario {
  readonly kind: "idle";
  readonly method: string;
  /** How many are held, ascending. */
  readonly steps: readonly number[];
}

/** Datagrams through one SOCKS5 association. */
export interface UdpScenario {
  readonly kind: "udp";
  readonly method: string;
  readonly pattern: "echo" | "one-way";
  /** Without any header. */
  readonly payloadBytes: number;
  readonly inFlight: number;
}

/** Short, and different for every scenario of a plan. */
export function labelOf(scenario: Scenario): string {
  const { kind, method } = scenario;
  switch (kind) {
    case "bulk":
      return `bulk ${scenario.direction} ×${scenario.connections} ${method}`;
    case "connections":
      return `connections ×${scenario.inFlight} ${method}`;
    case "latency":
      return `latency at ${Math.round(scenario.load * 100)} % ×${scenario.connections} ${method}`;
    case "idle":
      return `idle ${scenario.steps.join(", ")} ${method}`;
    case "udp":
      return `UDP ${scenario.pattern} ${scenario.payloadBytes} B ×${scenario.inFlight} ${method}`;
  }
}
