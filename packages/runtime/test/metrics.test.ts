import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type CounterName,
  createMetrics,
  type HistogramName,
  METRICS,
  type MetricName,
  type Metrics,
  metricsReference,
  type ObservedName,
  RUNTIME_METRICS,
  seriesName,
  seriesType,
} from "../src/index.ts";

/** What dashboards and rules are written against, spelled out once more. */
const SERIES: Record<MetricName, string> = {
  "shadowsocks.connections": "shadowsocks_connections_total",
  "shadowsocks.connections.active": "shadowsocks_connections_active",
  "shadowsocks.connection.duration.seconds": "shadowsocks_connection_duration_seconds",
  "shadowsocks.relay.bytes": "shadowsocks_relay_bytes_total",
  "shadowsocks.udp.packets": "shadowsocks_udp_packets_total",
  "shadowsocks.udp.sessions.active": "shadowsocks_udp_sessions_active",
  "shadowsocks.handshake.failures": "shadowsocks_handshake_failures_total",
  "shadowsocks.handshake.duration.seconds": "shadowsocks_handshake_duration_seconds",
  "shadowsocks.strangers.active": "shadowsocks_strangers_active",
  "shadowsocks.strangers.displaced": "shadowsocks_strangers_displaced_total",
  "shadowsocks.replay.filter.entries": "shadowsocks_replay_filter_entries",
  "shadowsocks.replay.shared.claims": "shadowsocks_replay_shared_claims_total",
  "shadowsocks.dial.duration.seconds": "shadowsocks_dial_duration_seconds",
  "shadowsocks.listener.pauses": "shadowsocks_listener_pauses_total",
  "shadowsocks.upstream.picks": "shadowsocks_upstream_picks_total",
  "shadowsocks.upstream.fail.count": "shadowsocks_upstream_fail_count",
  "fleet.ports.bound": "fleet_ports_bound",
  "fleet.ports.failed": "fleet_ports_failed",
  "fleet.keys.active": "fleet_keys_active",
  "fleet.config.reloads": "fleet_config_reloads_total",
  "fleet.config.revision": "fleet_config_revision",
  "fleet.config.watchers": "fleet_config_watchers",
  "fleet.config.conflicts": "fleet_config_conflicts",
  "fleet.management.connected": "fleet_management_connected",
  "fleet.management.disconnects": "fleet_management_disconnects_total",
  "fleet.traffic.flushes": "fleet_traffic_flushes_total",
  "fleet.traffic.unflushed.bytes": "fleet_traffic_unflushed_bytes",
  "fleet.limits.keys": "fleet_limits_keys",
  "fleet.limits.leased.bytes": "fleet_limits_leased_bytes",
  "fleet.limits.exchanges": "fleet_limits_exchanges_total",
  "fleet.limits.claims": "fleet_limits_claims_total",
  "fleet.limits.refusals": "fleet_limits_refusals_total",
  "fleet.limits.pauses": "fleet_limits_pauses_total",
  "fleet.limits.unchecked": "fleet_limits_unchecked",
  "fleet.limits.unchecked.bytes": "fleet_limits_unchecked_bytes_total",
  "fleet.store.available": "fleet_store_available",
  "fleet.webhook.deliveries": "fleet_webhook_deliveries_total",
  "fleet.webhook.lag.seconds": "fleet_webhook_lag_seconds",
  "fleet.members": "fleet_members",
  "rpc.server.call.duration.seconds": "rpc_server_call_duration_seconds",
  "http.server.requests": "http_server_requests_total",
  "http.server.limits.broken": "http_server_limits_broken_total",
  "rpc.server.limits.broken": "rpc_server_limits_broken_total",
  "rpc.client.call.duration.seconds": "rpc_client_call_duration_seconds",
  "db.client.operation.duration.seconds": "db_client_operation_duration_seconds",
  "fleet.config.age.seconds": "fleet_config_age_seconds",
  "fleet.draining": "fleet_draining",
  "fleet.tls.certificate.not.after.seconds": "fleet_tls_certificate_not_after_seconds",
  "fleet.redis.memory.bytes": "fleet_redis_memory_bytes",
  "fleet.redis.memory.limit.bytes": "fleet_redis_memory_limit_bytes",
  "fleet.redis.clients": "fleet_redis_clients",
  "fleet.redis.commands": "fleet_redis_commands_total",
  "fleet.redis.keys": "fleet_redis_keys",
  "fleet.redis.uptime.seconds": "fleet_redis_uptime_seconds",
  "fleet.redis.aof.ok": "fleet_redis_aof_ok",
  "fleet.redis.replicas": "fleet_redis_replicas",
  "fleet.workers": "fleet_workers",
  "fleet.plugin.exits": "fleet_plugin_exits_total",
  "fleet.worker.exits": "fleet_worker_exits_total",
  "fleet.clock.seconds": "fleet_clock_seconds",
  "fleet.aead.backend": "fleet_aead_backend",
  "fleet.build.info": "fleet_build_info",
  "process.cpu.seconds": "process_cpu_seconds_total",
  "process.resident.memory.bytes": "process_resident_memory_bytes",
  "process.open.fds": "process_open_fds",
  "process.max.fds": "process_max_fds",
  "process.start.time.seconds": "process_start_time_seconds",
};

