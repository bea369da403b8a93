import { type ByteMeter, settleFlows } from "@shadowfleet/transport";

/** Payload bytes of one user, TCP and UDP by the same rule. Monotonic while the process lives, across reloads. */
export interface UserTraffic {
  /** Undefined: clients that needed no name. */
  readonly user: string | undefined;
  readonly tcp: ByteMeter;
  readonly udp: ByteMeter;
}

/** Payload bytes by user. Users are those of the configuration, so it does not grow with strangers. */
export class Traffic {
  readonly #byUser = new Map<string | undefined, UserTraffic>();

  of(user: string | undefined): UserTraffic {
    let traffic = this.#byUser.get(user);
    if (!traffic) {
      traffic = { user, tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } };
      this.#byUser.set(user, traffic);
    }
    return traffic;
  }

  list(): readonly UserTraffic[] {
    settleFlows();
    return [...this.#byUser.values()];
  }

  total(transport: "tcp" | "udp"): ByteMeter {
    const sum = { up: 0, down: 0 };
    for (const traffic of this.list()) {
      sum.up += traffic[transport].up;
      sum.down += traffic[transport].down;
    }
    return sum;
  }
}
