import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type ErrorCode, systemClock } from "@shadowfleet/runtime";
import { MemoryFailCounts } from "@shadowfleet/store";
import { createMemoryLogger, eventually, type MemoryLogger, RecordingMetrics, type SocksEndpoint } from "@shadowfleet/testkit";
import { createApp, type GatewayApp, type GatewayDeps } from "../src/app.ts";
import { type GatewayConfig, loadGatewayConfig } from "../src/config.ts";
import type { SessionEnd } from "../src/session/session-end.ts";

export interface GatewayFixture {
  readonly app: GatewayApp;
  readonly proxy: SocksEndpoint;
  readonly failCounts: MemoryFailCounts;
  readonly metrics: RecordingMetrics;
  readonly log: MemoryLogger;
  /** Client connections that are over, in order. */
  readonly ends: readonly SessionEnd[];
  /** The next connection to end; each is handed out once. */
  nextEnd(): Promise<SessionEnd>;
  /** All connections so far ended with these codes, in any order, each counted once in the metric too. */
  expectOutcomes(...codes: ("OK" | ErrorCode)[]): Promise<void>;
}

export function gatewayConfig(data: Readonly<Record<string, unknown>>): GatewayConfig {
  return loadGatewayConfig({ name: "test", data: { listen: { port: 0 }, ...data } });
}

/** A started gateway on a port of its own, drained with the test. */
export async function startGateway(
  t: TestContext,
  data: Readonly<Record<string, unknown>>,
  deps: Partial<GatewayDeps> = {},
): Promise<GatewayFixture> {
  const failCounts = new MemoryFailCounts();
  const metrics = new RecordingMetrics();
  const log = createMemoryLogger();
  const ends: SessionEnd[] = [];
  let taken = 0;
  const app = createApp(gatewayConfig(data), {
    logger: log.logger,
    metrics,
    clock: systemClock,
    failCounts,
    onSessionEnd: (end) => ends.push(end),
    ...deps,
  });
  await app.start();
  t.after(() => app.drain(0));
  const nextEnd = async (): Promise<SessionEnd> => {
    const index = taken++;
    await eventually(`end of connection ${index + 1}`, () => ends.length > index);
    return ends[index]!;
  };
  const expectOutcomes = async (...codes: ("OK" | ErrorCode)[]): Promise<void> => {
    await eventually(`${codes.length} ended connections`, () => ends.length >= codes.length && app.connections === 0);
    assert.deepEqual(ends.map(({ code }) => code).toSorted(), codes.toSorted());
    assert.equal(metrics.total("shadowsocks.connections"), codes.length, "each connection is counted once");
    for (const code of codes) {
      const expected = codes.filter((other) => other === code).length;
      assert.equal(metrics.total("shadowsocks.connections", { outcome: code }), expected, code);
    }
  };
  return { app, proxy: app.address, failCounts, metrics, log, ends, nextEnd, expectOutcomes };
}
