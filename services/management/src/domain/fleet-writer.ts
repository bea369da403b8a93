import { RpcError } from "@shadowfleet/control-api";
import type { FleetStore, ResourceKind, WriteRequest, WriteResult } from "@shadowfleet/store";
import type { FleetDirectory } from "../directory/fleet-directory.ts";

/** What a write changes and what must hold for it. */
export interface WritePlan {
  readonly puts?: WriteRequest["puts"];
  readonly deletes?: WriteRequest["deletes"];
  readonly expect: WriteRequest["expect"];
  /** Absent: none. */
  readonly events?: NonNullable<WriteRequest["events"]>;
}

export interface WriteGuard {
  /** Undefined: repeating does it again. */
  readonly requestId: string | undefined;
  /** What a repetition is told. */
  readonly response: string;
}

export type Committed = Exclude<WriteResult, { outcome: "conflict" }>;

const NO_GUARD: WriteGuard = { requestId: undefined, response: "" };
const ATTEMPTS = 6;
/** No resource has this version, so nothing is ever written with it. */
const IMPOSSIBLE = { kind: "port", id: "0", version: -1 } as const;

/** Writes to the store and waits until the directory shows it, so that whoever wrote reads it back from this process. */
export class FleetWriter {
  readonly #store: FleetStore;
  readonly #directory: FleetDirectory;

  constructor(store: FleetStore, directory: FleetDirectory) {
    this.#store = store;
    this.#directory = directory;
  }

  /**
   * Commits what `plan` makes of the directory as it is. When somebody else was faster, waits for their change and plans again; the plan
   * throws when that is not what the caller wants. Rejects with VERSION_CONFLICT when it never gets through.
   */
  async commit(plan: () => WritePlan, guard: WriteGuard = NO_GUARD): Promise<Committed> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const result = await this.#store.write({ puts: [], deletes: [], ...plan(), ...guard });
      if (result.outcome !== "conflict") {
        if (result.outcome === "written") await this.#directory.reached(result.revision);
        return result;
      }
      const { kind, id, version } = result;
      await this.#directory.until(() => this.#versionShown(kind, id) === version);
    }
    throw new RpcError("VERSION_CONFLICT", "others kept changing the same resources, try again");
  }

  /** The response kept for a request id that was served within the last day; undefined for a new one. */
  async responseTo(requestId: string | undefined): Promise<string | undefined> {
    if (requestId === undefined) return undefined;
    const result = await this.#store.write({ puts: [], deletes: [], expect: [IMPOSSIBLE], requestId, response: "" });
    return result.outcome === "repeated" ? result.response : undefined;
  }

  #versionShown(kind: ResourceKind, id: string): number {
    const { view } = this.#directory;
    const entry = kind === "port" ? view.ports.get(Number(id)) : kind === "key" ? view.keys.get(id) : view.upstreams.get(id);
    return entry?.origin === "runtime" ? entry.version : 0;
  }
}
