import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { type Helm, startHelms } from "./helm/helm.ts";
import { type RenderedCase, renderMatrix } from "./matrix.ts";
import { dataOf, filesOf } from "./objects/container-files.ts";
import { at, nameOf, ofKind, only } from "./objects/object.ts";
import { type Container, describeContainer, imageName, type Pod, workloadsOf } from "./objects/pods.ts";
import { type ConfigurationCheck, checkConfiguration, isService } from "./objects/service-configuration.ts";
import { standIns } from "./objects/stand-ins.ts";

const SPARE_SECONDS = 10;

/** Which files of secrets a service has a use for. Beside these only what Redis or mutual TLS needs. */
const MEMBER_FILES = /^(ca\.crt|member\.token|member\.(crt|key)|redis-(password|ca\.crt|tls\.crt|tls\.key)|sentinel-password|sealing-key)$/;
const MANAGEMENT_FILES =
  /^(tls\.(crt|key)|client-ca\.crt|declared\.yaml|webhook-[a-z]+\.(secret|ca\.crt)|(admin|viewer|member)\.token|redis-(password|ca\.crt|tls\.crt|tls\.key)|sentinel-password|sealing-key|link-secret)$/;

interface HostPort {
  readonly host: string;
  readonly port: number;
}

suite("the services accept what the chart gives them", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let helm: Helm;
  let rendered: RenderedCase[];
  /** What each container of a service said, in every rendering. */
  const checks: {
    readonly one: RenderedCase;
    readonly pod: Pod;
    readonly container: Container;
    readonly where: string;
    readonly check: ConfigurationCheck;
  }[] = [];
  before(async () => {
    helms = await startHelms();
    helm = helms.newest;
    rendered = await renderMatrix(helm);
    const standIn = await standIns(helm);
    for (const one of rendered) {
      for (const pod of workloadsOf(one.objects)) {
        for (const container of pod.containers.filter(isService)) {
          const check = await checkConfiguration(pod, container, one.objects, standIn);
          checks.push({ one, pod, container, where: `${one.name}: ${describeContainer(pod, container)}`, check });
        }
      }
    }
  });
  after(() => helms[Symbol.asyncDispose]());

  test("--check-config is content with the configuration and the secrets it names", (t) => {
    for (const { where, check } of checks) assert.equal(check.exitCode, 0, `${where}: ${check.stderr}`);
    // Management and both relays; gateways may be off.
    assert.ok(checks.length >= rendered.length * 3, `only ${checks.length} containers`);
    t.diagnostic(`${checks.length} configurations of ${rendered.length} renderings`);
  });

  test("the check can fail: a setting that the service does not have is refused", async () => {
    const objects = await helm.render({ values: { relay: { config: { timeouts: { idel: "5m" } } } } });
    const pod = workloadsOf(objects).find(({ containers }) => containers.some(({ name }) => name === "tcp-relay"))!;
    const check = await checkConfiguration(pod, pod.containers.find(({ name }) => name === "tcp-relay")!, objects, await standIns(helm));
    assert.equal(check.exitCode, 2);
    assert.match(check.stderr, /timeouts\.idel/);
  });

  test("a service listens where its ports, probes and Services say", () => {
    for (const { container, check, where } of checks) {
      const has = (name: RegExp, port: unknown, protocol: string): boolean =>
        (container.ports ?? []).some(
          (offered) => name.test(offered.name ?? "") && offered.containerPort === port && offered.protocol === protocol,
        );
      assert.ok(has(/^admin/, at(check.config, "admin", "port"), "TCP"), `${where}: admin port`);
      assert.doesNotMatch(String(at(check.config, "admin", "host")), /^(127\.|::1$|localhost)/, where);
      if (container.name === "management") assert.ok(has(/grpc/, at(check.config, "grpc", "port"), "TCP"), where);
      if (at(check.config, "http", "enabled") === true) assert.ok(has(/https/, at(check.config, "http", "port"), "TCP"), where);
      if (container.name !== "gateway") continue;
      for (const protocol of ["TCP", "UDP"]) assert.ok(has(/./, at(check.config, "listen", "port"), protocol), `${where}: ${protocol}`);
    }
  });

  test("relays open every port that is declared to management", () => {
    for (const { one, check, container } of checks) {
      if (container.name !== "management") continue;
      const declared = Object.keys((at(check.config, "declared", "ports") ?? {}) as object);
      assert.ok(declared.length > 0 || one.values !== "no values", one.name);
      for (const [name, protocol] of [
        ["tcp-relay", "TCP"],
        ["udp-relay", "UDP"],
      ] as const) {
        const relay = workloadsOf(one.objects)
          .flatMap(({ containers }) => containers)
          .find((candidate) => candidate.name === name)!;
        const open = (relay.ports ?? [])
          .filter((port) => !/^admin/.test(port.name ?? ""))
          .map((port) => `${port.containerPort}/${port.protocol}`);
        for (const port of declared) assert.ok(open.includes(`${port}/${protocol}`), `${one.name}: ${name} does not open ${port}`);
      }
    }
  });

  test("members find management and Redis at Services of the release", () => {
    for (const { check, one, where, container } of checks) {
      const services = new Map(ofKind(one.objects, "Service").map((service) => [service.metadata.name, service]));
      const addresses = container.name === "management" ? [] : ((at(check.config, "fleet", "management", "addresses") ?? []) as HostPort[]);
      const store = at(check.config, ...(container.name === "management" ? ["store"] : ["fleet", "store"]));
      const hosts = ofKind(one.objects, "StatefulSet").length > 0 ? ((at(store, "hosts") ?? []) as HostPort[]) : [];
      assert.ok(addresses.length > 0 || container.name === "management", `${where}: no management`);
      for (const { host, port } of [...addresses, ...hosts]) {
        const service = services.get(host.split(".")[0]!);
        assert.ok(service, `${where}: ${host} is no Service of the release`);
        assert.match(host, new RegExp(`^${service.metadata.name}\\.proxies\\.svc(\\.|$)`), where);
        const ports = at(service, "spec", "ports") as readonly { port: number }[];
        assert.ok(
          ports.some((offered) => offered.port === port),
          `${where}: ${nameOf(service)} has no port ${port}`,
        );
      }
    }
  });

  test("a pod is given the time to drain: its grace period is longer than delay and deadline", () => {
    for (const { check, pod, where, container } of checks) {
      const drainSeconds = (Number(check.config.drainDelay) + Number(check.config.drainTimeout)) / 1000;
      const preStopSeconds = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
      const grace = Number(pod.spec.terminationGracePeriodSeconds);
      assert.ok(grace >= drainSeconds + preStopSeconds + SPARE_SECONDS, `${where}: ${grace} s for a drain of ${drainSeconds} s`);
    }
  });

  test("a service sees the secrets it has a use for, and no other", () => {
    for (const { check, container, where } of checks) {
      const wanted = container.name === "management" ? MANAGEMENT_FILES : MEMBER_FILES;
      const names = check.files
        .filter(({ path }) => path.startsWith("/run/secrets/"))
        .map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
      assert.ok(names.length > 0, where);
      assert.deepEqual(
        names.filter((name) => !wanted.test(name)),
        [],
        where,
      );
    }
  });

  test("no secret stands in a ConfigMap, an annotation, an argument or an environment variable", () => {
    for (const { name, objects } of rendered) {
      const secrets = ofKind(objects, "Secret").flatMap((secret) =>
        Object.entries(dataOf(secret)).map(([key, value]) => ({ where: `${nameOf(secret)} ${key}`, value })),
      );
      const rest = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
      for (const { where, value } of secrets) {
        if (/ca\.crt$|tls\.crt$|config\.yaml$|declared\.yaml$|\.conf$/.test(where)) continue;
        assert.ok(value.length >= 8, `${name}: ${where} is short`);
        assert.ok(!rest.includes(JSON.stringify(value).slice(1, -1)), `${name}: ${where} stands outside of Secrets`);
      }
    }
  });

  test("a change of configuration rolls exactly the pods it is for", async () => {
    const before = checksumsOf(await helm.render({}));
    const changes: [values: object, containers: string[]][] = [
      [{ gateway: { policy: "latency" } }, ["gateway"]],
      [{ relay: { config: { timeouts: { idle: "7m" } } } }, ["tcp-relay", "udp-relay"]],
      [{ relay: { tcp: { config: { timeouts: { idle: "7m" } } } } }, ["tcp-relay"]],
      [{ management: { publicHost: "relay.example" } }, ["management"]],
      [{ log: { level: "debug" } }, ["gateway", "management", "tcp-relay", "udp-relay"]],
    ];
    assert.deepEqual(Object.keys(before).sort(), ["gateway", "management", "tcp-relay", "udp-relay"]);
    for (const [values, containers] of changes) {
      const now = checksumsOf(await helm.render({ values }));
      assert.deepEqual(
        Object.keys(now)
          .filter((name) => now[name] !== before[name])
          .sort(),
        containers,
        JSON.stringify(values),
      );
    }
  });

  test("Redis keeps what it has, under a password, and nothing else can be reached without one", async () => {
    const objects = await helm.render({});
    const [pod] = workloadsOf(objects).filter(({ object }) => object.kind === "StatefulSet");
    const container = pod!.containers.find(({ image }) => imageName(image) === "redis")!;
    const files = filesOf(pod!, container, objects);
    const text = files.map(({ content }) => content).join("\n");
    assert.match(text, /^appendonly yes$/m);
    assert.match(text, /^maxmemory-policy noeviction$/m);
    const password = dataOf(only(objects, "Secret", /redis-auth$/))["redis-password"]!;
    assert.ok(text.includes(password) || JSON.stringify(container.env ?? []).includes("redis-auth"), "nothing tells Redis its password");
  });
});

/** By container: the checksum of its configuration on its pod. */
function checksumsOf(objects: RenderedCase["objects"]): Record<string, string> {
  const pairs = workloadsOf(objects).flatMap(({ annotations, containers }) =>
    containers.filter(isService).map(({ name }) => [name, annotations[`checksum/${name}`] ?? "none"] as const),
  );
  return Object.fromEntries(pairs);
}
