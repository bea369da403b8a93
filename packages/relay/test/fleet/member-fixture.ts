import type { TestContext } from "node:test";
import { connectFleet } from "@shadowfleet/control-api";
import { FakeConfigService } from "@shadowfleet/control-api/testing";
import { type ErrorCode, FleetError, ManualClock } from "@shadowfleet/runtime";
import { createMemoryLogger, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { NOWHERE } from "@shadowfleet/transport";
import { AccessKeyTable } from "../../src/access-key-table.ts";
import { type MemberRelay, RelayMember } from "../../src/fleet/relay-member.ts";
import { LiveSessions } from "../../src/live-sessions.ts";
import { PortSupervisor } from "../../src/port-supervisor.ts";
import type { LiveSession } from "../../src/session-registry.ts";
import { FaultyStore } from "./faulty-store.ts";

/** A member of a fake fleet and all around it. */
export interface MemberFixture {
  readonly management: FakeConfigService;
  readonly store: FaultyStore;
  readonly member: RelayMember;
  readonly relay: FakeRelay;
  readonly clock: ManualClock;
  readonly log: MemoryLogger;
  readonly metrics: RecordingMetrics;
}

/** A relay without sockets: ports in `taken` cannot be bound. */
export class FakeRelay implements MemberRelay {
  readonly keys = new AccessKeyTable();
  readonly sessions = new LiveSessions();
  readonly taken = new Set<number>();
  readonly open = new Set<number>();
  readonly ports: PortSupervisor;
  isDraining = false;
  whenLimitsUnavailable: MemberRelay["whenLimitsUnavailable"] = "continue";
  member: RelayMember | undefined;

  constructor(log: MemoryLogger) {
    this.ports = new PortSupervisor({
      logger: log.logger,
      retryMinMs: 20,
      onChange: () => this.member?.portsChanged(),
      open: async ({ port }) => {
        if (this.taken.has(port)) throw new FleetError("BIND_FAILED", `port ${port} is taken`);
        this.open.add(port);
        return { close: async () => void this.open.delete(port) };
      },
    });
  }

  change: MemberRelay["change"] = (change, ended) => {
    for (const id of new Set([...this.keys.change(change).removed, ...ended])) this.sessions.terminateKey(id, "SESSION_TERMINATED");
  };

  listen: MemberRelay["listen"] = (ports) => this.ports.apply(ports);

  retire(): void {
    this.isDraining = true;
    void this.ports.close();
  }

  readiness(): ReturnType<PortSupervisor["readiness"]> {
    return this.ports.readiness();
  }

  /** A live session of a key, which tells by which code it ended. */
  session(id: string, keyId: string): LiveSession & { ended: ErrorCode | undefined } {
    const sessions = this.sessions;
    const session = {
      id,
      keyId,
      registryPlace: NOWHERE,
      port: 1,
      transport: "tcp" as const,
      clientHost: "192.0.2.1",
      clientPort: 40_000,
      startedAtMs: 0,
      bytesUp: 0,
      bytesDown: 0,
      ended: undefined as ErrorCode | undefined,
      terminate(code: ErrorCode) {
        session.ended = code;
        sessions.remove(session);
      },
    };
    sessions.add(session);
    return session;
  }
}

export async function startMember(t: TestContext): Promise<MemberFixture> {
  const management = await FakeConfigService.start();
  const store = new FaultyStore();
  const clock = new ManualClock();
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const relay = new FakeRelay(log);
  const target = { addresses: [{ host: "127.0.0.1", port: management.port }], tls: undefined, tokenFile: undefined };
  const member = new RelayMember({
    fleet: { management: target, store: { type: "memory" }, memberId: "relay-1" },
    kind: "tcp-relay",
    version: "1.2.3",
    settings: { allowInsecureCiphers: false },
    relay,
    logger: log.logger,
    metrics,
    clock,
    store: Object.assign(Object.create(store.inner), {
      applyTraffic: store.applyTraffic.bind(store),
      publishSessions: store.publishSessions.bind(store),
      removeMember: store.inner.removeMember.bind(store.inner),
    }),
    channel: connectFleet(target),
    timing: {
      watch: { backoffMinMs: 5, backoffMaxMs: 20, reportIntervalMs: 50 },
      flushIntervalMs: 20,
      publishIntervalMs: 20,
      storeTimeoutMs: 100,
    },
  });
  relay.member = member;
  member.start();
  t.after(async () => {
    await relay.ports.close();
    await member.finish(200);
    management.stop();
    await store.inner.close();
  });
  return { management, store, member, relay, clock, log, metrics };
}
