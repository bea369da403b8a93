import type { FigureName } from "./measure/figures.ts";
import type { Kind, Scenario } from "./scenario.ts";

/** One line of the table of budgets. */
export interface Budget {
  readonly name: string;
  readonly kind: Kind;
  /** Undefined: whichever the plan has. */
  readonly method: string | undefined;
  readonly appliesTo: (scenario: Scenario) => boolean;
  readonly figures: readonly FigureName[];
  /** "ratio": ours to shadowsocks-libev, median of rounds. "median": our own figure. "worst": our own figure in the worst round. */
  readonly judge: "ratio" | "median" | "worst";
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

const CPU_PER_GIB = ["localCpuPerGib", "serverCpuPerGib"] as const;
const AES = "aes-256-gcm";
const CHACHA = "chacha20-ietf-poly1305";
const UDP_BUDGET_BYTES = [512, 1_200];
const THROUGHPUT_CONNECTIONS = [1, 64];

/** What the data path must reach without the native accelerator. Ratios, because times say more about the machine than about the code. */
export const PURE_BUDGETS: readonly Budget[] = [
  ratio("bulk CPU per GiB, per hop", "bulk", AES, CPU_PER_GIB, "at most", 0.85),
  ratio("bulk CPU per GiB, per hop", "bulk", CHACHA, CPU_PER_GIB, "at most", 0.95),
  {
    ...ratio("bulk throughput", "bulk", AES, ["throughput"], "at least", 1.25),
    appliesTo: (scenario) => scenario.kind === "bulk" && scenario.method === AES && THROUGHPUT_CONNECTIONS.includes(scenario.connections),
  },
  ratio(
    "short connections per CPU second, per hop",
    "connections",
    AES,
    ["localConnectionsPerCpuSecond", "serverConnectionsPerCpuSecond"],
    "at least",
    0.5,
  ),
  ratio("p99 of a 1 KiB echo", "latency", AES, ["p99Us"], "at most", 2.0),
  {
    ...ratio(
      "UDP echo packets per CPU second, per hop",
      "udp",
      AES,
      ["localPacketsPerCpuSecond", "serverPacketsPerCpuSecond"],
      "at least",
      0.5,
    ),
    appliesTo: (scenario) =>
      scenario.kind === "udp" && scenario.method === AES && scenario.pattern === "echo" && UDP_BUDGET_BYTES.includes(scenario.payloadBytes),
  },
  own("memory per idle connection, per hop", "idle", ["localKibPerConnection", "serverKibPerConnection"], "median", 18),
  own("idle connections dropped", "idle", ["failures"], "worst", 0),
  own("short connections that failed", "connections", ["failures"], "worst", 0),
  own("requests without an answer", "latency", ["failures"], "worst", 0),
];

function ratio(name: string, kind: Kind, method: string, figures: readonly FigureName[], bound: Budget["bound"], limit: number): Budget {
  return {
    name,
    kind,
    method,
    appliesTo: (scenario) => scenario.kind === kind && scenario.method === method,
    figures,
    judge: "ratio",
    bound,
    limit,
  };
}

function own(name: string, kind: Kind, figures: readonly FigureName[], judge: "median" | "worst", limit: number): Budget {
  return { name, kind, method: undefined, appliesTo: (scenario) => scenario.kind === kind, figures, judge, bound: "at most", limit };
}
