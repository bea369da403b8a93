import { setTimeout as wait } from "node:timers/promises";
import { type Clock, codeOf, type Logger, type Metrics } from "@shadowfleet/runtime";
import type { FleetStore, TrafficBatch, TrafficDelta } from "@shadowfleet/store";
import type { LedgerEntry, TrafficLedger } from "../traffic-ledger.ts";
import { withinDeadline } from "./call-deadline.ts";

export interface TrafficFlusherOptions {
  readonly ledger: TrafficLedger;
  readonly store: Pick<FleetStore, "applyTraffic">;
  readonly memberId: string;
  /** New with every start of the process: batches are numbered within it. */
  readonly epoch: string;
  /** Whether something may still count on the meter of this key and port. */
  readonly isInForce: (keyId: string, port: number) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Default 1 s. */
  readonly intervalMs?: number;
  /** How long the store may take over one batch. Default 5 s. */
  readonly callTimeoutMs?: number;
  /** Pause between tries of `finish`. Default 100 ms. */
  readonly retryMs?: number;
}

const INTERVAL_MS = 1000;
const CALL_TIMEOUT_MS = 5000;
const RETRY_MS = 100;
/** Keys in one batch at most: a store serves everyone else between two of them. */
const MAX_DELTAS = 2000;
/** A meter of a key that is gone is let go after so many rounds without a byte: sessions that are ending have long ended then. */
const QUIET_ROUNDS = 60;

/**
 * Carries what the meters count into the store, exactly once. There is one batch at a time; the very same batch is sent again until the store
 * says that it has it, now or before, so an answer that is lost costs nothing. What is counted meanwhile waits in the meters: memory is
 * bounded by keys, however long the store is away.
 */
export class TrafficFlusher {
  readonly #options: TrafficFlusherOptions;
  #sequence = 0;
  #batch: TrafficBatch | undefined;
  #acknowledgedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<boolean> | undefined;
  #isAway = false;
  #unobserve: () => void = () => {};

  constructor(options: TrafficFlusherOptions) {
    this.#options = options;
  }

  /** Payload bytes counted that the store has not acknowledged. */
  get unflushedBytes(): number {
    const tcp = this.#options.ledger.total("tcp");
    const udp = this.#options.ledger.total("udp");
    return tcp.up + tcp.down + udp.up + udp.down - this.#acknowledgedBytes;
  }

  start(): void {
    this.#unobserve = this.#options.metrics.observe("fleet.traffic.unflushed.bytes", () => [{ value: this.unflushedBytes }]);
    this.#timer = setInterval(() => void this.flush(), this.#options.intervalMs ?? INTERVAL_MS);
  }

  /** Sends what was counted until now; true when the store has all of that. One call at a time: a second one joins the first. Never rejects. */
  flush(): Promise<boolean> {
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** The end: nothing is counted any more. Tries until the store has everything or the time is over; false and a log line when bytes are lost. */
  async finish(limitMs: number): Promise<boolean> {
    clearInterval(this.#timer);
    const { logger, retryMs = RETRY_MS } = this.#options;
    let isOver = false;
    const attempt = async (): Promise<boolean> => {
      // One that is under way may have begun before the last byte was counted.
      await this.#flushing;
      while (!isOver) {
        if (await this.flush()) return true;
        await wait(retryMs);
      }
      return false;
    };
    const isDone = await withinDeadline(attempt(), limitMs).catch(() => false);
    isOver = true;
    this.#unobserve();
    if (!isDone) {
      logger.error({ code: "STORE_UNAVAILABLE", bytes: this.unflushedBytes }, "stopping with traffic that the store does not have");
    }
    return isDone;
  }

  async #flushAll(): Promise<boolean> {
    try {
      for (;;) {
        const isFresh = this.#batch === undefined;
        this.#batch ??= this.#collect();
        if (!this.#batch) return true;
        const isLast = isFresh && this.#batch.deltas.length < MAX_DELTAS;
        if (!(await this.#send(this.#batch))) return false;
        this.#batch = undefined;
        if (isLast) return true;
      }
    } catch (error) {
      this.#options.logger.error({ code: "INTERNAL", err: error }, "flushing traffic failed");
      return false;
    }
  }

  async #send(batch: TrafficBatch): Promise<boolean> {
    const { store, callTimeoutMs = CALL_TIMEOUT_MS, metrics, logger } = this.#options;
    try {
      await withinDeadline(store.applyTraffic(batch), callTimeoutMs);
    } catch (error) {
      metrics.add("fleet.traffic.flushes", 1, { outcome: codeOf(error) });
      const level = this.#isAway ? "debug" : "warn";
      this.#isAway = true;
      logger[level](
        { code: codeOf(error), err: error, sequence: batch.sequence },
        "traffic could not be flushed, it is kept and sent again",
      );
      return false;
    }
    metrics.add("fleet.traffic.flushes", 1, { outcome: "OK" });
    this.#acknowledgedBytes += bytesOf(batch);
    if (this.#isAway) logger.info({ sequence: batch.sequence }, "traffic is flushed again");
    this.#isAway = false;
    return true;
  }

  /** The next batch; undefined when nothing was counted since the one before. */
  #collect(): TrafficBatch | undefined {
    const { ledger, memberId, epoch, clock } = this.#options;
    const deltas: TrafficDelta[] = [];
    const quiet: LedgerEntry[] = [];
    for (const entry of ledger.entries()) {
      const delta = takeDelta(entry);
      if (delta) deltas.push(delta);
      else if (this.#isQuiet(entry)) quiet.push(entry);
      if (deltas.length === MAX_DELTAS) break;
    }
    for (const entry of quiet) ledger.forget(entry);
    if (deltas.length === 0) return undefined;
    return { memberId, epoch, sequence: ++this.#sequence, atMs: clock.now(), deltas };
  }

  #isQuiet({ keyId, port, taken }: LedgerEntry): boolean {
    taken.quietRounds = this.#options.isInForce(keyId, port) ? 0 : taken.quietRounds + 1;
    return taken.quietRounds > QUIET_ROUNDS;
  }
}

/** What a meter counted since it was last taken from; undefined for nothing. */
function takeDelta({ keyId, port, meter: { tcp, udp }, taken }: LedgerEntry): TrafficDelta | undefined {
  const tcpUp = tcp.up - taken.tcpUp;
  const tcpDown = tcp.down - taken.tcpDown;
  const udpUp = udp.up - taken.udpUp;
  const udpDown = udp.down - taken.udpDown;
  if (tcpUp + tcpDown + udpUp + udpDown === 0) return undefined;
  taken.tcpUp = tcp.up;
  taken.tcpDown = tcp.down;
  taken.udpUp = udp.up;
  taken.udpDown = udp.down;
  taken.quietRounds = 0;
  return { keyId, port, tcpUp, tcpDown, udpUp, udpDown };
}

function bytesOf({ deltas }: TrafficBatch): number {
  return deltas.reduce((sum, { tcpUp, tcpDown, udpUp, udpDown }) => sum + tcpUp + tcpDown + udpUp + udpDown, 0);
}
