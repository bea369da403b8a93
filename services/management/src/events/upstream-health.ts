import type { FleetEvent } from "@shadowfleet/store";
import type { DirectoryEvent, FleetDirectory } from "../directory/fleet-directory.ts";
import type { EventSource } from "./event-source.ts";
import type { Notes } from "./notes.ts";

/** failCnt at which an upstream counts as down: gateways then try it once in 23 requests. It is up again at 0, after a success or a reset. */
export const DOWN_FAIL_COUNT = 3;

type ObservedDirectory = Pick<FleetDirectory, "view" | "failCounts" | "watch">;

/** What was seen of an upstream's failCnt. */
interface Sight {
  readonly id: string;
  readonly failCount: number;
  readonly atMs: number;
}

/** `upstream.down` and `upstream.up`, in turns for each upstream. A note is there while it is down, and says since when. */
export class UpstreamHealth implements EventSource {
  readonly notes: Notes;
  readonly #directory: ObservedDirectory;
  readonly #nowMs: () => number;
  /** In the order of time, so that one that comes and goes between two looks is told of. */
  #sights: Sight[] = [];
  #unwatch: (() => void) | undefined;

  constructor(directory: ObservedDirectory, notes: Notes, nowMs: () => number) {
    this.#directory = directory;
    this.notes = notes;
    this.#nowMs = nowMs;
  }

  begin(): void {
    this.#sights = [];
    this.#seeAll();
    this.#unwatch ??= this.#directory.watch((event) => this.#onDirectory(event));
  }

  end(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  look(): readonly FleetEvent[] {
    return this.#sights.splice(0).flatMap((sight) => this.#judge(sight));
  }

  #onDirectory(event: DirectoryEvent): void {
    if (event.type === "fail-count") this.#see(event.upstreamId);
    else if (event.type === "touched") for (const id of event.touched.upstreams) this.#see(id);
    else if (event.type === "reset") this.#seeAll();
  }

  #seeAll(): void {
    for (const id of new Set([...this.#directory.view.upstreams.keys(), ...this.notes.names])) this.#see(id);
  }

  #see(id: string): void {
    const state = this.#directory.failCounts.get(id);
    this.#sights.push({ id, failCount: state?.count ?? 0, atMs: state?.changedAtMs ?? this.#nowMs() });
  }

  #judge({ id, failCount, atMs }: Sight): FleetEvent[] {
    const record = this.#directory.view.upstreams.get(id)?.record;
    const since = this.notes.get(id);
    if (!record) {
      this.notes.set(id, undefined);
      return [];
    }
    const place = { host: record.host, port: record.port };
    if (since === undefined && failCount >= DOWN_FAIL_COUNT) {
      this.notes.set(id, String(atMs));
      return [{ type: "upstream.down", subject: id, atMs, details: { ...place, failCount } }];
    }
    if (since === undefined || failCount > 0) return [];
    this.notes.set(id, undefined);
    const downSeconds = Math.max(0, Math.round((atMs - Number(since)) / 1_000));
    return [{ type: "upstream.up", subject: id, atMs, details: { ...place, downSeconds } }];
  }
}
