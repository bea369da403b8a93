import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { redactedConfigYaml } from "@shadowfleet/runtime";
import { openStore, SqliteStore, storeSchema } from "@shadowfleet/store";
import {
  eventually,
  freePort,
  isSignedWith,
  redisMissingReason,
  SecretFolder,
  startRedis,
  type WebhookCall,
  WebhookReceiver,
} from "@shadowfleet/testkit";
import { type ManagementFixture, managementConfig, startManagement } from "./management-fixture.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
const OTHER_SECRET = `whsec_${randomBytes(24).toString("base64")}`;

describe("a webhook", () => {
  let secrets: SecretFolder;
  let receiver: WebhookReceiver;
  let fleet: ManagementFixture;
  let store: SqliteStore;
  let hook: { readonly name: string; readonly url: string; readonly secretFile: string; readonly timeout: string };
  beforeEach(async () => {
    secrets = new SecretFolder();
    receiver = await WebhookReceiver.start();
    store = new SqliteStore({ path: ":memory:" });
    hook = { name: "billing", url: receiver.url, secretFile: secrets.file("hook", `${SECRET}\n`), timeout: "2s" };
    await append("before it was there");
    fleet = await start(hook);
  });
  afterEach(async () => {
    await fleet[Symbol.asyncDispose]();
    await store.close();
    await receiver[Symbol.asyncDispose]();
    secrets[Symbol.dispose]();
  });

  /** Resolves when the webhook has its place: events from then on are its. */
  async function start(...webhooks: readonly object[]): Promise<ManagementFixture> {
    const started = await startManagement({ store, config: { webhooks } });
    await eventually("its place", async () => (await store.readNotes("webhooks")).has("billing"));
    return started;
  }
  const append = (...subjects: readonly string[]) =>
    store.appendEvents(subjects.map((subject) => ({ type: "relay.left", subject, atMs: Date.now(), details: { kind: "tcp-relay" } })));
  const arrived = (what: string, ...subjects: readonly string[]) =>
    eventually(`${what}; arrived: ${receiver.subjects}`, () => receiver.subjects.join() === subjects.join());
  const counted = (outcome: string) => fleet.metrics.total("fleet.webhook.deliveries", { webhook: "billing", outcome });

  it("is sent what happens from then on, signed, in order", async () => {
    await append("a", "b");
    await append("c");
    await arrived("all", "a", "b", "c");
    const [first] = receiver.calls as [WebhookCall];
    const [, stored] = await store.readEvents("", 2);
    assert.deepEqual(first.body, {
      ...{ id: stored!.id, type: "relay.left", subject: "a", time: new Date(stored!.atMs).toISOString() },
      details: { kind: "tcp-relay" },
    });
    assert.equal(first.headers["webhook-id"], stored!.id);
    assert.equal(first.headers["content-type"], "application/json");
    assert.ok(Math.abs(Number(first.headers["webhook-timestamp"]) - Date.now() / 1_000) < 30);
    assert.ok(receiver.calls.every((call) => isSignedWith(SECRET, call)));
    assert.ok(!isSignedWith(OTHER_SECRET, first), "the check can fail");
    await eventually("the count", () => counted("OK") === 3);
    assert.equal(fleet.metrics.observed("fleet.webhook.lag.seconds", { webhook: "billing" }), 0);
  });

  it("is tried again until it takes an event, whatever fails, and later events wait", async () => {
    const failures = [500, 503, 429, 408];
    receiver.answer = (response) => void response.writeHead(failures.shift() ?? 200).end();
    await append("a", "b");
    await arrived("all", "a", "a", "a", "a", "a", "b");
    await eventually("the counts", () => counted("OK") === 2 && counted("WEBHOOK_FAILED") === 4);
    assert.ok(receiver.calls.every((call) => isSignedWith(SECRET, call)));
  });

  it("that hangs is given up at its timeout and tried again", async () => {
    await fleet.app.reload(managementConfig({ webhooks: [{ ...hook, timeout: "100ms" }] }));
    receiver.answer = () => {};
    await append("a");
    await eventually("a try that hangs", () => receiver.calls.length >= 1);
    await eventually("the lag shows", () => (fleet.metrics.observed("fleet.webhook.lag.seconds", { webhook: "billing" }) ?? 0) > 0.05);
    receiver.answer = (response) => void response.writeHead(200).end();
    await eventually("it is taken", () => counted("OK") === 1);
    assert.ok(counted("WEBHOOK_FAILED") >= 1);
  });

  it("that answers without end has taken the event, and is cut", async () => {
    let cut = 0;
    receiver.answer = (response) => {
      response.on("close", () => cut++);
      const more = (): void => void response.write(Buffer.alloc(16_384), (error) => error ?? setImmediate(more));
      response.writeHead(200);
      more();
    };
    await append("a", "b");
    await arrived("both", "a", "b");
    await eventually("both are cut", () => cut === 2);
    assert.equal(counted("OK"), 2);
  });

  it("that is away for a while misses nothing", async () => {
    const { port } = receiver;
    await append("a");
    await eventually("the first", () => counted("OK") === 1);
    await receiver.close();
    await append("b", "c");
    await eventually("failures", () => counted("WEBHOOK_FAILED") >= 3);
    receiver = await WebhookReceiver.start({ port });
    await arrived("the rest", "b", "c");
  });

  it("that refuses an event loses it after a dozen tries, or at once with 410; redirects are not followed", async () => {
    receiver.answer = (response, { body }) => {
      if (body.subject === "poison") response.writeHead(422).end();
      else if (body.subject === "moved") response.writeHead(307, { location: "/elsewhere" }).end();
      else response.writeHead(body.subject === "gone" ? 410 : 200).end();
    };
    await append("poison", "gone", "moved", "good");
    const twelve = (subject: string) => Array.from({ length: 12 }, () => subject);
    await arrived("the good one", ...twelve("poison"), "gone", ...twelve("moved"), "good");
    await eventually("the counts", () => counted("OK") === 1 && counted("WEBHOOK_SKIPPED") === 3 && counted("WEBHOOK_REFUSED") === 24);
    const skipped = fleet.log.lines.filter(({ code }) => code === "WEBHOOK_SKIPPED");
    assert.deepEqual(
      skipped.map(({ webhook, reason, tries }) => [webhook, reason, tries]),
      [
        ["billing", "status 422", 12],
        ["billing", "status 410", 1],
        ["billing", "status 307", 12],
      ],
    );
  });

  it("is sent only the types it wants, and goes on behind the others", async () => {
    await fleet.app.reload(managementConfig({ webhooks: [{ ...hook, types: ["key.*", "upstream.down"] }] }));
    await append("a relay");
    await store.appendEvents([
      { type: "upstream.down", subject: "u", atMs: 1, details: {} },
      { type: "upstream.up", subject: "u", atMs: 2, details: {} },
      { type: "key.cut", subject: "k", atMs: 3, details: {} },
    ]);
    await append("another relay");
    await arrived("what it wants", "u", "k");
    await eventually("its place", async () => (await store.readNotes("webhooks")).get("billing") === (await store.lastEventId()));
  });

  it("is changed by a reload: another secret, another place, and back where it was", async () => {
    await append("a");
    await eventually("the first", () => counted("OK") === 1);
    const both = secrets.file("both", `${OTHER_SECRET}\n${SECRET}\n`);
    await fleet.app.reload(managementConfig({ webhooks: [{ ...hook, secretFile: both }] }));
    await append("b");
    await arrived("both", "a", "b");
    assert.ok(isSignedWith(SECRET, receiver.calls[1]!) && isSignedWith(OTHER_SECRET, receiver.calls[1]!));
    await eventually("the count", () => counted("OK") === 2);
    await fleet.app.reload(managementConfig());
    await append("c");
    await fleet.app.reload(managementConfig({ webhooks: [hook] }));
    await arrived("what happened meanwhile", "a", "b", "c");
  });

  it("over TLS is trusted by its authority alone", async () => {
    const authority = secrets.authority("receivers");
    const { certFile, keyFile } = secrets.certificate("receiver", "receivers");
    const tls = { cert: secrets.read(certFile.split("/").at(-1)!), key: secrets.read(keyFile.split("/").at(-1)!) };
    await using encrypted = await WebhookReceiver.start({ tls });
    const change = (more: object) => fleet.app.reload(managementConfig({ webhooks: [{ ...hook, url: encrypted.url, ...more }] }));
    await change({});
    await append("a");
    await eventually("refusals", () => counted("WEBHOOK_FAILED") >= 2);
    assert.deepEqual(encrypted.calls, []);
    await change({ caFile: authority });
    await eventually("the delivery", () => encrypted.calls.length === 1);
    assert.ok(isSignedWith(SECRET, encrypted.calls[0]!));
  });

  it("goes on at another replica where one stopped", async () => {
    await append("a");
    await eventually("the first", () => counted("OK") === 1);
    await using other = await start(hook);
    await fleet.app.drain(100);
    await append("b", "c");
    await arrived("the rest, once", "a", "b", "c");
    await eventually("the count", () => other.metrics.total("fleet.webhook.deliveries", { outcome: "OK" }) === 2);
  });

  it("that nobody listens to takes its secret nowhere: logs, metrics, notes, the shown configuration", async () => {
    await receiver.close();
    await append("a");
    await eventually("failures", () => counted("WEBHOOK_FAILED") >= 2);
    const shown = redactedConfigYaml(managementConfig({ webhooks: [hook] }));
    const said = JSON.stringify([fleet.log.lines, await fleet.metrics.scrape(), [...(await store.readNotes("webhooks"))], shown]);
    const bare = SECRET.slice("whsec_".length);
    assert.ok(shown.includes("billing"));
    assert.ok(fleet.log.lines.some(({ webhook, reason }) => webhook === "billing" && reason === "ECONNREFUSED"));
    assert.ok(!said.includes(bare) && !said.includes(Buffer.from(bare, "base64").toString("hex")));
    assert.ok(!JSON.stringify(fleet.log.lines).includes("/hook"), "a path may be what lets one in");
  });
});

