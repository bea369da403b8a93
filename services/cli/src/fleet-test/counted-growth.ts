import { setTimeout as pause } from "node:timers/promises";
import type { ByteCounts } from "@shadowfleet/control-api";
import type { FleetConnection } from "../connection/fleet-connection.ts";
import { Failure } from "../failure.ts";

export type Direction = keyof Pick<ByteCounts, "tcpUpBytes" | "tcpDownBytes" | "udpUpBytes" | "udpDownBytes">;
export type Growth = Readonly<Record<Direction, bigint>>;

/** What a key's counters must grow by. The two differ where datagrams were repeated: nobody knows how far a lost one got. */
export interface ExpectedGrowth {
  readonly least: Growth;
  readonly most: Growth;
}

const DIRECTIONS: readonly Direction[] = ["tcpUpBytes", "tcpDownBytes", "udpUpBytes", "udpDownBytes"];
const POLL_MS = 250;
/** Relays hand over what they counted once a second, so by then everything of ours is in. */
const SETTLE_MS = 2_500;

/** The counters of an access key in management, from a moment on. */
export class CountedGrowth {
  readonly #fleet: FleetConnection;
  readonly #keyId: string;
  readonly #before: ByteCounts;

  private constructor(fleet: FleetConnection, keyId: string, before: ByteCounts) {
    this.#fleet = fleet;
    this.#keyId = keyId;
    this.#before = before;
  }

  static async from(fleet: FleetConnection, keyId: string): Promise<CountedGrowth> {
    return new CountedGrowth(fleet, keyId, await readTotals(fleet, keyId));
  }

  /** Waits until all counters have grown by what is expected at least; what they have grown by. Rejects with Failure at the deadline. */
  async reaches({ least }: ExpectedGrowth, deadlineMs: number): Promise<Growth> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      const growth = await this.#read();
      const missing = DIRECTIONS.filter((direction) => growth[direction] < least[direction]);
      if (missing.length === 0) return growth;
      if (performance.now() > until) {
        const parts = missing.map((direction) => `${direction} grew by ${growth[direction]} instead of ${least[direction]}`);
        throw new Failure(
          "DEADLINE_EXCEEDED",
          `the traffic passed, but was not counted: of access key ${this.#keyId} ${parts.join(", ")}`,
          {
            hints: ["Is this the key that the gateway uses (--key), and do the relays reach the store?"],
          },
        );
      }
      await pause(POLL_MS);
    }
  }

  /** What they have grown by once nothing of ours can be under way any more. Rejects with Failure when it is more than it can be. */
  async settles({ most }: ExpectedGrowth): Promise<Growth> {
    await pause(SETTLE_MS);
    const growth = await this.#read();
    const over = DIRECTIONS.filter((direction) => growth[direction] > most[direction]);
    if (over.length === 0) return growth;
    const parts = over.map((direction) => `${direction} grew by ${growth[direction]} instead of ${most[direction]}`);
    throw new Failure("INTERNAL", `more was counted than passed: of access key ${this.#keyId} ${parts.join(", ")}`, {
      hints: ["Leave out --exact where others use this key at the same time."],
    });
  }

  async #read(): Promise<Growth> {
    const now = await readTotals(this.#fleet, this.#keyId);
    const grown = (direction: Direction): bigint => now[direction] - this.#before[direction];
    return {
      tcpUpBytes: grown("tcpUpBytes"),
      tcpDownBytes: grown("tcpDownBytes"),
      udpUpBytes: grown("udpUpBytes"),
      udpDownBytes: grown("udpDownBytes"),
    };
  }
}

/** By how many bytes, all counters together, the growth is beyond what was expected at most. */
export function excess(growth: Growth, { most }: ExpectedGrowth): bigint {
  return DIRECTIONS.reduce((sum, direction) => sum + bigMax(growth[direction] - most[direction], 0n), 0n);
}

const bigMax = (a: bigint, b: bigint): bigint => (a > b ? a : b);

async function readTotals(fleet: FleetConnection, keyId: string): Promise<ByteCounts> {
  try {
    const { traffic } = await fleet.call("traffic", "getTraffic", { subject: { subject: { $case: "accessKeyId", value: keyId } } });
    return traffic?.total ?? { tcpUpBytes: 0n, tcpDownBytes: 0n, udpUpBytes: 0n, udpDownBytes: 0n };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "NOT_FOUND") throw error;
    throw new Failure("NOT_FOUND", `there is no access key ${keyId}`, {
      hints: ["Name the one that the gateway uses: --key ID."],
      cause: error,
    });
  }
}
