import assert from "node:assert/strict";
import { connectFleet, type Member, MemberKind, type PortStatus } from "@shadowfleet/control-api";
import { createApp, loadManagementConfig, type ManagementApp } from "@shadowfleet/management";
import { systemClock } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import { createMemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { runCommand } from "../src/run.ts";
import type { CommandResult } from "./command.ts";
import { FakeTerminal, type FakeTerminalOptions } from "./fake-terminal.ts";

/** A management process within this one, and the command to manage it with. */
export class Managed implements AsyncDisposable {
  readonly store = new SqliteStore({ path: ":memory:" });
  readonly #app: ManagementApp;

  constructor(grpc: Readonly<Record<string, unknown>> = {}) {
    const config = loadManagementConfig({ name: "test", data: { grpc: { port: 0, ...grpc }, publicHost: "relay.example" } });
    const timing = { watchMs: 50, bindWaitMs: 1000, bindLookMs: 10 };
    const { logger } = createMemoryLogger();
    this.#app = createApp(config, { logger, metrics: new RecordingMetrics(), clock: systemClock, store: this.store, timing });
  }

  async start(): Promise<this> {
    await this.#app.start();
    return this;
  }

  get port(): number {
    return this.#app.address.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async run(argv: readonly string[], options: FakeTerminalOptions = {}): Promise<CommandResult> {
    const terminal = new FakeTerminal(options);
    const exitCode = await runCommand([...argv, "--server", this.address], terminal);
    return { exitCode, terminal, out: terminal.out, err: terminal.err };
  }

  /** The document a command answers, which must succeed. */
  async ask<Answer = Record<string, unknown>>(...argv: string[]): Promise<Answer> {
    const { exitCode, out, err } = await this.run([...argv, "-o", "json"]);
    assert.deepEqual([exitCode, err], [0, ""], argv.join(" "));
    return JSON.parse(out) as Answer;
  }

  /** Has a relay report, once. */
  async report(id: string, ports: readonly PortStatus[]): Promise<void> {
    const member: Member = {
      ...{ id, kind: MemberKind.MEMBER_KIND_TCP_RELAY, version: "0.1.0", epoch: "e1", startTime: new Date(), reportTime: undefined },
      ...{ appliedRevision: BigInt((await this.store.readState()).revision), ready: true, draining: false, sessionCount: 0 },
    };
    const channel = connectFleet({ addresses: [{ host: "127.0.0.1", port: this.port }], tls: undefined, tokenFile: undefined });
    const { config } = channel.clients;
    await new Promise<void>((resolve, reject) => {
      config.reportStatus({ member, ports: [...ports], oldSecretUses: [] }, (error) => (error ? reject(error) : resolve()));
    });
    channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.drain(200);
    await this.store.close();
  }
}
