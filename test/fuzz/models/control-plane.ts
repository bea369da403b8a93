import { Handlers } from "@shadowfleet/control-api";
import { createLogger, type Logger, systemClock } from "@shadowfleet/runtime";
import { type FleetStore, SqliteStore } from "@shadowfleet/store";
import { planDeclared } from "../../../services/management/src/config/declared-plan.ts";
import type { ManagementContext } from "../../../services/management/src/context.ts";
import { FleetDirectory } from "../../../services/management/src/directory/fleet-directory.ts";
import { Members } from "../../../services/management/src/directory/members.ts";
import { AccessKeys } from "../../../services/management/src/domain/access-keys.ts";
import { Ports } from "../../../services/management/src/domain/ports.ts";
import { DEFAULT_TIMING } from "../../../services/management/src/timing.ts";

const TIMING = { ...DEFAULT_TIMING, bindWaitMs: 4, bindLookMs: 1, catchUpMs: 20, firstStateMs: 5_000, watchMs: 5 };

/** Management's rooms around a store in memory, without a server; log lines of level error are kept. */
export class FuzzedPlane {
  readonly store: FleetStore = new SqliteStore({ path: ":memory:" });
  readonly context: ManagementContext;
  readonly ports: Ports;
  readonly keys: AccessKeys;
  readonly handlers: Handlers;
  readonly logger: Logger;
  readonly #errors: string[] = [];
  readonly #stopping = new AbortController();

  constructor() {
    const { store } = this;
    this.logger = createLogger({ name: "fuzz", level: "error", destination: { write: (line) => void this.#errors.push(line) } });
    const { declared } = planDeclared({ ports: [], keys: [], upstreams: [] }, false, "declared.");
    const shared = { store, clock: systemClock, logger: this.logger, timing: TIMING };
    this.context = {
      ...shared,
      directory: new FleetDirectory({ ...shared, declared, onNewGeneration: () => undefined }),
      members: new Members(store),
      settings: {
        publicHost: "relay.example",
        publicHosts: [{ host: "relay.example", members: [] }],
        linkSecret: undefined,
        defaults: { port: 8388, method: "chacha20-ietf-poly1305" },
        allowInsecureCiphers: false,
      },
    };
    this.ports = new Ports(this.context);
    this.keys = new AccessKeys(this.context, this.ports);
    this.handlers = new Handlers({ logger: this.logger, stopping: this.#stopping.signal });
  }

  async start(): Promise<this> {
    const { directory, timing } = this.context;
    directory.start();
    await directory.until(() => directory.isSynced, timing.firstStateMs);
    return this;
  }

  /** A relay that has bound all of these, whatever the revision. */
  async reportRelay(ports: readonly number[]): Promise<void> {
    const nowMs = systemClock.now();
    await this.store.putMember({
      ...{ id: "relay-1", kind: "tcp-relay", version: "1", epoch: "1", startedAtMs: nowMs, reportedAtMs: nowMs },
      ...{ appliedRevision: Number.MAX_SAFE_INTEGER, ready: true, draining: false, sessionCount: 0 },
      ports: ports.map((port) => ({ port, bound: true, error: "" })),
    });
  }

  /** Lines since it was last asked. */
  takeErrors(): string[] {
    return this.#errors.splice(0);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.context.directory.close();
    await this.store.close();
  }
}
