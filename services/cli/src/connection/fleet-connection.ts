import { setTimeout as pause } from "node:timers/promises";
import { type CallOptions, type ClientReadableStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import { connectFleet, type FleetChannel, type FleetClients } from "@shadowfleet/control-api";
import { explainCallFailure, isUnserved } from "./call-failure.ts";
import type { ConnectionSettings } from "./connection-settings.ts";

const RECONNECT_PAUSE_MS = 500;
/** How long a broken stream is tried again before it counts as failed. */
const RECONNECT_WITHIN_MS = 15_000;

type ServiceName = keyof FleetClients;
type UnaryCall = (
  request: never,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: unknown) => void,
) => unknown;
type StreamCall = (request: never, metadata: Metadata, options: Partial<CallOptions>) => ClientReadableStream<unknown>;
/** Overloads are inferred by their last, which has all parameters. */
type Parameter<Call, Index extends number> = Call extends (...all: infer All) => unknown ? All[Index & keyof All] : never;

type UnaryName<S extends ServiceName> = {
  [M in keyof FleetClients[S]]: FleetClients[S][M] extends UnaryCall ? M : never;
}[keyof FleetClients[S]];
type StreamName<S extends ServiceName> = {
  [M in keyof FleetClients[S]]: FleetClients[S][M] extends StreamCall ? M : never;
}[keyof FleetClients[S]];
type RequestOf<S extends ServiceName, M extends keyof FleetClients[S]> = Parameter<FleetClients[S][M], 0>;
type ResponseOf<S extends ServiceName, M extends keyof FleetClients[S]> =
  Parameter<FleetClients[S][M], 3> extends (error: never, response: infer Response) => void ? Response : never;
type MessageOf<S extends ServiceName, M extends keyof FleetClients[S]> = FleetClients[S][M] extends (
  ...all: never
) => ClientReadableStream<infer Message>
  ? Message
  : never;

/** One message of a stream. `isFirst`: of a connection, hence the whole rather than what changed. */
export interface Watched<Message> {
  readonly message: Message;
  readonly isFirst: boolean;
}

/** The fleet's management, as commands talk to it. Opened with the first call. */
export class FleetConnection {
  readonly #settings: ConnectionSettings;
  readonly #channel: FleetChannel;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#channel = connectFleet(settings.target);
  }

  /** The response. Replicas that do not serve are passed over; rejects with Failure. */
  async call<S extends ServiceName, M extends UnaryName<S>>(service: S, method: M, request: RequestOf<S, M>): Promise<ResponseOf<S, M>> {
    for (let triesLeft = this.#settings.target.addresses.length; ; triesLeft--) {
      try {
        return await this.#callOnce(service, method, request);
      } catch (error) {
        if (triesLeft <= 1 || !isUnserved(error)) throw this.#explained(error);
        this.#channel.advance();
      }
    }
  }

  /**
   * Messages until `signal` is aborted. A stream that breaks is opened anew, with the next replica, for some seconds; then and for other
   * failures it throws Failure.
   */
  async *watch<S extends ServiceName, M extends StreamName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    signal: AbortSignal,
  ): AsyncGenerator<Watched<MessageOf<S, M>>> {
    const patience = new Patience(this.#settings.target.addresses.length);
    while (!signal.aborted) {
      const stream = this.#open(service, method, request);
      const cancel = (): void => stream.cancel();
      signal.addEventListener("abort", cancel, { once: true });
      try {
        let isFirst = true;
        for await (const message of stream) {
          yield { message: message as MessageOf<S, M>, isFirst };
          isFirst = false;
          patience.renew();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isUnserved(error) || patience.isOverAfterFailure()) throw this.#explained(error);
      } finally {
        signal.removeEventListener("abort", cancel);
        stream.cancel();
      }
      this.#channel.advance();
      await pause(RECONNECT_PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }

  /**
   * Messages to the stream's own end. Replicas that do not serve are passed over until the first message; whatever breaks it then is a Failure, for what
   * came is not the whole.
   */
  async *stream<S extends ServiceName, M extends StreamName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
  ): AsyncGenerator<MessageOf<S, M>> {
    let hasBegun = false;
    for (let triesLeft = this.#settings.target.addresses.length; ; triesLeft--) {
      const stream = this.#open(service, method, request);
      try {
        for await (const message of stream) {
          hasBegun = true;
          yield message as MessageOf<S, M>;
        }
        return;
      } catch (error) {
        if (hasBegun || triesLeft <= 1 || !isUnserved(error)) throw this.#explained(error);
        this.#channel.advance();
      } finally {
        stream.cancel();
      }
    }
  }

  close(): void {
    this.#channel.close();
  }

  #callOnce<S extends ServiceName, M extends UnaryName<S>>(service: S, method: M, request: RequestOf<S, M>): Promise<ResponseOf<S, M>> {
    const deadline = Date.now() + this.#settings.timeoutMs;
    const client = this.#channel.clients[service];
    const call = client[method] as unknown as UnaryCall;
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response: unknown): void =>
        error ? reject(error) : resolve(response as ResponseOf<S, M>);
      call.call(client, request as never, new Metadata(), { deadline }, answered);
    });
  }

  #open<S extends ServiceName, M extends StreamName<S>>(service: S, method: M, request: RequestOf<S, M>): ClientReadableStream<unknown> {
    const client = this.#channel.clients[service];
    return (client[method] as unknown as StreamCall).call(client, request as never, new Metadata(), {});
  }

  #explained(error: unknown): unknown {
    const { target } = this.#settings;
    const { host, port } = target.addresses[0]!;
    const attempt = {
      address: this.#channel.address,
      isDefaultAddress: target.addresses.length === 1 && host === "127.0.0.1" && port === 9190,
    };
    return explainCallFailure(error, attempt);
  }
}

/** How often a stream is opened anew: every replica once to begin with, for some seconds once it had worked. */
class Patience {
  #triesLeft: number;
  #hasWorked = false;
  #failingSinceMs: number | undefined;

  constructor(tries: number) {
    this.#triesLeft = tries;
  }

  renew(): void {
    this.#hasWorked = true;
    this.#failingSinceMs = undefined;
  }

  isOverAfterFailure(): boolean {
    if (!this.#hasWorked) return --this.#triesLeft <= 0;
    this.#failingSinceMs ??= performance.now();
    return performance.now() - this.#failingSinceMs > RECONNECT_WITHIN_MS;
  }
}
