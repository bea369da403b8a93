import { isDeepStrictEqual } from "node:util";
import type { ConfigDelta, ConfigKey, ConfigPort, ConfigSnapshot, ConfigUpstream, FailCount } from "./gen/shadowfleet/v1/config.ts";

/** A listening port with its access keys. Never changed: a port is the same object for as long as nothing about it changes. */
export interface MemberPort {
  readonly port: number;
  /** Undefined while only its keys have come. */
  readonly config: ConfigPort | undefined;
  /** By id. A key is the same object for as long as it is equal. */
  readonly keys: ReadonlyMap<string, ConfigKey>;
}

/** What a member is configured with, as of one message of management. Never changed. */
export interface MemberConfiguration {
  readonly revision: bigint;
  readonly generation: string;
  /** By number. */
  readonly ports: ReadonlyMap<number, MemberPort>;
  /** In the order of tries. */
  readonly upstreams: readonly ConfigUpstream[];
  /** failCnt by upstream id; 0 where there is none. */
  readonly failCounts: ReadonlyMap<string, number>;
}

export const NO_CONFIGURATION: MemberConfiguration = {
  revision: 0n,
  generation: "",
  ports: new Map(),
  upstreams: [],
  failCounts: new Map(),
};

/** The number and generation that a message brings. */
export interface Version {
  readonly revision: bigint;
  readonly generation: string;
}

/** Makes one configuration out of another and messages. Costs what the messages and the ports they touch cost, not the whole. */
export class ConfigurationFold {
  #current: MemberConfiguration;
  readonly #portOfKey = new Map<string, number>();
  /** Ids that a message took away, whether or not a later one brought them back. */
  readonly #removedKeys = new Set<string>();

  constructor(from: MemberConfiguration) {
    this.#current = from;
    for (const { port, keys } of from.ports.values()) for (const id of keys.keys()) this.#portOfKey.set(id, port);
  }

  get current(): MemberConfiguration {
    return this.#current;
  }

  /** What was removed since this was last asked. */
  takeRemovedKeys(): ReadonlySet<string> {
    const removed = new Set(this.#removedKeys);
    this.#removedKeys.clear();
    return removed;
  }

  /** Nothing but the number changed. */
  move({ revision, generation }: Version): void {
    this.#current = { ...this.#current, revision, generation };
  }

  /** The whole, as the sum of its parts. What is equal to what was there stays the same object. */
  replace(parts: readonly ConfigSnapshot[], { revision, generation }: Version): void {
    const before = this.#current;
    const drafts = new Map<number, PortDraft>();
    for (const port of parts.flatMap(({ ports }) => ports)) draftOf(drafts, port.port).config = port;
    this.#portOfKey.clear();
    for (const { keys } of parts) {
      for (const key of keys) {
        draftOf(drafts, key.port).keys.set(key.id, key);
        this.#portOfKey.set(key.id, key.port);
      }
    }
    const ports = new Map([...drafts].map(([port, draft]) => [port, settle(port, draft, before.ports.get(port))] as const));
    const upstreams = inOrder(parts.flatMap((part) => part.upstreams));
    const failCounts = withCounts(
      new Map(),
      parts.flatMap((part) => part.failCounts),
    );
    this.#current = { revision, generation, ports, upstreams, failCounts };
  }

  /** Removals first: what a delta both removes and brings is new. */
  change(delta: ConfigDelta, { revision, generation }: Version): void {
    const { ports: before } = this.#current;
    const drafts = new Map<number, PortDraft>();
    const touch = (port: number): PortDraft => draftOf(drafts, port, before.get(port));
    for (const port of delta.removedPorts) touch(port).config = undefined;
    for (const id of delta.removedKeys) {
      this.#removedKeys.add(id);
      this.#takeAway(id, touch);
    }
    for (const port of delta.ports) touch(port.port).config = port;
    for (const key of delta.keys) {
      if (this.#portOfKey.get(key.id) !== key.port) this.#takeAway(key.id, touch);
      touch(key.port).keys.set(key.id, key);
      this.#portOfKey.set(key.id, key.port);
    }
    const ports = drafts.size === 0 ? before : withDrafts(before, drafts);
    this.#current = { revision, generation, ports, ...this.#gatewaySide(delta) };
  }

  #takeAway(id: string, touch: (port: number) => PortDraft): void {
    const port = this.#portOfKey.get(id);
    if (port === undefined) return;
    this.#portOfKey.delete(id);
    touch(port).keys.delete(id);
  }

  #gatewaySide(delta: ConfigDelta): Pick<MemberConfiguration, "upstreams" | "failCounts"> {
    let { upstreams, failCounts } = this.#current;
    if (delta.upstreams.length > 0 || delta.removedUpstreams.length > 0) {
      const left = new Map(upstreams.map((upstream) => [upstream.id, upstream]));
      for (const id of delta.removedUpstreams) left.delete(id);
      for (const upstream of delta.upstreams) left.set(upstream.id, upstream);
      upstreams = inOrder([...left.values()]);
    }
    if (delta.failCounts.length > 0) failCounts = withCounts(failCounts, delta.failCounts);
    return { upstreams, failCounts };
  }
}

interface PortDraft {
  config: ConfigPort | undefined;
  readonly keys: Map<string, ConfigKey>;
}

function draftOf(drafts: Map<number, PortDraft>, port: number, before?: MemberPort): PortDraft {
  let draft = drafts.get(port);
  if (!draft) {
    draft = { config: before?.config, keys: new Map(before?.keys) };
    drafts.set(port, draft);
  }
  return draft;
}

function withDrafts(before: MemberConfiguration["ports"], drafts: ReadonlyMap<number, PortDraft>): MemberConfiguration["ports"] {
  const ports = new Map(before);
  for (const [port, draft] of drafts) {
    if (draft.config === undefined && draft.keys.size === 0) ports.delete(port);
    else ports.set(port, settle(port, draft, before.get(port)));
  }
  return ports;
}

/** The port before, when nothing changed; else a new one with the key objects of before where they are equal. */
function settle(port: number, { config, keys }: PortDraft, before: MemberPort | undefined): MemberPort {
  if (!before) return { port, config, keys };
  let same = keys.size === before.keys.size && isDeepStrictEqual(config, before.config);
  for (const [id, key] of keys) {
    const known = before.keys.get(id);
    if (known === key) continue;
    if (known !== undefined && isDeepStrictEqual(known, key)) keys.set(id, known);
    else same = false;
  }
  return same ? before : { port, config, keys };
}

function inOrder(upstreams: ConfigUpstream[]): readonly ConfigUpstream[] {
  return upstreams.sort((a, b) => (a.order < b.order ? -1 : Number(a.order > b.order)));
}

function withCounts(before: ReadonlyMap<string, number>, changes: readonly FailCount[]): ReadonlyMap<string, number> {
  const counts = new Map(before);
  for (const { upstreamId, count } of changes) {
    if (count === 0) counts.delete(upstreamId);
    else counts.set(upstreamId, count);
  }
  return counts;
}
