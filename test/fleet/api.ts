import { type CallOptions, Metadata } from "@grpc/grpc-js";
import { connectFleet, type FleetChannel, type FleetClients, type ManagementTarget, type TrafficSubject } from "@shadowfleet/control-api";

type Callback<T> = (error: Error | null, response: T) => void;
type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: Callback<Response>,
) => unknown;

const IN_THE_CLEAR: Omit<ManagementTarget, "addresses"> = { tls: undefined, tokenFile: undefined };

/** Calls of one management replica on 127.0.0.1 as promises, for tests. */
export class Api {
  readonly #channel: FleetChannel;

  constructor(port: number, access = IN_THE_CLEAR) {
    this.#channel = connectFleet({ addresses: [{ host: "127.0.0.1", port }], ...access });
  }

  get clients(): FleetClients {
    return this.#channel.clients;
  }

  call<Request, Response>(client: object, method: Unary<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      method.call(client, request, new Metadata(), {}, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  /** All payload bytes of a subject, both ways, TCP and UDP. */
  async totalBytes(subject?: TrafficSubject["subject"]): Promise<number> {
    const { traffic } = this.clients;
    const response = await this.call(traffic, traffic.getTraffic, { subject: subject ? { subject } : undefined });
    const total = response.traffic?.total;
    if (!total) throw new Error("no totals in the response");
    return Number(total.tcpUpBytes + total.tcpDownBytes + total.udpUpBytes + total.udpDownBytes);
  }

  /** failCnt of an upstream. */
  async failCount(id: string): Promise<number> {
    const { upstreams } = this.clients;
    const { upstream } = await this.call(upstreams, upstreams.getUpstream, { id });
    return upstream?.failCount ?? 0;
  }

  close(): void {
    this.#channel.close();
  }
}
