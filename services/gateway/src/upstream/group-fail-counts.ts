import type { WorkerContext } from "@shadowfleet/runtime";
import { type FailCounts, MemoryFailCounts } from "@shadowfleet/store";

const TOPIC = "failCnt";

interface Outcome {
  readonly upstreamId: string;
  readonly failed: boolean;
}

/** The counts of a gateway by itself that runs as several workers: each counts what all of them meet. */
export class GroupFailCounts implements FailCounts {
  readonly #counts = new MemoryFailCounts();
  readonly #worker: WorkerContext;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
    worker.subscribe(TOPIC, (outcome) => {
      const { upstreamId, failed } = outcome as Outcome;
      if (failed) this.#counts.fail(upstreamId);
      else this.#counts.succeed(upstreamId);
    });
  }

  get(upstreamId: string): number {
    return this.#counts.get(upstreamId);
  }

  fail(upstreamId: string): number {
    this.#worker.publish(TOPIC, { upstreamId, failed: true } satisfies Outcome);
    return this.#counts.fail(upstreamId);
  }

  succeed(upstreamId: string): void {
    if (this.#counts.get(upstreamId) === 0) return;
    this.#worker.publish(TOPIC, { upstreamId, failed: false } satisfies Outcome);
    this.#counts.succeed(upstreamId);
  }
}
