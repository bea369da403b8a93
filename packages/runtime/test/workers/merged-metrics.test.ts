import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MergedMetrics } from "../../src/workers/merged-metrics.ts";

const family = (name: string, type: string, ...samples: string[]): string =>
  [`# HELP ${name} What it says`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`), ""].join("\n");

function valuesOf(text: string, name: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.slice(name.length).split(" ") as [string, string]));
}

describe("metrics of a group", () => {
  it("counters, histograms and plain gauges add up, series by series", () => {
    const merged = new MergedMetrics();
    const texts = [1, 2].map((n) =>
      [
        family("shadowsocks_connections_total", "counter", `{outcome="OK"} ${n}`, `{outcome="AUTH_FAILED"} ${10 * n}`),
        family("shadowsocks_connections_active", "gauge", `{network_transport="tcp"} ${n}`),
        "# TYPE shadowsocks_dial_duration_seconds histogram",
        `shadowsocks_dial_duration_seconds_bucket{le="+Inf"} ${n}`,
        `shadowsocks_dial_duration_seconds_sum ${n / 2}`,
      ].join("\n"),
    );
    merged.take(1, texts[0]!);
    merged.take(2, texts[1]!);
    const text = merged.text(family("shadowsocks_connections_total", "counter", '{outcome="OK"} 0'));
    assert.deepEqual(valuesOf(text, "shadowsocks_connections_total"), { '{outcome="OK"}': "3", '{outcome="AUTH_FAILED"}': "30" });
    assert.deepEqual(valuesOf(text, "shadowsocks_connections_active"), { '{network_transport="tcp"}': "3" });
    assert.deepEqual(valuesOf(text, "shadowsocks_dial_duration_seconds_bucket"), { '{le="+Inf"}': "3" });
    assert.deepEqual(valuesOf(text, "shadowsocks_dial_duration_seconds_sum"), { "": "1.5" });
    assert.equal(text.match(/# TYPE shadowsocks_connections_total/g)?.length, 1, "each family once");
  });

  it("what every process says about the same thing is said once: the least, the most, or the first process's", () => {
    const merged = new MergedMetrics();
    for (const n of [1, 2]) {
      merged.take(
        n,
        family("fleet_ports_bound", "gauge", ` ${n}`) +
          family("fleet_keys_active", "gauge", ` ${n}`) +
          family("fleet_build_info", "gauge", '{version="1"} 1') +
          family("nodejs_eventloop_utilization", "gauge", ` 0.${n}`) +
          family("target_info", "gauge", `{service_instance_id="worker-${n}"} 1`),
      );
    }
    const text = merged.text(
      family("fleet_build_info", "gauge", '{version="1"} 1') + family("target_info", "gauge", '{service_instance_id="first"} 1'),
    );
    assert.deepEqual(valuesOf(text, "fleet_ports_bound"), { "": "1" });
    assert.deepEqual(valuesOf(text, "fleet_keys_active"), { "": "2" });
    assert.deepEqual(valuesOf(text, "fleet_build_info"), { '{version="1"}': "1" });
    assert.deepEqual(valuesOf(text, "nodejs_eventloop_utilization"), { "": "0.2" });
    assert.deepEqual(valuesOf(text, "target_info"), { '{service_instance_id="first"}': "1" });
  });

  it("counters of a worker that ended stay in the sum, its gauges do not", () => {
    const merged = new MergedMetrics();
    const said = (counted: number, open: number): string =>
      family("shadowsocks_connections_total", "counter", ` ${counted}`) + family("shadowsocks_connections_active", "gauge", ` ${open}`);
    merged.take(1, said(5, 3));
    merged.retire(1);
    merged.take(1, said(2, 1));
    const text = merged.text("");
    assert.deepEqual(valuesOf(text, "shadowsocks_connections_total"), { "": "7" });
    assert.deepEqual(valuesOf(text, "shadowsocks_connections_active"), { "": "1" });
    merged.retire(1);
    assert.deepEqual(valuesOf(merged.text(""), "shadowsocks_connections_total"), { "": "7" }, "ended twice, counted once each");
  });

  it("infinities keep Prometheus' form", () => {
    const merged = new MergedMetrics();
    merged.take(1, family("process_max_fds", "gauge", " +Inf"));
    assert.deepEqual(valuesOf(merged.text(""), "process_max_fds"), { "": "+Inf" });
    assert.deepEqual(valuesOf(merged.text(family("process_max_fds", "gauge", " 1024")), "process_max_fds"), { "": "1024" });
  });
});
