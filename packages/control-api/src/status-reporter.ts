import { type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Logger } from "@shadowfleet/runtime";
import type { ConfigServiceClient, ReportStatusRequest } from "./gen/shadowfleet/v1/config.ts";
import { fromServiceError } from "./rpc-error.ts";

export interface StatusReporterOptions {
  /** The service to report to; undefined: nobody now. */
  readonly client: () => ConfigServiceClient | undefined;
  /** The report, made when it is sent. */
  readonly compose: () => ReportStatusRequest;
  /** The report was received. */
  readonly onReceived: (report: ReportStatusRequest) => void;
  /** So many in a row failed that the replica is of no use. Called once for each such row. */
  readonly onUnheard: () => void;
  readonly intervalMs: number;
  readonly logger: Logger;
}

const CALL_DEADLINE_MS = 5000;
/** A member unheard of for 10 s is taken for gone, so there has to be time for another replica. */
const FAILURES_IN_A_ROW = 2;

/** Reports at once when asked and at every interval, one call at a time: what is asked for meanwhile is one more report afterwards. */
export class StatusReporter {
  readonly #options: StatusReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #inFlight: ClientUnaryCall | undefined;
  #again = false;
  #failures = 0;
  #stopped = false;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.report(), this.#options.intervalMs);
  }

  /** Gives up a report that is on its way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#inFlight?.cancel();
    await this.#sending;
  }

  /** Never throws; what fails is logged and tried again with the next interval. */
  report(): void {
    if (this.#stopped) return;
    if (this.#sending !== undefined) {
      this.#again = true;
      return;
    }
    const client = this.#options.client();
    if (client) this.#send(client);
  }

  #send(client: ConfigServiceClient): void {
    this.#again = false;
    this.#sending = this.#call(client)
      .catch((error: unknown) => this.#options.logger.error({ code: "INTERNAL", err: error }, "a status report could not be made"))
      .finally(() => {
        this.#sending = undefined;
        if (this.#again) this.report();
      });
  }

  async #call(client: ConfigServiceClient): Promise<void> {
    const { compose, onReceived, onUnheard, logger } = this.#options;
    const report = compose();
    const error = await this.#transmit(client, report);
    if (this.#stopped) return;
    if (!error) {
      this.#failures = 0;
      onReceived(report);
      return;
    }
    const { code, message } = fromServiceError(error);
    logger.debug({ status: code, failures: this.#failures + 1 }, `a status report was not received: ${message}`);
    // The replica lives and says that its store does not: another one has the same store.
    if (code === "STORE_UNAVAILABLE") {
      this.#failures = 0;
      return;
    }
    if (++this.#failures < FAILURES_IN_A_ROW) return;
    this.#failures = 0;
    onUnheard();
  }

  /** The error of the call, null when it succeeded. Throws for a report that cannot be encoded or a channel that is closed. */
  #transmit(client: ConfigServiceClient, report: ReportStatusRequest): Promise<ServiceError | null> {
    const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
    this.#inFlight = client.reportStatus(report, new Metadata(), { deadline: Date.now() + CALL_DEADLINE_MS }, resolve);
    return promise;
  }
}
