import type { ErrorCode, Observation } from "@shadowfleet/runtime";

/** Named from the client: up is client to target. */
export type Direction = "up" | "down";

/** Datagrams by direction and outcome, in plain fields: added to once a datagram, read at scrape time (`shadowsocks.udp.packets`). */
export class PacketCounts {
  readonly #up = new Map<"OK" | ErrorCode, number>([["OK", 0]]);
  readonly #down = new Map<"OK" | ErrorCode, number>([["OK", 0]]);

  /** "OK": the kernel took it. */
  count(direction: Direction, outcome: "OK" | ErrorCode): void {
    const counts = direction === "up" ? this.#up : this.#down;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  get(direction: Direction, outcome: "OK" | ErrorCode): number {
    return (direction === "up" ? this.#up : this.#down).get(outcome) ?? 0;
  }

  *observe(): Generator<Observation> {
    for (const [outcome, value] of this.#up) yield { value, attributes: { "network.io.direction": "up", outcome } };
    for (const [outcome, value] of this.#down) yield { value, attributes: { "network.io.direction": "down", outcome } };
  }
}
