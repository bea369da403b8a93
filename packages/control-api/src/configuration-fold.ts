import { isDeepStrictEqual } from "node:util";
import type { ConfigDelta, ConfigKey, ConfigPort, ConfigSnapshot, ConfigUpstream, FailCount } from "./gen/shadowfleet/v1/config.ts";
import type { MemberConfiguration, MemberPort } from "./member-configuration.ts";
import { SharedMap } from "./shared-map.ts";

/** The number and generation that a message brings. */
export interface Version {
  readonly revision: bigint;
  readonly generation: string;
}

/** Makes one configuration out of another and messages. A delta costs what it and the number of ports cost, not what there are keys. */
export class ConfigurationFold {
  #current: MemberConfiguration;
  readonly #portOfKey = new Map<string, number>();
  /** Ids that a message took away, whether or not a later one brought them back. */
  #removedKeys = new Set<string>();

  constructor(from: MemberConfiguration) {
    this.#current = from;
    for (const { port, keys } of from.ports.values()) for (const id of keys.keys()) this.#portOfKey.set(id, port);
  }

  get current(): MemberConfiguration {
    return this.#current;
  }

  /** What was removed since this was last asked. */
  takeRemovedKeys(): ReadonlySet<string> {
    const removed = this.#removedKeys;
    this.#removedKeys = new Set();
    return removed;
  }

  /** Nothing but the number changed. */
  move({ revision, generation }: Version): void {
    this.#current = { ...this.#current, revision, generation };
  }

  /** The whole, as the sum of its parts. What is equal to what was there stays the same object. */
  replace(parts: readonly ConfigSnapshot[], { revision, generation }: Version): void {
    const drafts = new PortDrafts(this.#current.ports, "whole");
    this.#portOfKey.clear();
    for (const { ports } of parts) for (const port of ports) drafts.of(port.port).config = port;
    for (const { keys } of parts) {
      for (const key of keys) {
        drafts.of(key.port).keys.set(key.id, key);
        this.#portOfKey.set(key.id, key.port);
      }
    }
    const upstreams = inOrder(parts.flatMap((part) => part.upstreams));
    const changes = parts.flatMap((part) => part.failCounts);
    this.#current = { revision, generation, ports: drafts.finish(), upstreams, failCounts: withCounts(new Map(), changes) };
  }

  /** Removals first: what a delta both removes and brings is new. */
  change(delta: ConfigDelta, { revision, generation }: Version): void {
    const drafts = new PortDrafts(this.#current.ports, "changes");
    for (const port of delta.removedPorts) drafts.of(port).config = undefined;
    for (const id of delta.removedKeys) {
      this.#removedKeys.add(id);
      this.#takeAway(id, drafts);
    }
    for (const port of delta.ports) drafts.of(port.port).config = port;
    for (const key of delta.keys) {
      if (this.#portOfKey.get(key.id) !== key.port) this.#takeAway(key.id, drafts);
      drafts.of(key.port).keys.set(key.id, key);
      this.#portOfKey.set(key.id, key.port);
    }
    this.#current = { revision, generation, ports: drafts.finish(), ...this.#gatewaySide(delta) };
  }

  #takeAway(id: string, drafts: PortDrafts): void {
    const port = this.#portOfKey.get(id);
    if (port === undefined) return;
    this.#portOfKey.delete(id);
    drafts.of(port).keys.set(id, undefined);
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
  /** Put under their ids; undefined is taken away. */
  readonly keys: Map<string, ConfigKey | undefined>;
}

type Ports = MemberConfiguration["ports"];

/** What messages say about ports, before it becomes ports: changes of those before, or the whole. */
class PortDrafts {
  readonly #before: Ports;
  readonly #meaning: "changes" | "whole";
  readonly #drafts = new Map<number, PortDraft>();

  constructor(before: Ports, meaning: "changes" | "whole") {
    this.#before = before;
    this.#meaning = meaning;
  }

  of(port: number): PortDraft {
    let draft = this.#drafts.get(port);
    if (!draft) {
      draft = { config: this.#meaning === "whole" ? undefined : this.#before.get(port)?.config, keys: new Map() };
      this.#drafts.set(port, draft);
    }
    return draft;
  }

  finish(): Ports {
    if (this.#meaning === "changes" && this.#drafts.size === 0) return this.#before;
    const ports = new Map(this.#meaning === "whole" ? [] : this.#before);
    for (const [port, { config, keys }] of this.#drafts) {
      const before = this.#before.get(port);
      const changes = sameWhereEqual(keys, before);
      if (this.#meaning === "whole") for (const id of before?.keys.keys() ?? []) if (!changes.has(id)) changes.set(id, undefined);
      const next = settle(port, config, (before?.keys ?? SharedMap.from<ConfigKey>()).with(changes), before);
      if (next.config === undefined && next.keys.size === 0) ports.delete(port);
      else ports.set(port, next);
    }
    return ports;
  }
}

/** With the key objects of before in the place of equal ones. */
function sameWhereEqual(keys: PortDraft["keys"], before: MemberPort | undefined): PortDraft["keys"] {
  for (const [id, key] of keys) {
    const known = before?.keys.get(id);
    if (known !== undefined && isDeepStrictEqual(known, key)) keys.set(id, known);
  }
  return keys;
}

/** The port before, when nothing changed. */
function settle(port: number, config: ConfigPort | undefined, keys: MemberPort["keys"], before: MemberPort | undefined): MemberPort {
  if (before && before.keys === keys && isDeepStrictEqual(config, before.config)) return before;
  return { port, config, keys };
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
