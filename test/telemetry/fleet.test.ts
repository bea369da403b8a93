import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import {
  eventually,
  type OtlpReceiver,
  type RedisServer,
  redisMissingReason,
  runCurl,
  startOtlpReceiver,
  startRedis,
  startTcpTarget,
  type TcpTarget,
  type TracedSpan,
} from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import { Fleet } from "../fleet/fleet.ts";
import { udpEchoThrough } from "../interop/exchanges.ts";

const reason = redisMissingReason();
const BODY = "hello from the page\n";
const KEY_SECRET = "planted-key-secret-77ab";
const REDIS_PASSWORD = "planted-redis-password-31cd";
const CREATE = "shadowfleet.v1.AccessKeyService/CreateAccessKey";
/** All that a proxied connection's span may say. No address of a client or target is among it. */
const CONNECTION_ATTRIBUTES = [
  "error.type",
  "fleet.key.id",
  "fleet.upstream.id",
  "network.transport",
  "server.port",
  "shadowsocks.bytes.down",
  "shadowsocks.bytes.up",
  "shadowsocks.outcome",
];

describe("the telemetry of a fleet of separate processes", reason === undefined ? {} : { skip: reason }, () => {
  const folder = mkdtempSync(join(tmpdir(), "shadowfleet-traces-"));
  let receiver: OtlpReceiver;
  let redis: RedisServer;
  let fleet: Fleet;
  let page: TcpTarget;

  before(async () => {
    // Inherited by the processes: what the receiver understands, and soon.
    Object.assign(process.env, { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json", OTEL_BSP_SCHEDULE_DELAY: "100" });
    receiver = await startOtlpReceiver();
    redis = await startRedis({ args: ["--requirepass", REDIS_PASSWORD] });
    page = await startTcpTarget((socket) => {
      socket.once("data", () => socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`));
    });
    const traced = { telemetry: { traces: { endpoint: receiver.endpoint, dataPlaneSampleRatio: 1 } } };
    fleet = await Fleet.start({
      store: { type: "redis", url: `redis://:${REDIS_PASSWORD}@127.0.0.1:${redis.port}` },
      ...{ managements: 2, tcpRelays: 1, udpRelays: 1, gateways: 1 },
      settings: { management: traced, "tcp-relay": traced, "udp-relay": traced, gateway: traced },
    });
  });
  after(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await page?.close();
    await redis?.stop();
    await receiver?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const serviceOf = ({ resource }: TracedSpan) => resource["service.name"];
  const spansOf = (service: string, name: string) => receiver.spans.filter((span) => serviceOf(span) === service && span.name === name);

  /** The spans in which both relays applied what a call wrote, once they are here. */
  async function appliedFor(call: TracedSpan): Promise<TracedSpan[]> {
    const applied = () => receiver.spans.filter(({ name, traceId }) => name === "apply configuration" && traceId === call.traceId);
    await eventually("the relays' spans", () => applied().length >= 2, 10_000);
    return applied();
  }

  it("shows a key made by one command from the call through Redis to the relays, and the log line of the call has the id", async () => {
    const secretFile = join(folder, "secret");
    writeFileSync(secretFile, KEY_SECRET);
    await fleet.cli("key", "create", "alice", "--secret-file", secretFile);
    await eventually("the call's span", () => spansOf("management", CREATE).length === 1, 10_000);
    const [call = assert.fail()] = spansOf("management", CREATE);
    assert.deepEqual([call.kind, call.parentSpanId, call.attributes["rpc.status_code"]], ["server", undefined, "OK"]);
    await eventually("the write's span", () => spansOf("management", "writeConfiguration").some(({ traceId }) => traceId === call.traceId));
    const write = spansOf("management", "writeConfiguration").find(({ traceId }) => traceId === call.traceId)!;
    assert.deepEqual([write.kind, write.parentSpanId, write.attributes["db.system.name"]], ["client", call.spanId, "redis"]);
    const applied = await appliedFor(call);
    assert.deepEqual(applied.map(serviceOf).toSorted(), ["tcp-relay", "udp-relay"]);
    for (const span of applied) {
      assert.equal(span.parentSpanId, call.spanId);
      assert.ok(span.startMs > call.startMs && span.startMs - call.startMs < 5_000);
    }
    const { lines } = fleet.managements[0]!.process.program;
    const served = lines.filter((line) => line.includes(CREATE)).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      served.map(({ msg, trace_id, span_id, trace_flags }) => [msg, trace_id, span_id, trace_flags]),
      [["call served", call.traceId, call.spanId, "01"]],
    );
    assert.ok(
      lines.some((line) => !line.includes("trace_id")),
      "lines outside of any span",
    );
  });

  it("crosses Redis: a write by one replica and the relays that hear of it from the other", async () => {
    const api = new Api(fleet.managements[1]!.port);
    const { accessKeys } = api.clients;
    await api.call(accessKeys, accessKeys.createAccessKey, { accessKey: AccessKey.fromPartial({ id: "bob" }), requestId: "" });
    api.close();
    await eventually("the call's span", () => spansOf("management", CREATE).length === 2, 10_000);
    const call = spansOf("management", CREATE)[1]!;
    const applied = await appliedFor(call);
    assert.equal(applied.length, 2);
    const writer = call.resource["service.instance.id"];
    const told = spansOf("management", "shadowfleet.v1.ConfigService/ReportStatus").map(({ resource }) => resource["service.instance.id"]);
    assert.ok(told.length > 0 && !told.includes(writer), "the relays talk to the other replica");
  });

  it("has both sides of a member's calls, each named by its own process", async () => {
    const name = "shadowfleet.v1.ConfigService/ReportStatus";
    await eventually(
      "calls of all members",
      () => ["gateway", "tcp-relay", "udp-relay"].every((service) => spansOf(service, name).length > 0),
      10_000,
    );
    for (const service of ["gateway", "tcp-relay", "udp-relay"]) {
      const [client = assert.fail()] = spansOf(service, name);
      await eventually(
        "the other side",
        () => spansOf("management", name).some(({ parentSpanId }) => parentSpanId === client.spanId),
        10_000,
      );
      const server = spansOf("management", name).find(({ parentSpanId }) => parentSpanId === client.spanId)!;
      assert.deepEqual([client.kind, server.kind, server.traceId], ["client", "server", client.traceId]);
      assert.equal(client.attributes["server.port"], fleet.managements[0]!.port);
      assert.equal(client.resource["service.namespace"], "shadowfleet");
      assert.match(String(client.resource["service.instance.id"]), /-\d+$/);
    }
  });

  it("has one span for each proxied connection on each side, with its bytes and without its ends", async () => {
    const { accessUri } = (await fleet.cli("key", "uri", "alice")) as { readonly accessUri: string };
    await fleet.cli("upstream", "add", accessUri.replace("@127.0.0.1:", `@${fleet.tcpRelays[0]!.host}:`));
    const gateway = fleet.gateways[0]!;
    await eventually("the upstream", async () => (await gateway.process.metrics()).includes("shadowsocks_upstream_fail_count{"), 10_000);
    const answer = await runCurl(["-x", `socks5h://127.0.0.1:${gateway.port}`, `http://127.0.0.1:${page.port}/`]);
    assert.equal(answer.stdout, BODY, answer.stderr);
    await udpEchoThrough(gateway);
    await eventually(
      "both TCP spans",
      () => ["gateway", "tcp-relay"].every((service) => spansOf(service, "proxy tcp").length === 1),
      10_000,
    );
    const [near = assert.fail()] = spansOf("gateway", "proxy tcp");
    const [far = assert.fail()] = spansOf("tcp-relay", "proxy tcp");
    for (const span of [near, far]) {
      const { "shadowsocks.outcome": outcome, "shadowsocks.bytes.down": down, "shadowsocks.bytes.up": up } = span.attributes;
      assert.equal(outcome, "OK");
      assert.ok(Number(down) > BODY.length && Number(up) > 0);
      assert.ok(span.endMs > span.startMs && Math.abs(span.endMs - Date.now()) < 60_000);
    }
    assert.deepEqual([far.attributes["fleet.key.id"], far.attributes["server.port"]], ["alice", fleet.relayPort]);
    assert.ok(near.attributes["fleet.upstream.id"]);
    // The relay keeps an association for minutes; a stop ends it, and what is left to send is sent before the process goes.
    await fleet.udpRelays[0]!.process.program.stop();
    await eventually(
      "the UDP spans",
      () => ["gateway", "udp-relay"].every((service) => spansOf(service, "proxy udp").length === 1),
      10_000,
    );
    const connections = receiver.spans.filter(({ name }) => name.startsWith("proxy "));
    for (const { attributes } of connections) {
      for (const [name, value] of Object.entries(attributes)) {
        assert.ok(CONNECTION_ATTRIBUTES.includes(name), name);
        // An upstream is named by its place unless somebody names it: that is the fleet's own, and no client or target.
        if (name !== "fleet.upstream.id") assert.ok(!String(value).includes("127.0.0."), `${name}: ${value}`);
        assert.notEqual(Number(value), page.port, name);
      }
    }
  });

  it("measures calls to management and to the store, and how Redis and each member's configuration are", async () => {
    const [management = assert.fail()] = fleet.managements;
    const members = [fleet.tcpRelays[0]!, fleet.gateways[0]!];
    for (const { name, process } of [management, ...members]) {
      const text = await process.metrics();
      assert.match(text, /^fleet_draining 0$/m, name);
      assert.match(text, /^db_client_operation_duration_seconds_count\{db_operation_name="[A-Za-z]+",error_type="OK"\} [1-9]/m, name);
    }
    for (const { name, process } of members) {
      const text = await process.metrics();
      const report =
        /^rpc_client_call_duration_seconds_count\{rpc_method="shadowfleet.v1.ConfigService\/ReportStatus",rpc_status_code="OK"\} [1-9]/m;
      assert.match(text, report, name);
      const [, age = "none"] = /^fleet_config_age_seconds ([\d.]+)$/m.exec(text) ?? [];
      assert.ok(Number(age) < 10, `${name}: ${age} s`);
      assert.doesNotMatch(text, /^fleet_redis_/m, name);
    }
    const node = `redis_node="127.0.0.1:${redis.port}"`;
    const text = await management.process.metrics();
    for (const series of ["memory_bytes", "clients", "commands_total", "keys", "uptime_seconds"])
      assert.match(text, new RegExp(`^fleet_redis_${series}\\{${node}\\} [1-9]`, "m"));
    for (const series of ["memory_limit_bytes", "aof_ok", "replicas"])
      assert.match(text, new RegExp(`^fleet_redis_${series}\\{${node}\\} 0$`, "m"));
    assert.doesNotMatch(text, /^fleet_config_age_seconds/m, "management has its configuration from nobody");
  });

  it("never holds a secret, nor does the log", () => {
    const logs = [...fleet.managements, ...fleet.tcpRelays, ...fleet.udpRelays, ...fleet.gateways].map(
      ({ process }) => process.program.output,
    );
    for (const secret of [KEY_SECRET, REDIS_PASSWORD]) {
      assert.ok(!receiver.text.includes(secret), "in a span");
      for (const log of logs) assert.ok(!log.includes(secret), "in a log");
    }
    assert.ok(receiver.text.length > 10_000, "there was something to look through");
  });
});
