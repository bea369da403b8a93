import type { Kind, Scenario } from "./scenario.ts";

export const METHODS = ["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305", "2022-blake3-aes-256-gcm"] as const;

export interface PlanOptions {
  readonly quick: boolean;
  readonly kinds: readonly Kind[];
  readonly methods: readonly string[];
  /** Most connections a proxy can hold: each takes two descriptors. */
  readonly maxHeld: number;
}

const AES = "aes-256-gcm";
const CHACHA = "chacha20-ietf-poly1305";
const SIP022 = "2022-blake3-aes-256-gcm";
/** Share of the slower side's maximum at which latency is compared. */
const LATENCY_LOAD = 0.3;
const LATENCY_CONNECTIONS = 16;
const UDP_ECHO_IN_FLIGHT = 64;
const UDP_ONE_WAY_IN_FLIGHT = 256;

/** What to measure, in order. Steps of held connections beyond `maxHeld` are cut to it. */
export function planOf({ quick, kinds, methods, maxHeld }: PlanOptions): Scenario[] {
  const scenarios = quick ? quickScenarios() : fullScenarios();
  return scenarios
    .filter(({ kind, method }) => kinds.includes(kind) && methods.includes(method))
    .map((scenario) => (scenario.kind === "idle" ? { ...scenario, steps: cutSteps(scenario.steps, maxHeld) } : scenario));
}

/** Exactly what the budgets speak of. */
function quickScenarios(): Scenario[] {
  return [
    { kind: "bulk", method: AES, direction: "down", connections: 1 },
    { kind: "bulk", method: AES, direction: "up", connections: 1 },
    { kind: "bulk", method: AES, direction: "down", connections: 64 },
    { kind: "bulk", method: CHACHA, direction: "down", connections: 1 },
    { kind: "connections", method: AES, inFlight: 64 },
    latency(AES),
    { kind: "idle", method: AES, steps: [5_000] },
    udp(AES, "echo", 512),
    udp(AES, "echo", 1_200),
  ];
}

function fullScenarios(): Scenario[] {
  return [
    ...METHODS.flatMap((method) => bulk(method)),
    ...METHODS.flatMap((method) => [8, 64].map((inFlight): Scenario => ({ kind: "connections", method, inFlight }))),
    ...[AES, SIP022].map(latency),
    { kind: "idle", method: AES, steps: [1_000, 5_000, 10_000] },
    ...[64, 512, 1_200, 1_400].map((bytes) => udp(AES, "echo", bytes)),
    ...[CHACHA, SIP022].flatMap((method) => [512, 1_400].map((bytes) => udp(method, "echo", bytes))),
    ...[64, 512, 1_200, 1_400].map((bytes) => udp(AES, "one-way", bytes)),
  ];
}

/** Of the methods that differ in their cipher alone, the ends of the range. */
function bulk(method: string): Scenario[] {
  return (["down", "up"] as const).flatMap((direction) =>
    (method === AES ? [1, 8, 64] : [1, 64]).map((connections): Scenario => ({ kind: "bulk", method, direction, connections })),
  );
}

function latency(method: string): Scenario {
  return { kind: "latency", method, connections: LATENCY_CONNECTIONS, load: LATENCY_LOAD };
}

function udp(method: string, pattern: "echo" | "one-way", payloadBytes: number): Scenario {
  return { kind: "udp", method, pattern, payloadBytes, inFlight: pattern === "echo" ? UDP_ECHO_IN_FLIGHT : UDP_ONE_WAY_IN_FLIGHT };
}

function cutSteps(steps: readonly number[], maxHeld: number): number[] {
  return [...new Set(steps.map((step) => Math.min(step, maxHeld)))];
}
