import type { LoadOutcome } from "../generator/load-run.ts";
import type { BulkScenario, ConnectionsScenario, LatencyScenario, UdpScenario } from "../scenario.ts";
import type { Figures } from "./figures.ts";
import type { UsageBetween } from "./process-usage.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const MICROSECONDS = 1e6;

/** The scenarios measured in a window. */
export type WindowScenario = BulkScenario | ConnectionsScenario | LatencyScenario | UdpScenario;

/** What a run says, per hop. Throws when the run moved nothing: that is a broken bench, not a slow proxy. */
export function figuresOf(kind: WindowScenario["kind"], outcome: LoadOutcome): Figures {
  return { ...ownFiguresOf(kind, outcome), ...footprintOf(outcome) };
}

function ownFiguresOf(kind: WindowScenario["kind"], outcome: LoadOutcome): Figures {
  switch (kind) {
    case "bulk":
      return bulkFigures(outcome);
    case "connections":
      return connectionFigures(outcome);
    case "latency":
      return latencyFigures(outcome);
    case "udp":
      return datagramFigures(outcome);
  }
}

/** Per second of the generator's own window. */
function rateOf({ result }: LoadOutcome, field: string): number {
  const rate = (result[field] ?? 0) / (result.seconds ?? 0);
  if (!(rate > 0)) throw new Error(`the run brought no ${field}: ${JSON.stringify(result)}`);
  return rate;
}

function perCpuSecond(rate: number, { cpuShare }: UsageBetween): number {
  if (!(cpuShare > 0)) throw new Error("a proxy used no CPU time: the window is too short, or it is not the proxy");
  return rate / cpuShare;
}

function bulkFigures(outcome: LoadOutcome): Figures {
  const bytesPerSecond = rateOf(outcome, "bytes");
  return {
    throughput: bytesPerSecond / MIB,
    localCpuPerGib: outcome.local.cpuShare / (bytesPerSecond / GIB),
    serverCpuPerGib: outcome.server.cpuShare / (bytesPerSecond / GIB),
  };
}

function connectionFigures(outcome: LoadOutcome): Figures {
  const connectionRate = rateOf(outcome, "connections");
  return {
    connectionRate,
    localConnectionsPerCpuSecond: perCpuSecond(connectionRate, outcome.local),
    serverConnectionsPerCpuSecond: perCpuSecond(connectionRate, outcome.server),
    failures: outcome.result.failed ?? 0,
  };
}

function latencyFigures(outcome: LoadOutcome): Figures {
  const { p50Us = Number.NaN, p99Us = Number.NaN, p999Us = Number.NaN, unanswered = 0 } = outcome.result;
  const exchangeRate = rateOf(outcome, "exchanges");
  return {
    p50Us,
    p99Us,
    p999Us,
    localCpuPerExchangeUs: (outcome.local.cpuShare / exchangeRate) * MICROSECONDS,
    serverCpuPerExchangeUs: (outcome.server.cpuShare / exchangeRate) * MICROSECONDS,
    failures: unanswered,
  };
}

/** A packet of the echo pattern is one that came back: two datagrams for each hop. */
function datagramFigures(outcome: LoadOutcome): Figures {
  const packetRate = rateOf(outcome, "packets");
  const { packets = 0, lost = 0 } = outcome.result;
  return {
    packetRate,
    localPacketsPerCpuSecond: perCpuSecond(packetRate, outcome.local),
    serverPacketsPerCpuSecond: perCpuSecond(packetRate, outcome.server),
    lostPercent: (100 * lost) / (packets + lost),
  };
}

function footprintOf({ result, local, server, target }: LoadOutcome): Figures {
  return {
    localRssMib: local.rssBytes / MIB,
    serverRssMib: server.rssBytes / MIB,
    generatorCpuPercent: (100 * (result.cpuSeconds ?? 0)) / (result.seconds ?? 0),
    targetCpuPercent: 100 * target.cpuShare,
  };
}
