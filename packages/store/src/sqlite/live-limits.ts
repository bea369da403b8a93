import { LIMIT_REPORT_TTL_MS, type LimitReport, type RateReport, type SessionClaim, type SessionVerdict } from "../limit-exchange.ts";
import { type RatePart, rateShare } from "../rate-shares.ts";

/** What one relay last told of a key. */
interface Report {
  readonly untilMs: number;
  readonly sessions: number;
  readonly up: RatePart;
  readonly down: RatePart;
}

interface Claims {
  readonly untilMs: number;
  readonly count: number;
}

interface KeyUse {
  /** By relay. */
  readonly reports: Map<string, Report>;
  /** By relay: sessions that began since its last report. */
  readonly claims: Map<string, Claims>;
  /** Client address -> until when it counts. */
  readonly devices: Map<string, number>;
}

type Direction = "up" | "down";

const SWEEP_MS = 60_000;
const NO_PART: RatePart = { share: 0, moved: 0, isSaturated: false, sessions: 0 };

/** Sessions, devices and rates of access keys with limits, as the relays of this process tell of them. */
export class LiveLimits {
  readonly #keys = new Map<string, KeyUse>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  /** Returns the new shares, of the directions that have a rate. */
  report(memberId: string, report: LimitReport, nowMs: number): { readonly upShare?: number; readonly downShare?: number } {
    this.#sweep(nowMs);
    const use = this.#use(report.keyId, nowMs);
    const up = newPart(use, memberId, "up", report.up);
    const down = newPart(use, memberId, "down", report.down);
    const untilMs = nowMs + LIMIT_REPORT_TTL_MS;
    use.claims.delete(memberId);
    if (report.sessions + up.sessions + down.sessions === 0) use.reports.delete(memberId);
    else use.reports.set(memberId, { untilMs, sessions: report.sessions, up, down });
    for (const device of report.devices) keepDevice(use, device, report.deviceGraceMs, nowMs);
    return { ...(report.up && { upShare: up.share }), ...(report.down && { downShare: down.share }) };
  }

  claim(memberId: string, { keyId, device, maxDevices, deviceGraceMs, maxSessions }: SessionClaim, nowMs: number): SessionVerdict {
    const use = this.#use(keyId, nowMs);
    if (maxDevices !== undefined && !use.devices.has(device) && use.devices.size >= maxDevices) return "device-limit";
    if (maxSessions !== undefined && sessionsOf(use) >= maxSessions) return "session-limit";
    const count = (use.claims.get(memberId)?.count ?? 0) + 1;
    use.claims.set(memberId, { untilMs: nowMs + LIMIT_REPORT_TTL_MS, count });
    keepDevice(use, device, deviceGraceMs, nowMs);
    return "admitted";
  }

  usage(keyId: string, nowMs: number): { readonly sessions: number; readonly devices: number } {
    if (!this.#keys.has(keyId)) return { sessions: 0, devices: 0 };
    const use = this.#use(keyId, nowMs);
    return { sessions: sessionsOf(use), devices: use.devices.size };
  }

  /** As of now: what is over is left out. */
  #use(keyId: string, nowMs: number): KeyUse {
    const use = this.#keys.get(keyId) ?? { reports: new Map(), claims: new Map(), devices: new Map() };
    this.#keys.set(keyId, use);
    for (const known of [use.reports, use.claims]) for (const [id, { untilMs }] of known) if (untilMs <= nowMs) known.delete(id);
    for (const [device, untilMs] of use.devices) if (untilMs <= nowMs) use.devices.delete(device);
    return use;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const keyId of this.#keys.keys()) {
      const { reports, claims, devices } = this.#use(keyId, nowMs);
      if (reports.size + claims.size + devices.size === 0) this.#keys.delete(keyId);
    }
  }
}

function newPart({ reports }: KeyUse, memberId: string, direction: Direction, report: RateReport | undefined): RatePart {
  if (!report) return NO_PART;
  const { limit, moved, isSaturated, sessions } = report;
  const own = { share: reports.get(memberId)?.[direction].share ?? 0, moved, isSaturated, sessions };
  const others = [...reports].flatMap(([id, parts]) => (id === memberId ? [] : [parts[direction]]));
  return { ...own, share: rateShare(limit, own, others) };
}

function sessionsOf({ reports, claims }: KeyUse): number {
  const reported = [...reports.values()].reduce((sum, { sessions }) => sum + sessions, 0);
  return [...claims.values()].reduce((sum, { count }) => sum + count, reported);
}

function keepDevice({ devices }: KeyUse, device: string, graceMs: number, nowMs: number): void {
  const untilMs = nowMs + Math.max(graceMs, LIMIT_REPORT_TTL_MS);
  devices.set(device, Math.max(untilMs, devices.get(device) ?? 0));
}
