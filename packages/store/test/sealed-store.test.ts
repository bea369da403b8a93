import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { eventually, type RedisServer, redisMissingReason, startRedis } from "@shadowfleet/testkit";
import { AesSealer, type FleetStore, plainSealer, RedisStore, type SecretSealer, SqliteStore } from "../src/index.ts";
import { keyRecord, listen, portRecord, rejectsAsUnavailable, request, upstreamRecord } from "./conformance/harness.ts";

const SECRETS = ["S3cret-of-key", "S3cret-before", "S3cret-of-port", "S3cret-of-upstream", "S3cret-in-response", "S3cret-deleted"];
const [OF_KEY, BEFORE, OF_PORT, OF_UPSTREAM, IN_RESPONSE, DELETED] = SECRETS as [string, string, string, string, string, string];

/** Puts every secret where a store may keep one: records, replaced and deleted records, the feed, responses. */
async function fill(store: FleetStore): Promise<void> {
  const previousSecret = { secret: BEFORE, expiresAtMs: 1 };
  await store.write(request({ puts: [{ kind: "key", record: keyRecord("gone", { secret: DELETED }) }] }));
  await store.write(
    request({
      puts: [
        { kind: "key", record: keyRecord("a", { secret: OF_KEY, previousSecret }) },
        { kind: "port", record: { ...portRecord(1), identityKey: OF_PORT } },
        { kind: "upstream", record: { ...upstreamRecord("u"), secret: OF_UPSTREAM } },
      ],
      deletes: [{ kind: "key", id: "gone" }],
      requestId: "r",
      response: `{"uri":"ss://${IN_RESPONSE}@"}`,
    }),
  );
}

async function readsBack(store: FleetStore): Promise<void> {
  const { keys, ports, upstreams } = await store.readState();
  assert.deepEqual([keys.get("a")?.record.secret, keys.get("a")?.record.previousSecret?.secret], [OF_KEY, BEFORE]);
  assert.deepEqual([ports.get(1)?.record.identityKey, upstreams.get("u")?.record.secret], [OF_PORT, OF_UPSTREAM]);
  assert.deepEqual(await store.write(request({ requestId: "r" })), { outcome: "repeated", response: `{"uri":"ss://${IN_RESPONSE}@"}` });
}

const foundIn = (dump: string) => SECRETS.filter((secret) => dump.includes(secret));

async function sqliteDump(dir: string): Promise<string> {
  const files = await readdir(dir);
  return (await Promise.all(files.map((file) => readFile(join(dir, file), "latin1")))).join("");
}

/** Every value of every key, as redis-cli prints it and as DUMP writes it. */
async function redisDump(server: RedisServer): Promise<string> {
  const names = (await server.cli("--scan")).split("\n");
  const read: Readonly<Record<string, string[]>> = {
    hash: ["HGETALL"],
    string: ["GET"],
    zset: ["ZRANGE", "0", "-1"],
    stream: ["XRANGE", "-", "+"],
  };
  const parts: string[] = [];
  for (const name of names) {
    const [command = "", ...rest] = read[await server.cli("TYPE", name)] ?? [];
    parts.push(name, await server.cli(command, name, ...rest), await server.cli("DUMP", name));
  }
  return parts.join("\n");
}

async function openSqlite(t: TestContext, sealer: SecretSealer): Promise<{ store: FleetStore; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), "sealed-"));
  const store = new SqliteStore({ path: join(dir, "fleet.db"), sealer });
  t.after(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  return { store, dir };
}

it("the bytes of a SQLite file hold no secret when sealed", async (t) => {
  const { store, dir } = await openSqlite(t, new AesSealer("k".repeat(32)));
  await fill(store);
  await readsBack(store);
  assert.deepEqual(foundIn(await sqliteDump(dir)), []);
  await store.close();
  assert.deepEqual(foundIn(await sqliteDump(dir)), []);
});

it("they do when not: the check above can fail", async (t) => {
  const { store, dir } = await openSqlite(t, plainSealer);
  await fill(store);
  assert.deepEqual(foundIn(await sqliteDump(dir)), SECRETS);
});

it("a dump of Redis holds no secret when sealed, and readers without the key are told", {
  skip: redisMissingReason() ?? false,
}, async (t) => {
  const server = await startRedis({ appendonly: true });
  const sealer = new AesSealer("k".repeat(32));
  const open = (options: { sealer?: SecretSealer }) => new RedisStore({ hosts: [server], ...options });
  const stores = [open({ sealer }), open({ sealer }), open({})] as const;
  const [store, other, keyless] = stores;
  t.after(async () => {
    await Promise.all(stores.map((each) => each.close()));
    await server.stop();
  });
  const listener = await listen(t, other);
  const deaf = await listen(t, keyless);
  await fill(store);
  await readsBack(other);
  await listener.until("the key, opened", (events) =>
    events.some(
      (event) =>
        event.type === "changes" && event.changes.some(({ kind, put }) => kind === "upstream" && put?.record.secret === OF_UPSTREAM),
    ),
  );
  assert.deepEqual(foundIn(await redisDump(server)), []);
  await rejectsAsUnavailable("reading without the key", () => keyless.readState());
  // Its feed goes on all the same: what it cannot open becomes a reset.
  await deaf.until("a reset", (events) => events.some(({ type }) => type === "reset"));
  await store.addFailure("u");
  await deaf.until("what is not sealed", (events) => events.some(({ type }) => type === "fail-count"));
  assert.deepEqual(foundIn(await sqliteDump(join(server.dir, "appendonlydir"))), []);
});

it("a dump of Redis holds what is there when not sealed, but nothing replaced or deleted", {
  skip: redisMissingReason() ?? false,
}, async (t) => {
  const server = await startRedis();
  const store = new RedisStore({ hosts: [server] });
  t.after(async () => {
    await store.close();
    await server.stop();
  });
  await eventually("an answer", () => store.ping().then(() => true));
  await fill(store);
  assert.deepEqual(foundIn(await redisDump(server)), [OF_KEY, BEFORE, OF_PORT, OF_UPSTREAM, IN_RESPONSE]);
});