const names = Object.keys(METRICS) as MetricName[];
const open: Metrics[] = [];
after(() => Promise.all(open.map((metrics) => metrics.shutdown())));

function create(onReadError?: (error: unknown) => void): Metrics {
  const metrics = createMetrics({
    serviceName: "tcp-relay",
    version: "0.1.0",
    instanceId: "relay-0",
    ...(onReadError ? { onReadError } : {}),
  });
  open.push(metrics);
  return metrics;
}

/** Series with their labels, as written, to their values. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.scrape()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

function useEverything(metrics: Metrics): void {
  for (const name of names) {
    const { kind, attributes } = METRICS[name];
    const set = Object.fromEntries(attributes.map((attribute: string) => [attribute, "x"]));
    if (kind === "counter") metrics.add(name as CounterName, 1, set);
    else if (kind === "histogram") metrics.record(name as HistogramName, 1, set);
    else metrics.observe(name as ObservedName, () => [{ value: 1, attributes: set }]);
  }
}

describe("scrape", () => {
  it("has exactly the registered names and Node.js's own, with help and type", async () => {
    const metrics = create();
    useEverything(metrics);
    setFlagsFromString("--expose-gc");
    (runInNewContext("gc") as () => void)();
    await sleep(250); // five samples of the event loop
    const text = await metrics.scrape();
    const expected = new Map<string, { type: string; help?: string }>([["target_info", { type: "gauge" }]]);
    for (const name of names) expected.set(SERIES[name], { type: seriesType(name), help: METRICS[name].description });
    for (const { series, type } of RUNTIME_METRICS) expected.set(series, { type });
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, series, type]) => [series!, type!] as const);
    assert.deepEqual(types.map(([series]) => series).sort(), [...expected.keys()].sort());
    for (const [series, type] of types) assert.equal(type, expected.get(series)!.type, series);
    const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, series, help]) => [series!, help!]));
    for (const [series, { help }] of expected) if (help) assert.equal(helps.get(series), help);
    assert.ok(!text.includes("description missing"));
    assert.ok(!text.includes("otel_scope"));
    assert.match(
      text,
      /^target_info\{service_name="tcp-relay",service_namespace="shadowfleet",service_instance_id="relay-0",service_version="0.1.0"\} 1$/m,
    );
  });

  it("names every metric as the registry's helpers say", () => {
    for (const name of names) assert.equal(seriesName(name), SERIES[name]);
  });

  it("has labels in Prometheus form and buckets as registered", async () => {
    const metrics = create();
    metrics.add("shadowsocks.connections", 2, { "network.transport": "tcp", outcome: "OK" });
    metrics.record("shadowsocks.handshake.duration.seconds", 0.02);
    const series = await scrape(metrics);
    assert.equal(series.get('shadowsocks_connections_total{network_transport="tcp",outcome="OK"}'), 2);
    assert.equal(series.get("shadowsocks_handshake_duration_seconds_count"), 1);
    assert.equal(series.get("shadowsocks_handshake_duration_seconds_sum"), 0.02);
    const buckets = [...series].filter(([name]) => name.startsWith("shadowsocks_handshake_duration_seconds_bucket"));
    const bounds = METRICS["shadowsocks.handshake.duration.seconds"].buckets!;
    assert.deepEqual(
      buckets,
      [...bounds, "+Inf"].map((le) => [`shadowsocks_handshake_duration_seconds_bucket{le="${le}"}`, Number(le) < 0.02 ? 0 : 1]),
    );
  });

  it("starts counters at 0 where the labels are known", async () => {
    const series = await scrape(create());
    for (const name of [
      'shadowsocks_connections_total{network_transport="tcp",outcome="OK"}',
      'shadowsocks_relay_bytes_total{network_transport="udp",network_io_direction="down"}',
      'shadowsocks_udp_packets_total{network_io_direction="up",outcome="OK"}',
      'shadowsocks_handshake_failures_total{error_type="REPLAYED"}',
      "shadowsocks_listener_pauses_total",
      'fleet_config_reloads_total{outcome="CONFIG_INVALID"}',
    ]) {
      assert.equal(series.get(name), 0, name);
    }
  });

  it("says what runs and how the process is", async () => {
    const series = await scrape(create());
    assert.equal(series.get('fleet_build_info{version="0.1.0"}'), 1);
    assert.ok(series.get("process_cpu_seconds_total")! > 0);
    assert.ok(series.get("process_resident_memory_bytes")! > 10e6);
    assert.ok(Math.abs(series.get("process_start_time_seconds")! - (Date.now() / 1000 - process.uptime())) < 5);
    if (process.platform === "linux") assert.ok(series.get("process_open_fds")! < series.get("process_max_fds")!);
  });

  it("gives concurrent scrapes the same whole text", async () => {
    const metrics = create();
    metrics.observe("fleet.keys.active", () => [{ value: 3 }]);
    const texts = await Promise.all([metrics.scrape(), metrics.scrape(), metrics.scrape()]);
    assert.match(texts[0]!, /^fleet_keys_active 3$/m);
    assert.equal(texts[1], texts[0]);
    assert.equal(texts[2], texts[0]);
  });
});

describe("observe", () => {
  const up = { "network.transport": "tcp", "network.io.direction": "up" };
  const UP = 'shadowsocks_relay_bytes_total{network_transport="tcp",network_io_direction="up"}';

  it("reads at scrape time and sums readers by attribute set, whatever the order of attributes", async () => {
    const metrics = create();
    const port = { bytes: 5 };
    metrics.observe("shadowsocks.relay.bytes", () => [{ value: port.bytes, attributes: up }]);
    metrics.observe("shadowsocks.relay.bytes", () => [
      { value: 100, attributes: { "network.io.direction": "up", "network.transport": "tcp" } },
    ]);
    assert.equal((await scrape(metrics)).get(UP), 105);
    port.bytes = 1e15;
    assert.equal((await scrape(metrics)).get(UP), 1e15 + 100);
  });

  it("never lets a counter run backwards when a reader goes away", async () => {
    const metrics = create();
    const remove = metrics.observe("shadowsocks.relay.bytes", () => [{ value: 40, attributes: up }]);
    metrics.observe("shadowsocks.relay.bytes", () => [{ value: 2, attributes: up }]);
    assert.equal((await scrape(metrics)).get(UP), 42);
    remove();
    remove();
    assert.equal((await scrape(metrics)).get(UP), 42);
    metrics.observe("shadowsocks.relay.bytes", () => [{ value: 8, attributes: up }]);
    assert.equal((await scrape(metrics)).get(UP), 50);
  });

  it("forgets a gauge whose reader went away or stopped reporting it", async () => {
    const metrics = create();
    const upstreams = new Map([
      ["a", 3],
      ["b", 0],
    ]);
    metrics.observe("shadowsocks.upstream.fail.count", () =>
      Array.from(upstreams, ([upstream, value]) => ({ value, attributes: { upstream } })),
    );
    const remove = metrics.observe("fleet.ports.bound", () => [{ value: 2 }]);
    const before = await scrape(metrics);
    assert.equal(before.get('shadowsocks_upstream_fail_count{upstream="a"}'), 3);
    assert.equal(before.get("fleet_ports_bound"), 2);
    upstreams.delete("a");
    remove();
    const later = await scrape(metrics);
    assert.equal(later.get('shadowsocks_upstream_fail_count{upstream="a"}'), undefined);
    assert.equal(later.get('shadowsocks_upstream_fail_count{upstream="b"}'), 0);
    assert.equal(later.get("fleet_ports_bound"), undefined);
  });

  it("reports a failing reader and goes on with its last reading and all others", async () => {
    const errors: unknown[] = [];
    const metrics = create((error) => errors.push(error));
    const boom = new Error("boom");
    let broken = false;
    metrics.observe("shadowsocks.relay.bytes", () => {
      if (broken) throw boom;
      return [{ value: 7, attributes: up }];
    });
    metrics.observe("shadowsocks.relay.bytes", () => [{ value: 1, attributes: up }]);
    assert.equal((await scrape(metrics)).get(UP), 8);
    broken = true;
    assert.equal((await scrape(metrics)).get(UP), 8);
    assert.deepEqual(errors, [boom]);
  });

  it("reports attributes that are not registered and keeps them out", async () => {
    const errors: unknown[] = [];
    const metrics = create((error) => errors.push(error));
    metrics.observe("fleet.keys.active", () => [{ value: 1, attributes: { client: "192.0.2.1" } }]);
    assert.ok(!(await metrics.scrape()).includes("192.0.2.1"));
    assert.match(String(errors[0]), /fleet\.keys\.active has no attribute "client" \(registered: none\)/);
  });
});

describe("add and record", () => {
  it("refuse attributes that are not registered", () => {
    const metrics = create();
    assert.throws(() => metrics.add("shadowsocks.connections", 1, { "client.address": "192.0.2.1" }), {
      message: 'metric shadowsocks.connections has no attribute "client.address" (registered: network.transport, outcome)',
    });
    assert.throws(() => metrics.record("shadowsocks.handshake.duration.seconds", 1, { outcome: "OK" }), TypeError);
  });

  it("keep as many series as the SDK does, and the rest in one", async () => {
    const metrics = create();
    for (let upstream = 0; upstream < 2500; upstream++)
      metrics.add("shadowsocks.upstream.picks", 1, { upstream: String(upstream), result: "OK" });
    const picks = [...(await scrape(metrics))].filter(([name]) => name.startsWith("shadowsocks_upstream_picks"));
    assert.equal(picks.length, 2000);
    assert.deepEqual(picks.at(-1), ['shadowsocks_upstream_picks_total{otel_metric_overflow="true"}', 501]);
  });
});

describe("bound series", () => {
  it("are those of the same attributes, in any order, and there from their first event on", async () => {
    const metrics = create();
    const ended = metrics.counter("shadowsocks.connections", { outcome: "DIAL_REFUSED", "network.transport": "tcp" });
    const dials = metrics.histogram("shadowsocks.dial.duration.seconds", { "error.type": "OK" });
    const before = await metrics.scrape();
    assert.ok(!before.includes("DIAL_REFUSED") && !before.includes("shadowsocks_dial_duration"));
    ended.add(2);
    metrics.add("shadowsocks.connections", 3, { "network.transport": "tcp", outcome: "DIAL_REFUSED" });
    metrics.counter("shadowsocks.connections", { "network.transport": "tcp", outcome: "DIAL_REFUSED" }).add(4);
    dials.record(0.001);
    dials.record(100);
    dials.record(Number.NaN);
    metrics.record("shadowsocks.dial.duration.seconds", 0.03, { "error.type": "OK" });
    const series = await scrape(metrics);
    assert.equal(series.get('shadowsocks_connections_total{outcome="DIAL_REFUSED",network_transport="tcp"}'), 9);
    assert.equal(series.get('shadowsocks_dial_duration_seconds_sum{error_type="OK"}'), 100.031);
    const bucket = (le: string) => series.get(`shadowsocks_dial_duration_seconds_bucket{error_type="OK",le="${le}"}`);
    assert.deepEqual(["0.001", "0.025", "0.05", "10", "+Inf"].map(bucket), [1, 1, 2, 2, 3]);
  });

  it("refuse attributes that are not registered", () => {
    const metrics = create();
    assert.throws(() => metrics.counter("shadowsocks.connections", { "client.address": "192.0.2.1" }), TypeError);
    assert.throws(() => metrics.histogram("shadowsocks.handshake.duration.seconds", { outcome: "OK" }), TypeError);
  });
});

describe("metricsReference", () => {
  it("has a row for every series with type, unit, labels and meaning, and the bounds of every histogram", () => {
    const text = metricsReference();
    for (const name of names) {
      const { unit, description, attributes } = METRICS[name];
      const row = text.split("\n").find((line) => line.startsWith(`| \`${SERIES[name]}\` | ${seriesType(name)} |`));
      assert.ok(row, name);
      assert.ok(row.includes(`| ${unit} |`) && row.endsWith(`| ${description} |`), row);
      for (const attribute of attributes) assert.ok(row.includes(`\`${(attribute as string).replaceAll(".", "_")}\``), row);
    }
    for (const { series, description } of RUNTIME_METRICS)
      assert.ok(text.includes(`| \`${series}\` |`) && text.includes(description), series);
    assert.ok(text.includes("| `shadowsocks_connection_duration_seconds` | 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600 |"));
  });

  it("registers only counters, gauges and histograms Prometheus's naming rules allow", () => {
    for (const series of Object.values(SERIES)) assert.match(series, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    for (const name of names)
      assert.equal(METRICS[name].unit === "s", /seconds/.test(SERIES[name]), `${name}: the unit word is in the name`);
    for (const name of names)
      assert.equal(METRICS[name].unit === "By", /bytes/.test(SERIES[name]), `${name}: the unit word is in the name`);
  });
});
