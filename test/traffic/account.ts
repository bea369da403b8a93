import { settles } from "../fleet/fleet.ts";
import type { LoadedFleet } from "./loaded-fleet.ts";
import type { TargetStats } from "./target/ports.ts";

const SETTLE_DEADLINE_MS = 20_000;

export interface Balance {
  /** Payload bytes of both directions and transports that the fleet's counters grew by. */
  readonly counted: number;
  /** What arrived: at the target and at the clients. */
  readonly received: number;
  /** Counted more than received; negative when less. */
  readonly difference: number;
}

/** Compares what the fleet counts with what arrived, from one moment on. Begin and end it while nothing moves. */
export class Account {
  readonly #fleet: LoadedFleet;
  readonly #countedBefore: number;
  readonly #before: TargetStats;

  private constructor(fleet: LoadedFleet, countedBefore: number, before: TargetStats) {
    this.#fleet = fleet;
    this.#countedBefore = countedBefore;
    this.#before = before;
  }

  static async open(fleet: LoadedFleet): Promise<Account> {
    return new Account(fleet, await fleet.api.totalBytes(), await fleet.target.stats());
  }

  /** `atClients`: payload bytes that clients received since. Waits until the counters have caught up with what arrived. */
  async close(atClients: number, deadlineMs = SETTLE_DEADLINE_MS): Promise<Balance> {
    const { tcpReceived, udpReceived } = await this.#fleet.target.stats();
    const received = tcpReceived + udpReceived - this.#before.tcpReceived - this.#before.udpReceived + atClients;
    const read = async (): Promise<number> => (await this.#fleet.api.totalBytes()) - this.#countedBefore;
    const counted = await settles("the counters", read, received, deadlineMs);
    return { counted, received, difference: counted - received };
  }

  /** Payload bytes of datagrams that the target sent since and clients did not receive: a relay that they passed has counted them. */
  async answersLost(receivedInDatagrams: number): Promise<number> {
    return (await this.#fleet.target.stats()).udpSent - this.#before.udpSent - receivedInDatagrams;
  }
}