const reason = redisMissingReason();

describe("two replicas on a real Redis", reason === undefined ? {} : { skip: reason }, () => {
  it("deliver every event in order, over an outage of Redis", async () => {
    using secrets = new SecretFolder();
    await using receiver = await WebhookReceiver.start();
    await using redis = await startRedis({ dir: secrets.path, appendonly: true, port: await freePort() });
    const stores = [0, 1].map(() => openStore(storeSchema.parse({ type: "redis", url: redis.url })));
    const webhooks = [{ name: "billing", url: receiver.url, secretFile: secrets.file("hook", SECRET), types: ["key.*"] }];
    const replicas = await Promise.all(stores.map((store) => startManagement({ store, config: { webhooks } })));
    try {
      const [one, two] = stores as [(typeof stores)[0], (typeof stores)[0]];
      await eventually("its place", async () => (await one.readNotes("webhooks")).has("billing"), 10_000);
      const append = (store: typeof one, subject: string) =>
        store.appendEvents([{ type: "key.cut", subject, atMs: Date.now(), details: {} }]);
      for (let at = 0; at < 20; at++) await append(at % 2 ? one : two, `k${at}`);
      await eventually("the first twenty", () => receiver.calls.length === 20, 10_000);
      await redis.kill9();
      await redis.start();
      await eventually(
        "Redis",
        () =>
          append(one, "k20").then(
            () => true,
            () => false,
          ),
        10_000,
      );
      await eventually("what came after the outage", () => receiver.subjects.includes("k20"), 10_000);
      const firsts = [...new Set(receiver.subjects)];
      assert.deepEqual(
        firsts,
        Array.from({ length: 21 }, (_, at) => `k${at}`),
      );
      assert.equal(new Set(receiver.calls.map(({ body }) => body.id)).size, firsts.length);
    } finally {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
      for (const store of stores) await store.close();
    }
  });
});
