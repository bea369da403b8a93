import type { Clock, Logger } from "@shadowfleet/runtime";
import type { FeedEvent, FleetCommand, FleetState, FleetStore } from "@shadowfleet/store";
import type { DeclaredConfig } from "../config/declared-plan.ts";
import type { ManagementTiming } from "../timing.ts";
import { ChangeLog, type Place } from "./change-log.ts";
import { nextMomentOf } from "./entries.ts";
import { type ConfigConflict, MergedView } from "./merged-view.ts";
import { StoreLink } from "./store-link.ts";
import { Timeline } from "./timeline.ts";
import { addTraceparents, countTouched, nothingTouched, type Touched } from "./touched.ts";

/** What a watcher of the directory is told. */
export type DirectoryEvent =
  /** These may look different in the view now; empty when only the revision went on. */
  | { readonly type: "touched"; readonly touched: Touched }
  /** The store began anew: everything may be different. */
  | { readonly type: "reset" }
  | { readonly type: "command"; readonly command: FleetCommand }
  | { readonly type: "fail-count"; readonly upstreamId: string };

export interface FailCountState {
  readonly count: number;
  /** When this process saw it change; undefined when it was so from the start. */
  readonly changedAtMs: number | undefined;
}

export interface FleetDirectoryOptions {
  readonly store: FleetStore;
  readonly declared: DeclaredConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ManagementTiming;
  /** The store came back with another life; what it counted before is gone from it. */
  readonly onNewGeneration: () => void;
}

/**
 * The one view of the fleet's configuration: declared and run-time resources merged, kept in memory and in step with the store, so that
 * reads are answered while the store is away. Tells watchers what changes, also through time alone, in the order it happens.
 */
export class FleetDirectory {
  readonly view: MergedView;
  readonly #options: FleetDirectoryOptions;
  readonly #link: StoreLink;
  readonly #timeline: Timeline;
  readonly #log = new ChangeLog();
  readonly #watchers = new Set<(event: DirectoryEvent) => void>();
  readonly #failCounts = new Map<string, FailCountState>();
  #declaredDigest: string;
  #storeGeneration = "";
  #revision = 0;

