import { once } from "node:events";
import { Server, ServerCredentials, type ServerWritableStream, type status } from "@grpc/grpc-js";
import {
  ConfigDelta,
  ConfigServiceService,
  ConfigSnapshot,
  type MemberCommand,
  type ReportStatusRequest,
  RpcError,
  toRpcStatus,
  type WatchConfigRequest,
  type WatchConfigResponse,
} from "../src/index.ts";

type Call = ServerWritableStream<WatchConfigRequest, WatchConfigResponse>;
type Parts<T> = { readonly [K in keyof T]?: T[K] };

/** One WatchConfig call as the fake sees it. What it sends is numbered on from what the member knew. */
export class FakeStream {
  readonly request: WatchConfigRequest;
  readonly #call: Call;
  revision: bigint;
  generation: string;

  constructor(call: Call, generation: string) {
    this.#call = call;
    this.request = call.request;
    this.revision = call.request.knownRevision;
    this.generation = call.request.knownGeneration || generation;
  }

  /** The member has given it up, or it was ended here. */
  get isOver(): boolean {
    return this.#call.cancelled || this.#call.writableEnded;
  }

  snapshot(parts: Parts<ConfigSnapshot>, revision = this.revision + 1n): void {
    this.send({ $case: "snapshot", value: ConfigSnapshot.fromPartial(parts as ConfigSnapshot) }, revision);
  }

  delta(parts: Parts<ConfigDelta>, revision = this.revision + 1n, traceparents: string[] = []): void {
    this.send({ $case: "delta", value: ConfigDelta.fromPartial(parts as ConfigDelta) }, revision, traceparents);
  }

  command(command: MemberCommand["command"]): void {
    this.send({ $case: "command", value: { command } }, this.revision);
  }

  heartbeat(revision = this.revision): void {
    this.send({ $case: "heartbeat", value: {} }, revision);
  }

  send(event: WatchConfigResponse["event"], revision: bigint, traceparents: string[] = []): void {
    this.revision = revision;
    this.#call.write({ revision, generation: this.generation, event, traceparents });
  }

  end(): void {
    this.#call.end();
  }

  fail(code: status): void {
    this.#call.emit("error", { code, details: "as the test wants it" });
  }
}

/** Management's ConfigService on 127.0.0.1 under a test's control. Says nothing by itself. */
export class FakeConfigService implements AsyncDisposable {
  readonly port: number;
  readonly streams: FakeStream[] = [];
  readonly reports: ReportStatusRequest[] = [];
  generation = "g1";
  /** While set, reports are answered with this status, or with the failure of this. */
  refuseReports: status | RpcError | undefined;
  /** How many were answered so. */
  refusedReports = 0;
  /** `authorization` of every call. */
  readonly authorizations: string[] = [];
  readonly #server: Server;
  readonly #arrivals = new EventTarget();

  /** `port` 0: the kernel chooses. Plaintext on 127.0.0.1 unless told otherwise. */
  static async start(port = 0, { host = "127.0.0.1", credentials = ServerCredentials.createInsecure() } = {}): Promise<FakeConfigService> {
    const server = new Server();
    let fake: FakeConfigService | undefined;
    server.addService(ConfigServiceService, {
      watchConfig: (call: Call) => fake!.#watched(call),
      reportStatus: (call: { request: ReportStatusRequest }, answer: (error: object | null, response?: object) => void) =>
        fake!.#reported(call.request, answer),
    });
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:${port}`, credentials, (error, at) => (error ? reject(error) : resolve(at)));
    });
    fake = new FakeConfigService(server, bound);
    return fake;
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** The newest stream. */
  get stream(): FakeStream {
    const stream = this.streams.at(-1);
    if (!stream) throw new Error("no member has called yet");
    return stream;
  }

  /** The stream of that number, from 1; waits for it. */
  async streamNumber(count: number, deadlineMs = 5000): Promise<FakeStream> {
    const signal = AbortSignal.timeout(deadlineMs);
    while (this.streams.length < count) await once(this.#arrivals, "stream", { signal });
    return this.streams[count - 1]!;
  }

  /** What members answer to is gone at once, as with a killed process. */
  stop(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #watched(call: Call): void {
    this.authorizations.push(String(call.metadata.get("authorization")[0] ?? ""));
    // Without a listener the cancellation of a call would be thrown.
    call.on("error", () => {});
    this.streams.push(new FakeStream(call, this.generation));
    this.#arrivals.dispatchEvent(new Event("stream"));
  }

  #reported(report: ReportStatusRequest, answer: (error: object | null, response?: object) => void): void {
    if (this.refuseReports !== undefined) {
      this.refusedReports++;
      const refusal = this.refuseReports;
      answer(refusal instanceof RpcError ? toRpcStatus(refusal) : { code: refusal, details: "as the test wants it" });
      return;
    }
    this.reports.push(report);
    answer(null, {});
  }
}
