import type { FleetEvent, StoredEvent } from "../fleet-event.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisClient } from "./redis-client.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** Events of one script. */
const MAX_EVENTS = 1_000;
const STREAM_ID = /^\d{1,20}-\d{1,20}$/;

type Entry = readonly [id: string, fields: readonly string[]];

/** Events with a name have a key of it each; then 1 or 0 for a name, and JSON, of each event. */
export function eventArguments(events: readonly FleetEvent[], keys: RedisKeys): { onceKeys: string[]; fields: (string | number)[] } {
  return {
    onceKeys: events.flatMap(({ once }) => (once === undefined ? [] : [keys.once(once)])),
    fields: events.flatMap((event) => [event.once === undefined ? 0 : 1, JSON.stringify(event)]),
  };
}

/** The stream of events, turns and notes. */
export class RedisEvents {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async append(events: readonly FleetEvent[]): Promise<void> {
    for (let at = 0; at < events.length; at += MAX_EVENTS) {
      const { onceKeys, fields } = eventArguments(events.slice(at, at + MAX_EVENTS), this.#keys);
      await this.#connection.scriptOnce("appendEvents", [this.#keys.events, ...onceKeys], fields);
    }
  }

  async read(afterId: string, limit: number): Promise<StoredEvent[]> {
    const { events } = this.#keys;
    const range = (client: RedisClient, from: string) => client.xrange(events, from, "+", "COUNT", limit) as Promise<Entry[]>;
    const entries = await this.#connection.run("XRANGE", async (client) => {
      if (!STREAM_ID.test(afterId)) return range(client, "-");
      const [kept, next] = await Promise.all([client.xrange(events, afterId, afterId), range(client, `(${afterId}`)]);
      return kept.length > 0 ? next : range(client, "-");
    });
    return entries.map(([id, [, body = "{}"]]) => ({ ...(JSON.parse(body) as FleetEvent), id }));
  }

  async lastId(): Promise<string> {
    const [last] = await this.#connection.run("XREVRANGE", (client) => client.xrevrange(this.#keys.events, "+", "-", "COUNT", 1));
    return last?.[0] ?? "";
  }

  async takeTurn(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#connection.script("takeTurn", [this.#keys.turn(name)], holder, ttlMs)) === 1;
  }

  async readNotes(scope: string): Promise<Map<string, string>> {
    return new Map(Object.entries(await this.#connection.run("HGETALL", (client) => client.hgetall(this.#keys.notes(scope)))));
  }

  async writeNotes(scope: string, notes: ReadonlyMap<string, string | undefined>): Promise<void> {
    const kept = [...notes].filter(([, note]) => note !== undefined) as [string, string][];
    const gone = [...notes].flatMap(([name, note]) => (note === undefined ? [name] : []));
    await this.#connection.script("writeNotes", [this.#keys.notes(scope)], kept.length, kept.flat(), gone);
  }
}
