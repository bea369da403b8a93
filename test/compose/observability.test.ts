import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { curlMissingReason, engineMissingReason, eventually, runCurl } from "@shadowfleet/testkit";
import { ComposeProject } from "./compose-project.ts";

const reason = engineMissingReason({ compose: true }) ?? curlMissingReason();
const SERVICES = ["gateway", "tcp-relay", "udp-relay", "management-1", "management-2"];
/** Prometheus scrapes and evaluates every 15 s, a service sends its spans every few seconds. */
const SEEN_WITHIN_MS = 90_000;
const PAGE_BYTES = 200_000;

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: { readonly job: string; readonly instance: string; readonly namespace?: string };
}

interface RuleGroup {
  readonly name: string;
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Everything but Grafana, of which there is no stand-in; the collector is one that writes down what it gets. */
describe("compose with observability", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let project: ComposeProject;

  before(async () => {
    project = await ComposeProject.create("compose.yaml", "compose.observability.yaml", "compose.test.yaml");
    project.addFile(standInCollector());
    await project.compose("up", "--wait", ...SERVICES, "prometheus", "otel-collector", "target");
    const page = `http://target.egress:8000/${PAGE_BYTES}`;
    const { exitCode, stderr } = await runCurl(["-m", "20", "-o", "/dev/null", "-x", `socks5h://127.0.0.1:${project.gatewayPort}`, page]);
    assert.equal(exitCode, 0, stderr);
  });
  after(() => project?.[Symbol.asyncDispose]());

  async function ask<Data>(path: string): Promise<Data> {
    const answer = await fetch(`http://127.0.0.1:${project.prometheusPort}/api/v1/${path}`);
    const { status, data, error = "" } = (await answer.json()) as { readonly status: string; readonly data: Data; readonly error?: string };
    assert.deepEqual([status, error], ["success", ""]);
    return data;
  }

  const query = async (expression: string): Promise<readonly Sample[]> =>
    (await ask<{ readonly result: readonly Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result;

  test("Prometheus scrapes every process, under the names that dashboards and rules ask for", async () => {
    const targets = async (): Promise<readonly Target[]> =>
      (await ask<{ readonly activeTargets: readonly Target[] }>("targets")).activeTargets;
    await eventually("all targets to be up", async () => (await targets()).every(({ health }) => health === "up"), SEEN_WITHIN_MS);
    const names = (await targets()).map(({ labels }) => `${labels.job} ${labels.instance} ${labels.namespace}`);
    assert.deepEqual(names.toSorted(), [
      "shadowfleet-gateway gateway compose",
      "shadowfleet-management management-1 compose",
      "shadowfleet-management management-2 compose",
      "shadowfleet-tcp-relay tcp-relay compose",
      "shadowfleet-udp-relay udp-relay compose",
    ]);
  });

  test("what the gateway relayed is in the series of the relays", async () => {
    const relayed = async (): Promise<number> => {
      const [sum] = await query('sum(shadowsocks_relay_bytes_total{job="shadowfleet-tcp-relay"})');
      return Number(sum?.value[1] ?? 0);
    };
    await eventually("the bytes to be seen", async () => (await relayed()) >= PAGE_BYTES, SEEN_WITHIN_MS);
  });

  test("every rule of the chart is loaded and evaluates", async () => {
    const rules = async () => (await ask<{ readonly groups: readonly RuleGroup[] }>("rules")).groups.flatMap((group) => group.rules);
    await eventually("all rules to be evaluated", async () => (await rules()).every(({ health }) => health !== "unknown"), SEEN_WITHIN_MS);
    const all = await rules();
    assert.ok(all.length > 20, `${all.length} rules`);
    assert.deepEqual(
      all.filter(({ health }) => health !== "ok"),
      [],
    );
  });

  test("spans of members and management reach the collector", async () => {
    for (const service of ["gateway", "tcp-relay", "udp-relay", "management"]) {
      await eventually(
        `spans of ${service}`,
        async () => new RegExp(`^span ${service} \\S+`, "m").test(await project.logs("otel-collector")),
        SEEN_WITHIN_MS,
      );
    }
  });

  function standInCollector(): object {
    const program = join(import.meta.dirname, "stand-ins/collector.ts");
    const spansAsJson = { environment: { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" } };
    return {
      services: {
        ...Object.fromEntries(SERVICES.map((name) => [name, spansAsJson])),
        "otel-collector": {
          image: process.env.NODE_IMAGE ?? "node:26-bookworm-slim",
          command: ["node", "/collector.ts"],
          configs: [{ source: "stand-in", target: "/collector.ts" }],
        },
      },
      configs: { "stand-in": { file: program } },
    };
  }
});
