import type { ErrorCode, Observation } from "@shadowfleet/runtime";

/** Named from the client: up is client to target. */
export type Direction = "up" | "down";

/** Datagrams by direction and outcome, in plain fields: added to once a datagram, read at scrape time (`shadowsocks.udp.packets`). */
export class PacketCounts {
  #upOk = 0;
  #downOk = 0;
  readonly #upDropped = new Map<ErrorCode, number>();
  readonly #downDropped = new Map<ErrorCode, number>();

  /** The kernel took it. */
  sent(direction: Direction): void {
    if (direction === "up") this.#upOk += 1;
    else this.#downOk += 1;
  }

  dropped(direction: Direction, code: ErrorCode): void {
    const counts = direction === "up" ? this.#upDropped : this.#downDropped;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  count(direction: Direction, outcome: "OK" | ErrorCode): number {
    if (outcome === "OK") return direction === "up" ? this.#upOk : this.#downOk;
    const counts = direction === "up" ? this.#upDropped : this.#downDropped;
    return counts.get(outcome) ?? 0;
  }

  *observe(): Generator<Observation> {
    yield observation("up", "OK", this.#upOk);
    yield observation("down", "OK", this.#downOk);
    for (const [code, value] of this.#upDropped) yield observation("up", code, value);
    for (const [code, value] of this.#downDropped) yield observation("down", code, value);
  }
}

function observation(direction: Direction, outcome: string, value: number): Observation {
  return { value, attributes: { "network.io.direction": direction, outcome } };
}
