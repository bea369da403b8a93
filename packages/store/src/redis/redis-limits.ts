import type { LimitAnswer, LimitReport, LimitUsage, QuotaAnswer, SessionClaim, SessionVerdict } from "../limit-exchange.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** Reports of one script. */
const MAX_REPORTS = 50;
/** Scripts on their way at a time. */
const LANES = 4;
const FIELDS_OF_ANSWER = 8;
const FIELDS_OF_USAGE = 3;

type AnswerFields = [number, number, number | null, number | null, QuotaAnswer["outcome"] | null, string, string, string];

/** Quotas, rates, devices and sessions of access keys. All that is kept of one access key lies in one slot, many in each, so that a cluster shares the load. */
export class RedisLimits {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async exchange(memberId: string, reports: readonly LimitReport[]): Promise<LimitAnswer[]> {
    return this.#inParts(reports, async (part) => {
      const keys = part.flatMap(({ keyId, quota }) => [
        ...this.#liveKeys(keyId),
        ...(quota ? [this.#keys.quota(keyId, quota.windowId), this.#keys.closedLeases(keyId, quota.windowId)] : []),
      ]);
      const texts = part.map((report) => JSON.stringify(report));
      const reply = (await this.#connection.script("exchangeLimits", keys, memberId, texts)) as AnswerFields[number][];
      return part.map(({ keyId }, at) => answerOf(keyId, reply.slice(at * FIELDS_OF_ANSWER, (at + 1) * FIELDS_OF_ANSWER) as AnswerFields));
    });
  }

  async claim(memberId: string, { keyId, device, deviceGraceMs, maxDevices, maxSessions }: SessionClaim): Promise<SessionVerdict> {
    const args = [memberId, device, deviceGraceMs, maxDevices ?? "", maxSessions ?? ""];
    return (await this.#connection.scriptOnce("claimSession", this.#liveKeys(keyId), ...args)) as SessionVerdict;
  }

  async readUsage(asked: readonly { readonly keyId: string; readonly windowId: string }[]): Promise<LimitUsage[]> {
    return this.#inParts(asked, async (part) => {
      const keys = part.flatMap(({ keyId, windowId }) => [
        ...this.#liveKeys(keyId),
        ...(windowId === "" ? [] : [this.#keys.quota(keyId, windowId)]),
      ]);
      const flags = part.map(({ windowId }) => (windowId === "" ? 0 : 1));
      const reply = (await this.#connection.script("readLimitUsage", keys, flags)) as (string | number | null)[];
      return part.map(({ keyId }, index) => {
        const at = index * FIELDS_OF_USAGE;
        const used = reply[at];
        const [sessions, devices] = [Number(reply[at + 1]), Number(reply[at + 2])];
        return { keyId, quotaUsedBytes: typeof used === "string" ? Number(used) : undefined, sessions, devices };
      });
    });
  }

  /**
   * Calls a script for each slot, several times where there is much, a few at once, and puts the results back into the order of what was asked. So
   * others get their turn in between, and each script has its own time.
   */
  async #inParts<T extends { readonly keyId: string }, R>(asked: readonly T[], run: (part: readonly T[]) => Promise<R[]>): Promise<R[]> {
    const results = new Map<T, R>();
    const parts = [...Map.groupBy(asked, ({ keyId }) => this.#keys.limitsTag(keyId)).values()].flatMap(partsOf).values();
    const lane = async (): Promise<void> => {
      for (const part of parts) for (const [at, result] of (await run(part)).entries()) results.set(part[at]!, result);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return asked.map((one) => results.get(one)!);
  }

  #liveKeys(keyId: string): [string, string] {
    return [this.#keys.limitUses(keyId), this.#keys.devices(keyId)];
  }
}

function answerOf(keyId: string, [sessions, devices, upShare, downShare, outcome, granted, used, settled]: AnswerFields): LimitAnswer {
  const leased = { outcome: "leased", grantedBytes: Number(granted), usedBytes: Number(used), settledBytes: Number(settled) } as const;
  return {
    keyId,
    ...(outcome !== null && { quota: outcome === "leased" ? leased : { outcome } }),
    ...(upShare !== null && { upShare }),
    ...(downShare !== null && { downShare }),
    sessions,
    devices,
  };
}

function partsOf<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / MAX_REPORTS) }, (_, at) => all.slice(at * MAX_REPORTS, (at + 1) * MAX_REPORTS));
}
