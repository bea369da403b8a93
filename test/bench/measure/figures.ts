/** Which way a figure is good. */
export type Better = "higher" | "lower";

export interface FigureKind {
  /** Heading of its column, with its unit. */
  readonly label: string;
  readonly better: Better;
  /** Decimals worth printing. */
  readonly digits: number;
}

/**
 * Everything a run can yield. "local" is the proxy next to the client (our gateway, ss-local), "server" the one next to the target (our
 * tcp-relay or udp-relay, ss-server). CPU is user and system time of the process with all its threads and children.
 */
export const FIGURES = {
  throughput: { label: "MiB/s", better: "higher", digits: 0 },
  localCpuPerGib: { label: "local CPU s/GiB", better: "lower", digits: 2 },
  serverCpuPerGib: { label: "server CPU s/GiB", better: "lower", digits: 2 },
  connectionRate: { label: "connections/s", better: "higher", digits: 0 },
  localConnectionsPerCpuSecond: { label: "local connections/CPU s", better: "higher", digits: 0 },
  serverConnectionsPerCpuSecond: { label: "server connections/CPU s", better: "higher", digits: 0 },
  offeredRate: { label: "requests/s offered", better: "higher", digits: 0 },
  maximumRate: { label: "requests/s at most", better: "higher", digits: 0 },
  p50Us: { label: "p50 µs", better: "lower", digits: 0 },
  p99Us: { label: "p99 µs", better: "lower", digits: 0 },
  p999Us: { label: "p99.9 µs", better: "lower", digits: 0 },
  localCpuPerExchangeUs: { label: "local CPU µs/request", better: "lower", digits: 1 },
  serverCpuPerExchangeUs: { label: "server CPU µs/request", better: "lower", digits: 1 },
  packetRate: { label: "packets/s", better: "higher", digits: 0 },
  localPacketsPerCpuSecond: { label: "local packets/CPU s", better: "higher", digits: 0 },
  serverPacketsPerCpuSecond: { label: "server packets/CPU s", better: "higher", digits: 0 },
  lostPercent: { label: "lost %", better: "lower", digits: 2 },
  localKibPerConnection: { label: "local KiB/connection", better: "lower", digits: 1 },
  serverKibPerConnection: { label: "server KiB/connection", better: "lower", digits: 1 },
  localBaseMib: { label: "local MiB before", better: "lower", digits: 0 },
  serverBaseMib: { label: "server MiB before", better: "lower", digits: 0 },
  localRssMib: { label: "local RSS MiB", better: "lower", digits: 0 },
  serverRssMib: { label: "server RSS MiB", better: "lower", digits: 0 },
  failures: { label: "failures", better: "lower", digits: 0 },
  generatorCpuPercent: { label: "generator CPU %", better: "lower", digits: 0 },
  targetCpuPercent: { label: "target CPU %", better: "lower", digits: 0 },
} as const satisfies Record<string, FigureKind>;

export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** What one run yielded. */
export type Figures = Partial<Record<FigureName, number>>;

/** All rounds of one scenario, in the order they ran; `rounds.get(side)[i]` of different sides were measured one right after the other. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;
