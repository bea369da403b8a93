import { setTimeout as sleep } from "node:timers/promises";
import type { FleetStore, MemberRecord } from "@shadowfleet/store";

/** A port on one relay, as that relay reported it. */
export interface Binding {
  readonly memberId: string;
  readonly bound: boolean;
  /** Empty when bound or still being tried. */
  readonly error: string;
}

export interface BindWait {
  readonly port: number;
  /** The store's revision of the port's creation: older reports know nothing about it. */
  readonly revision: number;
  readonly waitMs: number;
  readonly lookMs: number;
  readonly signal: AbortSignal;
}

export interface BindOutcome {
  readonly bindings: readonly Binding[];
  /** Every live relay has reported. */
  readonly isComplete: boolean;
}

/** The running relays and gateways, as the store knows them. */
export class Members {
  readonly #store: FleetStore;
  #last: readonly MemberRecord[] = [];

  constructor(store: FleetStore) {
    this.#store = store;
  }

  /** Those that reported lately, ordered by kind and id. Rejects with STORE_UNAVAILABLE. */
  async list(): Promise<readonly MemberRecord[]> {
    const members = await this.#store.listMembers();
    this.#last = [...members].sort((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1));
    return this.#last;
  }

  /** As `list`; while the store is away, what it said last. */
  async listOrLast(): Promise<readonly MemberRecord[]> {
    try {
      return await this.list();
    } catch {
      return this.#last;
    }
  }

  /** What was listed last, without asking. */
  get last(): readonly MemberRecord[] {
    return this.#last;
  }

  /** Waits until every live relay that takes new work has tried to bind the port. A relay that joins meanwhile is waited for too. */
  async untilBound({ port, revision, waitMs, lookMs, signal }: BindWait): Promise<BindOutcome> {
    const until = performance.now() + waitMs;
    for (;;) {
      const relays = (await this.listOrLast()).filter(({ kind, draining }) => kind !== "gateway" && !draining);
      const reported = relays.flatMap((relay) => (relay.appliedRevision >= revision ? bindingOn(relay, port) : []));
      const settled = reported.filter(({ bound, error }) => bound || error !== "");
      const isComplete = settled.length === relays.length;
      if (isComplete || signal.aborted || performance.now() + lookMs > until) return { bindings: reported, isComplete };
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Every relay's report by port number. */
export function bindingsByPort(members: readonly MemberRecord[]): ReadonlyMap<number, readonly Binding[]> {
  const byPort = new Map<number, Binding[]>();
  for (const member of members) {
    if (member.kind === "gateway") continue;
    for (const { port, bound, error } of member.ports) {
      const bindings = byPort.get(port) ?? [];
      byPort.set(port, bindings);
      bindings.push({ memberId: member.id, bound, error });
    }
  }
  return byPort;
}

function bindingOn({ id, ports }: MemberRecord, wanted: number): Binding[] {
  return ports.flatMap(({ port, bound, error }) => (port === wanted ? [{ memberId: id, bound, error }] : []));
}
