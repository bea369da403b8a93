import type { MemberConfiguration, MemberPort } from "@shadowfleet/control-api";
import type { Logger } from "@shadowfleet/runtime";
import type { PortConfig } from "../relay-config.ts";
import { type PlannedPort, type PortPlanSettings, planMemberPort } from "./planned-port.ts";

/** What a step did to the ports that are served. */
export interface PortsChange {
  /** Served in a new form. */
  readonly changed: readonly PortConfig[];
  /** Not served any more. */
  readonly gone: readonly number[];
}

/** Turns what management wants into ports that can be served, and keeps them true as time passes. Costs what changes, not what is there. */
export class PortPlans {
  readonly #logger: Logger;
  #settings: PortPlanSettings;
  #plans = new Map<number, PlannedPort>();

  constructor(settings: PortPlanSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Ports management wants. */
  get size(): number {
    return this.#plans.size;
  }

  /** How many of them cannot be served, whatever the kernel says. */
  get unservable(): number {
    let count = 0;
    for (const { config } of this.#plans.values()) if (!config) count++;
    return count;
  }

  /** Every port that can be served. */
  get served(): PortConfig[] {
    return [...this.#plans.values()].flatMap(({ config }) => config ?? []);
  }

  /** Every port management wants; what is wrong with it in one line, empty when nothing is. */
  *problems(): Generator<readonly [port: number, problem: string], void, void> {
    for (const [port, { problems }] of this.#plans) yield [port, summaryOf(problems)];
  }

  /** When keys begin, end or are rotated next; Infinity for never. */
  get nextChangeMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { nextChangeMs } of this.#plans.values()) if (nextChangeMs < next) next = nextChangeMs;
    return next;
  }

  /** Another configuration. Ports that are the same object as before are not looked at. */
  follow({ ports }: MemberConfiguration, nowMs: number): PortsChange {
    const left = [...this.#plans.values()].filter(({ source }) => !ports.has(source.port));
    for (const { source } of left) this.#plans.delete(source.port);
    const changed = [...ports.values()].filter((port) => this.#plans.get(port.port)?.source !== port);
    const { changed: served, gone } = this.#plan(changed, nowMs);
    return { changed: served, gone: [...left.flatMap(({ config }) => config?.port ?? []), ...gone] };
  }

  /** Brings what time has changed. */
  tick(nowMs: number): PortsChange {
    const due = [...this.#plans.values()].filter(({ nextChangeMs }) => nextChangeMs <= nowMs);
    return this.#plan(
      due.map(({ source }) => source),
      nowMs,
    );
  }

  /** Other settings, for all ports. */
  resettle(settings: PortPlanSettings, nowMs: number): PortsChange {
    this.#settings = settings;
    return this.#plan(
      [...this.#plans.values()].map(({ source }) => source),
      nowMs,
    );
  }

  #plan(sources: readonly MemberPort[], nowMs: number): PortsChange {
    const changed: PortConfig[] = [];
    const gone: number[] = [];
    for (const source of sources) {
      const before = this.#plans.get(source.port);
      const plan = planMemberPort(source, this.#settings, nowMs, before);
      this.#plans.set(source.port, plan);
      if (plan.config) changed.push(plan.config);
      else if (before?.config) gone.push(source.port);
      this.#report(plan, before);
    }
    return { changed, gone };
  }

  /** Once for each new problem. */
  #report({ source, problems, config }: PlannedPort, before: PlannedPort | undefined): void {
    for (const problem of problems) {
      if (before?.problems.includes(problem)) continue;
      this.#logger.error({ code: "CONFIG_INVALID", port: source.port, served: config !== undefined }, `port ${source.port}: ${problem}`);
    }
  }
}

const MAX_NAMED = 3;

function summaryOf(problems: readonly string[]): string {
  const named = problems.slice(0, MAX_NAMED).join("; ");
  return problems.length > MAX_NAMED ? `${named}; and ${problems.length - MAX_NAMED} more` : named;
}
