import type { MemberConfiguration } from "@shadowfleet/control-api";
import type { Logger } from "@shadowfleet/runtime";
import type { PortConfig, PortsChange } from "../relay-config.ts";
import { PlannedPort, type PortStep } from "./planned-port.ts";
import type { PortPlanSettings } from "./port-shell.ts";

/** Turns what management wants into ports that can be served, and keeps them true as time passes. Costs what changes, not what is there. */
export class PortPlans {
  readonly #logger: Logger;
  #settings: PortPlanSettings;
  readonly #plans = new Map<number, PlannedPort>();
  /** Problems that were logged, by port. */
  readonly #told = new Map<number, ReadonlySet<string>>();

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
    for (const { shell } of this.#plans.values()) if (!shell) count++;
    return count;
  }

  /** Bind address of every port that can be served, by number. */
  get addresses(): ReadonlyMap<number, string> {
    return new Map([...this.#plans].flatMap(([port, { shell }]) => (shell ? [[port, shell.host] as const] : [])));
  }

  /** Every port that can be served, with all its keys. */
  get served(): PortConfig[] {
    return [...this.#plans.values()].flatMap(({ config }) => config ?? []);
  }

  /** Every port management wants; what is wrong with it in one line, empty when nothing is. */
  *problems(): Generator<readonly [port: number, problem: string], void, void> {
    for (const [port, plan] of this.#plans) yield [port, summaryOf(plan)];
  }

  /** When keys begin, end or are rotated next; Infinity for never. */
  get nextChangeMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { nextChangeMs } of this.#plans.values()) if (nextChangeMs < next) next = nextChangeMs;
    return next;
  }

  /** Another configuration. Ports that are the same object as before are not looked at. */
  follow({ ports }: MemberConfiguration, nowMs: number): PortsChange {
    const change = new ChangeDraft();
    for (const [port, plan] of this.#plans) {
      if (ports.has(port)) continue;
      if (plan.shell) change.gone.push(port);
      this.#plans.delete(port);
      this.#told.delete(port);
    }
    for (const [port, source] of ports) {
      const plan = this.#planOf(port);
      if (plan.source === source) continue;
      change.add(port, plan.follow(source, this.#settings, nowMs));
      this.#tell(port, plan);
    }
    return change;
  }

  /** Brings what time has changed. */
  tick(nowMs: number): PortsChange {
    const change = new ChangeDraft();
    for (const [port, plan] of this.#plans) if (plan.nextChangeMs <= nowMs) change.add(port, plan.tick(nowMs));
    return change;
  }

  /** Other settings, for all ports. */
  resettle(settings: PortPlanSettings, nowMs: number): PortsChange {
    this.#settings = settings;
    const change = new ChangeDraft();
    for (const [port, plan] of this.#plans) {
      if (plan.source) change.add(port, plan.follow(plan.source, settings, nowMs));
      this.#tell(port, plan);
    }
    return change;
  }

  #planOf(port: number): PlannedPort {
    let plan = this.#plans.get(port);
    if (!plan) {
      plan = new PlannedPort();
      this.#plans.set(port, plan);
    }
    return plan;
  }

  /** Each problem once, for as long as it lasts. */
  #tell(port: number, plan: PlannedPort): void {
    const problems = new Set(plan.problems());
    const told = this.#told.get(port);
    for (const problem of problems) {
      if (!told?.has(problem))
        this.#logger.error({ code: "CONFIG_INVALID", port, served: plan.shell !== undefined }, `port ${port}: ${problem}`);
    }
    if (problems.size > 0) this.#told.set(port, problems);
    else this.#told.delete(port);
  }
}

class ChangeDraft implements PortsChange {
  readonly served: PortConfig[] = [];
  readonly patches: PortsChange["patches"][number][] = [];
  readonly gone: number[] = [];

  add(port: number, step: PortStep): void {
    if (step.did === "serve") this.served.push(step.config);
    else if (step.did === "patch") this.patches.push(step.patch);
    else if (step.did === "drop") this.gone.push(port);
  }
}

const MAX_NAMED = 3;

function summaryOf(plan: PlannedPort): string {
  const named: string[] = [];
  let more = 0;
  for (const problem of plan.problems()) {
    if (named.length < MAX_NAMED) named.push(problem);
    else more++;
  }
  return more > 0 ? `${named.join("; ")}; and ${more} more` : named.join("; ");
}
