import type { SaltClaim, SharedSalts } from "@shadowfleet/relay";
import type { Clock, LinkHandlers, WorkerContext } from "@shadowfleet/runtime";
import { SaltHistory, SaltPool } from "@shadowfleet/wire";
import { SIP022_WINDOW_SECONDS } from "./shared-replay.ts";

const QUESTION = "claimSalt";

interface Claim {
  readonly scope: string;
  readonly salt: Uint8Array;
  readonly windowSeconds: number;
}

/** Salts that the workers of one relay know together where no store does it for the whole fleet: their first process keeps them. */
export class GroupSalts implements SharedSalts {
  readonly #worker: WorkerContext;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  async claim(scope: string, salt: Buffer, windowSeconds: number): Promise<SaltClaim> {
    try {
      return (await this.#worker.ask(QUESTION, { scope, salt, windowSeconds } satisfies Claim)) === true ? "fresh" : "seen";
    } catch {
      return "unavailable";
    }
  }
}

/** Salts without a timestamp that the first process remembers at least; twice as many at most, about 40 MB. */
const HISTORY_CAPACITY = 200_000;

/** The first process's side: SIP022's salts for as long as their timestamps are good, SIP004's, which have none, by count as a relay by itself does. */
export function groupSaltAnswers(clock: Clock): LinkHandlers {
  const timed = new SaltPool({ windowSeconds: SIP022_WINDOW_SECONDS });
  const untimed = new SaltHistory(HISTORY_CAPACITY);
  return {
    [QUESTION]: ({ scope, salt, windowSeconds }: Claim): boolean => {
      const filter = windowSeconds <= SIP022_WINDOW_SECONDS ? timed : untimed;
      return filter.admit(Buffer.concat([Buffer.from(`${scope}\0`), salt]), Math.floor(clock.now() / 1000));
    },
  };
}
