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
  /** What is aimed at. */
  readonly limit: number;
  /**
   * What the gate insists on: never stricter than the limit. Beyond it lies what has been reached and must not be lost, with room for a machine
   * that has other work.
   */
  readonly floor: number;
}

/** What is aimed at, and what must not be lost, by what encrypts. */
interface Demand {
  readonly native: readonly [limit: number, floor: number];
  readonly pure: readonly [limit: number, floor: number];
}

type Backend = keyof Demand;

const CPU_PER_GIB = ["localCpuPerGib", "serverCpuPerGib"] as const;
const CONNECTIONS_PER_CPU = ["localConnectionsPerCpuSecond", "serverConnectionsPerCpuSecond"] as const;
const PACKETS_PER_CPU = ["localPacketsPerCpuSecond", "serverPacketsPerCpuSecond"] as const;
const AES = "aes-256-gcm";
const CHACHA = "chacha20-ietf-poly1305";
const UDP_BUDGET_BYTES = [512, 1_200];
const THROUGHPUT_CONNECTIONS = [1, 64];

/** What the data path must reach with the native accelerator or without. Ratios, because times say more about the machine than about the code. */
export function budgetsOf(backend: Backend): readonly Budget[] {
  const ratio = ratiosOf(backend);
  const wantsThroughput = (scenario: Scenario): boolean =>
    scenario.kind === "bulk" && THROUGHPUT_CONNECTIONS.includes(scenario.connections);
  const wantsPackets = (scenario: Scenario): boolean =>
    scenario.kind === "udp" && scenario.pattern === "echo" && UDP_BUDGET_BYTES.includes(scenario.payloadBytes);
  return [
    ratio("bulk CPU per GiB, per hop", "bulk", AES, CPU_PER_GIB, "at most", { native: [0.45, 0.85], pure: [0.85, 1.4] }),
    ratio("bulk CPU per GiB, per hop", "bulk", CHACHA, CPU_PER_GIB, "at most", { native: [0.55, 0.85], pure: [0.95, 1.6] }),
    ratio("bulk throughput", "bulk", AES, ["throughput"], "at least", { native: [2.2, 1.6], pure: [1.25, 0.8] }, wantsThroughput),
    ratio("short connections per CPU second, per hop", "connections", AES, CONNECTIONS_PER_CPU, "at least", {
      native: [0.65, 0.45],
      pure: [0.5, 0.28],
    }),
    ratio("p99 of a 1 KiB echo", "latency", AES, ["p99Us"], "at most", { native: [1.5, 30], pure: [2, 300] }),
    ratio(
      "UDP echo packets per CPU second, per hop",
      "udp",
      AES,
      PACKETS_PER_CPU,
      "at least",
      { native: [0.85, 0.6], pure: [0.5, 0.45] },
      wantsPackets,
    ),
    own("memory per idle connection, per hop", "idle", ["localKibPerConnection", "serverKibPerConnection"], "median", 18),
    own("idle connections dropped", "idle", ["failures"], "worst", 0),
    own("short connections that failed", "connections", ["failures"], "worst", 0),
    own("requests without an answer", "latency", ["failures"], "worst", 0),
  ];
}

function ratiosOf(backend: Backend) {
  return (
    name: string,
    kind: Kind,
    method: string,
    figures: readonly FigureName[],
    bound: Budget["bound"],
    demand: Demand,
    wants: (scenario: Scenario) => boolean = () => true,
  ): Budget => {
    const [limit, floor] = demand[backend];
    const appliesTo = (scenario: Scenario): boolean => scenario.kind === kind && scenario.method === method && wants(scenario);
    return { name, kind, method, appliesTo, figures, judge: "ratio", bound, limit, floor };
  };
}

function own(name: string, kind: Kind, figures: readonly FigureName[], judge: "median" | "worst", limit: number): Budget {
  const appliesTo = (scenario: Scenario): boolean => scenario.kind === kind;
  return { name, kind, method: undefined, appliesTo, figures, judge, bound: "at most", limit, floor: limit };
}
