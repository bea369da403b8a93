import type { SaltClaim, SharedSalts } from "@shadowfleet/relay";
import type { Clock, LinkHandlers, WorkerContext } from "@shadowfleet/runtime";
import { SaltPool } from "@shadowfleet/wire";

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

/** The first process's side. */
export function groupSaltAnswers(clock: Clock): LinkHandlers {
  const pools = new Map<number, SaltPool>();
  return {
    [QUESTION]: ({ scope, salt, windowSeconds }: Claim): boolean => {
      const pool = pools.get(windowSeconds) ?? new SaltPool({ windowSeconds });
      pools.set(windowSeconds, pool);
      return pool.admit(Buffer.concat([Buffer.from(`${scope}\0`), salt]), Math.floor(clock.now() / 1000));
    },
  };
}