  constructor(options: FleetDirectoryOptions) {
    this.#options = options;
    this.view = new MergedView(options.declared);
    this.#declaredDigest = options.declared.digest;
    this.#timeline = new Timeline(options.clock, (ids) => this.#onTime(ids));
    const { store, logger, timing } = options;
    const follower = {
      onState: (state: FleetState, failCounts: ReadonlyMap<string, number>) => this.#onState(state, failCounts),
      onEvent: (event: Exclude<FeedEvent, { type: "reset" }>) => this.#onEvent(event),
    };
    this.#link = new StoreLink({
      store,
      logger,
      follower,
      pingIntervalMs: timing.storePingMs,
      retryMinMs: timing.retryMinMs,
      retryMaxMs: timing.retryMaxMs,
    });
  }

  start(): void {
    this.#schedule(this.view.keys.keys());
    this.#logConflicts([...this.view.conflicts]);
    this.#link.start();
  }

  async close(): Promise<void> {
    await this.#link.close();
    this.#timeline.close();
    this.#watchers.clear();
  }

  /** The store's state was read at least once. */
  get isSynced(): boolean {
    return this.#storeGeneration !== "";
  }

  get isStoreAvailable(): boolean {
    return this.#link.isAvailable;
  }

  /** Why it is not. */
  get storeAwayReason(): string | undefined {
    return this.#link.awayReason;
  }

  get place(): Place {
    return { revision: this.#revision, generation: `${this.#storeGeneration}.${this.#declaredDigest}` };
  }

  /** Of upstreams that have failures. */
  get failCounts(): ReadonlyMap<string, FailCountState> {
    return this.#failCounts;
  }

  /** Events from now on, delivered within the change. Returns what ends it. */
  watch(onEvent: (event: DirectoryEvent) => void): () => void {
    this.#watchers.add(onEvent);
    return () => void this.#watchers.delete(onEvent);
  }

  /** What changed after that place; undefined when only everything can be given. */
  touchedSince(place: Place): Touched | undefined {
    return this.#log.since(place);
  }

  /** Resolves true as soon as the view holds what the store wrote as `revision`; false when it does not within the time. */
  async reached(revision: number, deadlineMs = this.#options.timing.catchUpMs): Promise<boolean> {
    return this.until(() => this.#revision >= revision, deadlineMs);
  }

  /** Resolves true as soon as `isSo`, which is asked after every event; false when it does not become so within the time. */
  async until(isSo: () => boolean, deadlineMs = this.#options.timing.catchUpMs): Promise<boolean> {
    if (isSo()) return true;
    return new Promise((resolve) => {
      const finish = (outcome: boolean): void => {
        clearTimeout(timer);
        unwatch();
        resolve(outcome);
      };
      const timer = setTimeout(() => finish(isSo()), deadlineMs);
      const unwatch = this.watch(() => isSo() && finish(true));
    });
  }

  /** Puts other declared resources in force. Watchers get what is different. */
  replaceDeclared(declared: DeclaredConfig): void {
    if (declared.digest === this.#declaredDigest) return;
    const known = new Set([...this.view.conflicts].map(conflictName));
    const touched = this.view.replaceDeclared(declared);
    this.#declaredDigest = declared.digest;
    this.#options.logger.info({ changes: countTouched(touched) }, "declared configuration changed");
    this.#logConflicts([...this.view.conflicts].filter((conflict) => !known.has(conflictName(conflict))));
    this.#announce(touched);
  }

  #onState(state: FleetState, failCounts: ReadonlyMap<string, number>): void {
    const isNewLife = this.isSynced && state.generation !== this.#storeGeneration;
    // Versions of another life say nothing about this one.
    if (isNewLife) this.view.replaceRuntime({ ports: new Map(), keys: new Map(), upstreams: new Map() });
    const touched = this.view.replaceRuntime(state);
    const isFirst = !this.isSynced;
    const isSame = state.revision === this.#revision && countTouched(touched) === 0;
    this.#storeGeneration = state.generation;
    this.#revision = state.revision;
    this.#replaceFailCounts(failCounts);
    if (!isFirst && !isNewLife) {
      if (!isSame) this.#announce(touched);
      return;
    }
    this.#schedule(this.view.keys.keys());
    this.#logConflicts([...this.view.conflicts]);
    this.#log.restart(this.place);
    this.#emit({ type: "reset" });
    if (isNewLife) this.#onNewLife(state);
  }

  #onNewLife({ revision, keys, ports }: FleetState): void {
    this.#options.logger.error(
      { code: "STORE_UNAVAILABLE", revision, keys: keys.size, ports: ports.size },
      "the shared store was emptied or lost what it had acknowledged: run-time resources are now those it has, declared ones stay, traffic totals are restored",
    );
    this.#options.onNewGeneration();
  }

  #onEvent(event: Exclude<FeedEvent, { type: "reset" }>): void {
    if (event.type === "command") {
      this.#emit(event);
    } else if (event.type === "fail-count") {
      this.#failCounts.set(event.upstreamId, { count: event.count, changedAtMs: this.#options.clock.now() });
      this.#emit({ type: "fail-count", upstreamId: event.upstreamId });
    } else if (event.revision > this.#revision) {
      const touched = this.view.apply(event.changes);
      addTraceparents(touched, event.traceparents ?? []);
      this.#revision = event.revision;
      this.#announce(touched);
    }
  }

  #onTime(keyIds: readonly string[]): void {
    const touched = nothingTouched();
    for (const id of keyIds) touched.keys.add(id);
    this.#announce(touched);
  }

  #schedule(keyIds: Iterable<string>): void {
    const nowMs = this.#options.clock.now();
    for (const id of keyIds) {
      const entry = this.view.keys.get(id);
      this.#timeline.schedule(id, entry && nextMomentOf(entry.record, nowMs));
    }
  }

  #replaceFailCounts(counts: ReadonlyMap<string, number>): void {
    const changedAtMs = this.isSynced ? this.#options.clock.now() : undefined;
    for (const id of new Set([...this.#failCounts.keys(), ...counts.keys()])) {
      const count = counts.get(id) ?? 0;
      if ((this.#failCounts.get(id)?.count ?? 0) === count) continue;
      this.#failCounts.set(id, { count, changedAtMs });
      this.#emit({ type: "fail-count", upstreamId: id });
    }
  }

  #announce(touched: Touched): void {
    this.#schedule(touched.keys);
    const nowMs = this.#options.clock.now();
    for (const id of touched.keys) if (!this.view.isInForce(id, nowMs)) touched.gone.add(id);
    this.#log.add(this.place, touched);
    this.#emit({ type: "touched", touched });
  }

  #emit(event: DirectoryEvent): void {
    for (const watcher of [...this.#watchers]) watcher(event);
  }

  #logConflicts(conflicts: readonly ConfigConflict[]): void {
    for (const { resource, id, reason } of conflicts.slice(0, 100))
      this.#options.logger.warn({ resource, id }, `${resource} ${id} is not in force: ${reason}`);
  }
}

function conflictName({ resource, id }: ConfigConflict): string {
  return `${resource} ${id}`;
}
