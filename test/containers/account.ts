import { settles } from "../fleet/fleet.ts";
import type { ContainerFleet } from "./container-fleet.ts";

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
  readonly #fleet: ContainerFleet;
  readonly #countedBefore: number;
  readonly #atTargetBefore: number;

  private constructor(fleet: ContainerFleet, countedBefore: number, atTargetBefore: number) {
    this.#fleet = fleet;
    this.#countedBefore = countedBefore;
    this.#atTargetBefore = atTargetBefore;
  }

  static async open(fleet: ContainerFleet): Promise<Account> {
    return new Account(fleet, await fleet.api.totalBytes(), await receivedAtTarget(fleet));
  }

  /** `atClients`: payload bytes that clients received since. Waits until the counters have caught up with what arrived. */
  async close(atClients: number, deadlineMs = SETTLE_DEADLINE_MS): Promise<Balance> {
    const received = (await receivedAtTarget(this.#fleet)) - this.#atTargetBefore + atClients;
    const read = async (): Promise<number> => (await this.#fleet.api.totalBytes()) - this.#countedBefore;
    const counted = await settles("the counters", read, received, deadlineMs);
    return { counted, received, difference: counted - received };
  }
}

async function receivedAtTarget(fleet: ContainerFleet): Promise<number> {
  const { tcpReceived, udpReceived } = await fleet.target.stats();
  return tcpReceived + udpReceived;
}
