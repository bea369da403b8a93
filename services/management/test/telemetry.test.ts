import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { SqliteStore, type StoreServer } from "@shadowfleet/store";
import { eventually, findProgram, recordSpans, SecretFolder } from "@shadowfleet/testkit";
import { createFragileStore } from "./fragile-store.ts";
import { call, managementConfig, startManagement } from "./management-fixture.ts";
import { startRelayDouble } from "./relay-double.ts";

const SERVER: StoreServer = {
  node: "redis:6379",
  memoryBytes: 1_000,
  memoryLimitBytes: 2_000,
  clients: 3,
  commands: 40,
  keys: 5,
  uptimeSeconds: 60,
  isAofOk: true,
  replicas: 1,
};
const withoutOpenssl = findProgram("openssl") === undefined ? { skip: "openssl is not installed" } : {};

describe("metrics of management", () => {
  it("say how each of the store's servers is, by name, and nothing of those that do not answer", async () => {
    const fragile = createFragileStore();
    let servers = [SERVER, { ...SERVER, node: "other:6379", isAofOk: false }];
    fragile.inner.readServers = async () => servers;
    await using fleet = await startManagement({ store: fragile.store });
    const gauge = (name: Parameters<typeof fleet.metrics.observed>[0], node: string) =>
      fleet.metrics.observed(name, { "redis.node": node });
    await eventually("the first answer", () => gauge("fleet.redis.keys", "redis:6379") !== undefined);
    assert.deepEqual(
      [
        gauge("fleet.redis.memory.bytes", "redis:6379"),
        gauge("fleet.redis.memory.limit.bytes", "redis:6379"),
        gauge("fleet.redis.clients", "redis:6379"),
        gauge("fleet.redis.commands", "redis:6379"),
        gauge("fleet.redis.keys", "redis:6379"),
        gauge("fleet.redis.uptime.seconds", "redis:6379"),
        gauge("fleet.redis.aof.ok", "redis:6379"),
        gauge("fleet.redis.replicas", "redis:6379"),
        gauge("fleet.redis.aof.ok", "other:6379"),
      ],
      [1_000, 2_000, 3, 40, 5, 60, 1, 1, 0],
    );
    servers = [SERVER];
    await eventually("the other is gone", () => gauge("fleet.redis.aof.ok", "other:6379") === undefined);
    fragile.away = true;
    await eventually("nothing is known", () => gauge("fleet.redis.keys", "redis:6379") === undefined);
    fragile.away = false;
    await eventually("it is known again", () => gauge("fleet.redis.keys", "redis:6379") === 5);
  });

  it("have no Redis where there is none, and no certificate without TLS", async () => {
    await using fleet = await startManagement();
    assert.equal(fleet.metrics.observed("fleet.redis.keys"), undefined);
    assert.equal(fleet.metrics.observed("fleet.tls.certificate.not.after.seconds"), undefined);
  });

  it("say when the certificate in force ends", withoutOpenssl, async () => {
    using secrets = new SecretFolder();
    secrets.authority("ca");
    const ends = (name: string) => Date.parse(new X509Certificate(secrets.read(`${name}.crt`)).validTo) / 1000;
    const first = secrets.certificate("first", "ca");
    const second = { certFile: secrets.authority("second"), keyFile: first.keyFile.replace("first", "second") };
    await using fleet = await startManagement({ config: { grpc: { port: 0, tls: first } } });
    assert.equal(fleet.metrics.observed("fleet.tls.certificate.not.after.seconds"), ends("first"));
    assert.ok(Math.abs(ends("first") - Date.now() / 1000 - 2 * 86_400) < 60);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    secrets.authority("second");
    await fleet.app.reload(managementConfig({ grpc: { port: 0, tls: second } }));
    assert.equal(fleet.metrics.observed("fleet.tls.certificate.not.after.seconds"), ends("second"));
    assert.notEqual(ends("second"), ends("first"));
  });
});

describe("traces of management", () => {
  it("reach relays with what was written, the newest of many, and only where something was traced", async () => {
    const store = new SqliteStore({ path: ":memory:" });
    await using fleet = await startManagement({ store });
    using relay = await startRelayDouble(fleet.clients.config);
    const create = (id: string) => call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id }) });
    const traces = () => relay.messages.flatMap(({ traceparents }) => traceparents.map((traceparent) => traceparent.split("-")[1]));
    await create("untraced");
    await relay.until("the key", () => relay.keys.has("untraced"));
    assert.deepEqual(traces(), []);

    await using recorder = await recordSpans();
    await create("traced");
    await relay.until("the key", () => relay.keys.has("traced"));
    const calls = () => recorder.named("shadowfleet.v1.AccessKeyService/CreateAccessKey");
    await eventually("the span", () => calls().length === 1);
    assert.deepEqual(traces(), [calls()[0]?.traceId]);

    await Promise.all(Array.from({ length: 40 }, (_, n) => create(`many-${n}`)));
    await relay.until("the keys", () => relay.keys.size === 42);
    await eventually("the spans", () => calls().length === 41);
    const known = new Set(calls().map(({ traceId }) => traceId));
    assert.ok(traces().every((traceId) => known.has(traceId!)));
    assert.ok(relay.messages.every(({ traceparents }) => traceparents.length <= 16));
    assert.ok(new Set(traces()).size > 1);
    await store.close();
  });
});
