import { DATAGRAM_LENGTH, Datagrams } from "./datagrams.ts";
import { Download, type Flow, Upload } from "./flow.ts";
import type { LoadedFleet } from "./loaded-fleet.ts";
import { ShortConnections } from "./short-connections.ts";

const BYTES_PER_SECOND = 200_000;
const SHORT_EVERY_MS = 150;
const DATAGRAM_EVERY_MS = 100;
/** What a second of datagrams adds to the counters, there and back. */
export const DATAGRAM_BYTES_PER_SECOND = (2 * DATAGRAM_LENGTH * 1000) / DATAGRAM_EVERY_MS;

export interface LoadOptions {
  /** So many uploads and as many downloads on each tcp-relay. */
  readonly pairs: number;
  /** After so long a datagram counts as unanswered. Default 5 s. */
  readonly answerWaitMs?: number;
}

/** Steady load through the gateway: long uploads and downloads, as many on each relay, then short connections and datagrams beside them. */
export class Load implements AsyncDisposable {
  readonly flows: readonly Flow[];
  readonly short: ShortConnections;
  readonly datagrams: Datagrams;

  private constructor(flows: readonly Flow[], short: ShortConnections, datagrams: Datagrams) {
    this.flows = flows;
    this.short = short;
    this.datagrams = datagrams;
  }

  static async start(fleet: LoadedFleet, { pairs, answerWaitMs }: LoadOptions): Promise<Load> {
    const each = pairs * fleet.upstreamIds.length;
    const options = { proxy: fleet.proxy, target: fleet.target.host, bytesPerSecond: BYTES_PER_SECOND };
    const flows: Flow[] = [];
    // One after the other: the gateway's round robin then gives every relay as many.
    for (let index = 0; index < each; index++) flows.push(await Upload.start(options));
    for (let index = 0; index < each; index++) flows.push(await Download.start(options));
    const proxy = () => fleet.proxy;
    const short = new ShortConnections({ proxy, target: fleet.target.host, everyMs: SHORT_EVERY_MS });
    const udpProxy = () => fleet.udpProxy;
    const datagrams = new Datagrams({
      proxy,
      udpProxy,
      target: fleet.target.host,
      everyMs: DATAGRAM_EVERY_MS,
      ...(answerWaitMs ? { answerWaitMs } : {}),
    });
    return new Load(flows, short, datagrams);
  }

  /** Payload bytes that came from the target. */
  get received(): number {
    return this.flows.reduce((sum, flow) => sum + flow.received, this.short.received + this.datagrams.received);
  }

  /** Payload bytes of the long flows so far. */
  get moved(): number {
    return this.flows.reduce((sum, { moved }) => sum + moved, 0);
  }

  /** Flows that did not come to the end that was asked for. */
  get lost(): readonly Flow[] {
    return this.flows.filter(({ end }) => end !== undefined && end !== "complete");
  }

  /** Ends everything in order, as far as it is still there. */
  async finish(): Promise<void> {
    await Promise.all([this.short.stop(), this.datagrams.stop()]);
    for (const flow of this.flows) flow.finish();
    await Promise.all(this.flows.map(({ ended }) => ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const flow of this.flows) flow.destroy();
    await Promise.all([this.short.stop(), this.datagrams.stop()]);
  }
}
