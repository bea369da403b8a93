import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadGatewayConfig } from "@shadowfleet/gateway";
import { loadManagementConfig } from "@shadowfleet/management";
import { loadRelayConfig } from "@shadowfleet/relay";
import { readConfigFile } from "@shadowfleet/runtime";
import { runProgram } from "@shadowfleet/testkit";
import { parse } from "yaml";
import { COMPOSE_FOLDER, ROOT } from "./compose-project.ts";

const SECRETS = "/run/secrets/shadowfleet";
const SERVICES = ["gateway", "tcp-relay", "udp-relay", "management"];
const COMPOSE_FILES = ["compose.yaml", "compose.observability.yaml", "compose.test.yaml"];

interface ComposeFile {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image?: string;
        readonly ports?: readonly string[];
        readonly volumes?: readonly string[];
        readonly networks?: readonly string[];
      }
    >
  >;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
}

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const yaml = <Content>(path: string): Content => parse(read(path), { merge: true }) as Content;
const compose = (name: string): ComposeFile => yaml(`deploy/compose/${name}`);

describe("the files of deploy/", () => {
  test("the images are of this version", () => {
    const { version } = JSON.parse(read("package.json")) as { readonly version: string };
    const tags = [...read("deploy/compose/compose.yaml").matchAll(/SHADOWFLEET_TAG:-([^}]+)\}/g)].map(([, tag]) => tag);
    assert.ok(tags.length >= 5);
    assert.deepEqual([...new Set(tags)], [version]);
  });

  test("public images have a tag that is a version", () => {
    const images = COMPOSE_FILES.flatMap((name) => Object.values(compose(name).services).map(({ image }) => image ?? ""));
    const tags = images
      .filter((image) => image !== "" && !image.includes("SHADOWFLEET_TAG"))
      .map((image) => /:v?([^:}]+)\}?$/.exec(image)?.[1] ?? image);
    assert.ok(tags.length >= 4);
    for (const tag of tags) assert.match(tag, /^\d+(\.\d+)*(-[a-z-]+)?$/);
  });

  test("what is published says on which address: the relays' are for everybody, the rest is for this machine", () => {
    const published = COMPOSE_FILES.flatMap((name) =>
      Object.entries(compose(name).services).flatMap(([service, { ports = [] }]) => ports.map((port) => [service, port] as const)),
    );
    assert.ok(published.length >= 6);
    for (const [service, port] of published) {
      const address = service.endsWith("-relay") ? /^\$\{SHADOWFLEET_RELAY_ADDRESS:-0\.0\.0\.0\}:/ : /^127\.0\.0\.1:/;
      assert.match(port, address, service);
    }
  });

  test("every file that is mounted is there", () => {
    for (const name of COMPOSE_FILES) {
      const { configs, services } = compose(name);
      const files = Object.values(configs).map(({ file }) => file);
      const mounts = Object.values(services).flatMap(({ volumes = [] }) =>
        volumes.flatMap((volume) => /^(\.[^:]+):/.exec(volume)?.[1] ?? []),
      );
      for (const file of [...files, ...mounts]) assert.ok(globSync(join(COMPOSE_FOLDER, file)).length === 1, file);
    }
  });

  for (const service of SERVICES) {
    test(`the traced configuration of ${service} is the plain one and where spans go`, () => {
      const [plain, traced] = ["config", "config-traced"].map((folder) => yaml<object>(`deploy/compose/${folder}/${service}.yaml`));
      assert.deepEqual(traced, { ...plain, telemetry: { traces: { endpoint: "http://otel-collector:4318" } } });
    });
  }

  test("members' configurations are what members take", async () => {
    for (const folder of ["config", "config-traced"]) {
      const file = (name: string): string => join(COMPOSE_FOLDER, folder, `${name}.yaml`);
      assert.equal(loadGatewayConfig(await readConfigFile(file("gateway"))).fleet?.memberId, "gateway");
      for (const relay of ["tcp-relay", "udp-relay"]) {
        assert.equal(loadRelayConfig(await readConfigFile(file(relay))).fleet?.memberId, relay);
      }
    }
  });

  test("management's configuration goes with what the bootstrap service writes", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "shadowfleet-compose-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const { services } = yaml<{ readonly services: { readonly bootstrap: { readonly command: readonly string[] } } }>(
      "deploy/compose/compose.yaml",
    );
    const words = services.bootstrap.command
      .filter((word) => !word.startsWith("--member-group"))
      .map((word) => (word === "/run/shadowfleet" ? folder : word));
    const { code, stderr } = await runProgram(process.execPath, [join(ROOT, "services/cli/src/main.ts"), ...words]);
    assert.equal(code, 0, stderr.toString());
    const text = read("deploy/compose/config/management.yaml").replaceAll(SECRETS, folder);
    const { declared, grpc, http } = loadManagementConfig({ name: "management.yaml", data: parse(text) as unknown });
    assert.deepEqual([...declared.keys.keys()], ["gateway"]);
    assert.deepEqual(
      [...declared.upstreams.values()].map(({ record }) => [record.host, record.udpHost]),
      [["tcp-relay.front", "udp-relay.front"]],
    );
    assert.deepEqual(
      grpc.tokens?.map(({ role }) => role),
      ["admin", "viewer", "relay"],
    );
    assert.ok(http.enabled && http.tls && http.linkSecret);
  });

  test("Prometheus scrapes the admin ports under the names of the contract, as often as Grafana is told", () => {
    const config = yaml<{
      readonly global: { readonly scrape_interval: string };
      readonly scrape_configs: readonly {
        readonly job_name: string;
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
    }>("deploy/prometheus/prometheus.yaml");
    const jobs = config.scrape_configs.map(({ job_name, static_configs }) => [job_name, static_configs.flatMap(({ targets }) => targets)]);
    assert.deepEqual(Object.fromEntries(jobs), {
      "shadowfleet-gateway": ["gateway:9103"],
      "shadowfleet-tcp-relay": ["tcp-relay:9101"],
      "shadowfleet-udp-relay": ["udp-relay:9102"],
      "shadowfleet-management": ["management-1:9104", "management-2:9104"],
    });
    const { datasources } = yaml<{
      readonly datasources: readonly {
        readonly jsonData: { readonly timeInterval: string };
        readonly url: string;
        readonly isDefault: boolean;
      }[];
    }>("deploy/grafana/provisioning/datasources/prometheus.yaml");
    assert.deepEqual(
      datasources.map(({ url, isDefault, jsonData }) => [url, isDefault, jsonData.timeInterval]),
      [["http://prometheus:9090", true, config.global.scrape_interval]],
    );
  });

  test("Grafana finds the dashboards where compose mounts them", () => {
    const { providers } = yaml<{ readonly providers: readonly { readonly type: string; readonly options: { readonly path: string } }[] }>(
      "deploy/grafana/provisioning/dashboards/shadowfleet.yaml",
    );
    const { grafana } = compose("compose.observability.yaml").services;
    const mounted = grafana?.volumes?.find((volume) => volume.startsWith("../../helm/shadowfleet/files/dashboards:"));
    assert.equal(mounted?.split(":")[1], providers[0]?.options.path);
    const home = /GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: \S+\/(\S+)/.exec(read("deploy/compose/compose.observability.yaml"))?.[1] ?? "";
    assert.deepEqual(globSync(home, { cwd: join(ROOT, "helm/shadowfleet/files/dashboards") }), [home]);
  });

  test("the collector's pipeline is made of what it defines, and listens where services send", () => {
    type Names = Readonly<Record<string, unknown>>;
    const { receivers, processors, exporters, extensions, service } = yaml<{
      readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } };
      readonly processors: Names;
      readonly exporters: Names;
      readonly extensions: Names;
      readonly service: {
        readonly extensions: readonly string[];
        readonly pipelines: { readonly traces: Readonly<Record<"receivers" | "processors" | "exporters", readonly string[]>> };
      };
    }>("deploy/otel-collector/config.yaml");
    const { traces } = service.pipelines;
    assert.deepEqual(
      [traces.receivers, traces.processors, traces.exporters, service.extensions],
      [receivers, processors, exporters, extensions].map((part) => Object.keys(part)),
    );
    assert.equal(receivers.otlp.protocols.http.endpoint, "0.0.0.0:4318");
  });

  test("docs/compose.md names everything that can be set in the environment", () => {
    const variables = new Set(
      COMPOSE_FILES.flatMap((name) => [...read(`deploy/compose/${name}`).matchAll(/\$\{([A-Z_]+):-/g)].map(([, name]) => name ?? "")),
    );
    assert.ok(variables.size >= 9);
    const page = read("docs/compose.md");
    assert.deepEqual(
      [...variables].filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  });
});
