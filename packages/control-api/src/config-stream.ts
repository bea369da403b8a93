import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { WatchConfigRequest, WatchConfigResponse } from "./gen/shadowfleet/v1/config.ts";
import { fromServiceError } from "./rpc-error.ts";

/** Opens the stream; may throw. */
export type OpenConfigStream = (request: WatchConfigRequest) => ClientReadableStream<WatchConfigResponse>;

export interface ConfigStreamOptions {
  readonly open: OpenConfigStream;
  readonly request: WatchConfigRequest;
  /** Heartbeats come every 5 s: a stream silent for so long is dead, whatever TCP thinks of it. */
  readonly silenceMs: number;
  /** In the order of the stream; never after the end. */
  readonly onMessage: (message: WatchConfigResponse) => void;
}

/** Why a stream is over. */
export interface StreamEnd {
  /** A fleet error code or gRPC status name; SILENT when nothing came for too long; CLOSED when it was closed here. */
  readonly code: string;
  readonly message: string;
}

/** One WatchConfig call. It ends exactly once, and nothing of it is heard afterwards. */
export class ConfigStream {
  /** Never rejects. */
  readonly ended: Promise<StreamEnd>;
  readonly #options: ConfigStreamOptions;
  readonly #settle: (end: StreamEnd) => void;
  #call: ClientReadableStream<WatchConfigResponse> | undefined;
  #silence: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: ConfigStreamOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    this.ended = promise;
    this.#settle = resolve;
    try {
      this.#call = options.open(options.request);
      this.#listen(this.#call);
      this.#silence = setTimeout(
        () => this.end({ code: "SILENT", message: `nothing came for ${options.silenceMs} ms` }),
        options.silenceMs,
      );
    } catch (error) {
      this.end({ code: "CONFIG_INVALID", message: (error as Error).message });
    }
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Gives the call up. Does nothing when it is over. */
  end(reason: StreamEnd): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#silence);
    // Its error event still comes, and without a listener would be thrown.
    this.#call?.cancel();
    this.#settle(reason);
  }

  #listen(call: ClientReadableStream<WatchConfigResponse>): void {
    call.on("data", (message: WatchConfigResponse) => {
      if (this.#over) return;
      this.#silence?.refresh();
      this.#options.onMessage(message);
    });
    call.on("error", (error: ServiceError) => {
      const { code, message } = fromServiceError(error);
      this.end({ code, message });
    });
    call.on("end", () => this.end({ code: "CLOSED", message: "management ended the stream" }));
  }
}
