import { setImmediate as nextTurn } from "node:timers/promises";
import type { ConfigDelta, MemberCommand, ResponseStream, WatchConfigResponse } from "@shadowfleet/control-api";
import type { FleetCommand } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import type { Place } from "../directory/change-log.ts";
import { countTouched, type Touched } from "../directory/touched.ts";
import { configKeyOf, configPort, configUpstream, emptyDelta, emptySnapshot, failCountMessage } from "./config-messages.ts";
import { PendingChanges } from "./pending-changes.ts";

export interface ConfigWatcher {
  readonly memberId: string;
  /** Gateways get upstreams and failCnt, relays ports and keys. Neither gets the other's secrets. */
  readonly isGateway: boolean;
  /** What it has applied; undefined for nothing. */
  readonly known: Place | undefined;
}

/** Keys in one message of a snapshot: some 100 KiB. */
const SNAPSHOT_KEYS = 1_000;
/** Above this a snapshot is smaller than what changed. */
const MAX_DELTA = 20_000;

type Event = NonNullable<WatchConfigResponse["event"]>;

/** One WatchConfig stream: a snapshot or what was missed, then every change as it happens, and a sign of life. */
export class ConfigStream {
  readonly #context: ManagementContext;
  readonly #watcher: ConfigWatcher;
  readonly #stream: ResponseStream<WatchConfigResponse>;
  readonly #signal: AbortSignal;
  readonly #pending = new PendingChanges();
  #sentAtMs = 0;

  constructor(context: ManagementContext, watcher: ConfigWatcher, stream: ResponseStream<WatchConfigResponse>, signal: AbortSignal) {
    this.#context = context;
    this.#watcher = watcher;
    this.#stream = stream;
    this.#signal = signal;
  }

  /** Resolves when the member leaves or the server stops. */
  async run(): Promise<void> {
    const { directory, timing, clock } = this.#context;
    const { known } = this.#watcher;
    // A member that comes from another replica may know a moment more than this one.
    if (known && known.revision > directory.place.revision) await directory.reached(known.revision);
    const unwatch = directory.watch((event) => this.#pending.add(event));
    try {
      this.#begin();
      while (!this.#signal.aborted) {
        await this.#sendPending();
        const silentMs = clock.monotonic() - this.#sentAtMs;
        if (silentMs >= timing.heartbeatMs) await this.#send({ $case: "heartbeat", value: {} });
        else await this.#pending.wait(timing.heartbeatMs - silentMs, this.#signal);
      }
    } finally {
      unwatch();
    }
  }

  #begin(): void {
    const { directory } = this.#context;
    const missed = this.#watcher.known && directory.touchedSince(this.#watcher.known);
    if (missed && countTouched(missed) <= MAX_DELTA) this.#pending.addTouched(missed);
    else this.#pending.askSnapshot();
    // failCnt has no revisions: whatever was missed, the counts there are make it good.
    if (this.#watcher.isGateway)
      for (const upstreamId of directory.failCounts.keys()) this.#pending.add({ type: "fail-count", upstreamId });
  }

  async #sendPending(): Promise<void> {
    const { isSnapshot, touched, failCounts, commands } = this.#pending.take();
    if (isSnapshot) await this.#sendSnapshot();
    else if (touched || (this.#watcher.isGateway && failCounts.size > 0)) await this.#sendDelta(touched, failCounts);
    for (const command of commands.flatMap((command) => this.#commandFor(command))) await this.#send({ $case: "command", value: command });
  }

  /** In messages of bounded size. What changes meanwhile is collected and follows as a delta: the place is that of the beginning. */
  async #sendSnapshot(): Promise<void> {
    const { directory, clock } = this.#context;
    const { place, view } = directory;
    if (this.#watcher.isGateway) {
      const upstreams = view.upstreamsInOrder.map(configUpstream);
      const failCounts = [...directory.failCounts].map(([id, { count }]) => failCountMessage(id, count));
      await this.#send({ $case: "snapshot", value: { ...emptySnapshot(), upstreams, failCounts } }, { place });
      return;
    }
    const ports = [...view.ports.values()].map(configPort);
    const ids = view.keyIds.toArray();
    for (let at = 0; (at === 0 || at < ids.length) && !this.#signal.aborted; at += SNAPSHOT_KEYS) {
      const keys = ids.slice(at, at + SNAPSHOT_KEYS).flatMap((id) => configKeyOf(directory, id, clock.now()) ?? []);
      const more = at + SNAPSHOT_KEYS < ids.length;
      await this.#send({ $case: "snapshot", value: { ...emptySnapshot(), ports: at === 0 ? ports : [], keys, more } }, { place });
      // Encoding holds the event loop; others get their turn between the messages.
      if (more) await nextTurn();
    }
  }

  async #sendDelta(touched: Touched | undefined, failCounts: ReadonlySet<string>): Promise<void> {
    const delta = emptyDelta();
    if (this.#watcher.isGateway) this.#addForGateway(delta, touched, failCounts);
    else if (touched) this.#addForRelay(delta, touched);
    await this.#send({ $case: "delta", value: delta }, { traceparents: touched?.traceparents ?? [] });
  }

  #addForRelay(delta: ConfigDelta, touched: Touched): void {
    const { directory, clock } = this.#context;
    for (const port of touched.ports) {
      const entry = directory.view.ports.get(port);
      if (entry) delta.ports.push(configPort(entry));
      else delta.removedPorts.push(port);
    }
    for (const id of touched.keys) {
      const key = configKeyOf(directory, id, clock.now());
      if (key) delta.keys.push(key);
      if (!key || touched.gone.has(id)) delta.removedKeys.push(id);
    }
  }

  #addForGateway(delta: ConfigDelta, touched: Touched | undefined, failCounts: ReadonlySet<string>): void {
    const { directory } = this.#context;
    for (const id of touched?.upstreams ?? []) {
      const entry = directory.view.upstreams.get(id);
      if (entry) delta.upstreams.push(configUpstream(entry));
      else delta.removedUpstreams.push(id);
    }
    for (const id of failCounts) delta.failCounts.push(failCountMessage(id, directory.failCounts.get(id)?.count ?? 0));
  }

  #commandFor(command: FleetCommand): MemberCommand[] {
    const { isGateway, memberId } = this.#watcher;
    if (command.command === "drain-member") {
      return command.memberId === memberId ? [{ command: { $case: "drainMemberId", value: memberId } }] : [];
    }
    if (isGateway) return [];
    return command.command === "terminate-session"
      ? [{ command: { $case: "terminateSessionId", value: command.sessionId } }]
      : [{ command: { $case: "terminateAccessKeyId", value: command.keyId } }];
  }

  async #send(event: Event, { place = this.#context.directory.place, traceparents = [] as string[] } = {}): Promise<void> {
    this.#sentAtMs = this.#context.clock.monotonic();
    await this.#stream.send({ revision: BigInt(place.revision), generation: place.generation, event, traceparents });
  }
}
