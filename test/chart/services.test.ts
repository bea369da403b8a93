import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { type RenderedCase, renderMatrix } from "./matrix.ts";
import { type LabelSelector, selects } from "./objects/label-selector.ts";
import { at, type KubernetesObject, nameOf, ofKind } from "./objects/object.ts";
import { podsOf, workloadsOf } from "./objects/pods.ts";
import { needsOf, portsOf, selectedBy } from "./objects/references.ts";

/** Values that ask for one LoadBalancer for both protocols, which not every cloud has. */
const MIXED = ["mixed-service", "split-hpa"];

suite("what points at pods", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let rendered: RenderedCase[];
  before(async () => {
    helms = await startHelms();
    rendered = await renderMatrix(helms.newest);
  });
  after(() => helms[Symbol.asyncDispose]());

  function every(kind: string, check: (object: KubernetesObject, one: RenderedCase, where: string) => void): void {
    let seen = 0;
    for (const one of rendered) {
      for (const object of ofKind(one.objects, kind)) {
        seen++;
        check(object, one, `${one.name}: ${nameOf(object)}`);
      }
    }
    assert.ok(seen > 0, `the matrix has no ${kind}`);
  }

  test("workloads select their own pods and nobody else's", () => {
    for (const { name, objects } of rendered) {
      const workloads = workloadsOf(objects);
      for (const { object, owner } of workloads) {
        const selector = at(object, "spec", "selector") as LabelSelector;
        const selected = podsOf(objects).filter(({ labels }) => selects(selector, labels));
        assert.deepEqual(
          selected.map((pod) => pod.owner),
          [owner],
          name,
        );
      }
    }
  });

  test("selectors have nothing that an upgrade changes", () => {
    for (const { objects, name } of rendered) {
      for (const { object, owner } of workloadsOf(objects)) {
        const keys = Object.keys(at(object, "spec", "selector", "matchLabels") as object).sort();
        assert.deepEqual(
          keys,
          ["app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/name"],
          `${name}: ${owner}`,
        );
        for (const claim of (at(object, "spec", "volumeClaimTemplates") ?? []) as KubernetesObject[]) {
          assert.deepEqual(
            Object.keys(claim.metadata.labels ?? {}).filter((key) => /version|chart/.test(key)),
            [],
            `${name}: ${owner}`,
          );
        }
      }
    }
  });

  test("every Service has pods, and each of its ports is one of theirs, with the same protocol", () => {
    every("Service", (service, { objects }, where) => {
      const pods = selectedBy(service, objects);
      // Clients must not be led to one kind of pod or another by chance; the one for scraping is asked for each of its endpoints.
      const isForScraping = at(service, "spec", "clusterIP") === "None" && portsOf(service).every(({ name }) => name?.startsWith("admin"));
      const transports = pods.map(({ object }) => object.metadata.name.replace(/-(tcp|udp)-relay$/, ""));
      assert.ok(
        pods.length > 0 && (isForScraping || new Set(transports).size === 1),
        `${where} selects ${pods.map(({ owner }) => owner).join(", ")}`,
      );
      for (const port of portsOf(service)) {
        const { name, protocol, targetPort } = port;
        assert.ok(protocol === "TCP" || protocol === "UDP", `${where}: port ${name} has protocol ${protocol}`);
        assert.match(name ?? "", /^(?=.{1,15}$)[a-z0-9]+(-[a-z0-9]+)*$/, where);
        const target = pods
          .flatMap(({ containers }) => containers.flatMap(({ ports = [] }) => ports))
          .find(
            (candidate) => candidate.protocol === protocol && [candidate.name, candidate.containerPort].includes(targetPort ?? port.port),
          );
        assert.ok(target, `${where}: port ${name} leads to ${targetPort}, which no pod has`);
      }
    });
  });

  test("with a SIP003 plugin clients' TCP leads to the plugin, and UDP and what gateways dial to the relays themselves", () => {
    const { objects } = rendered.find(({ values }) => values === "plugin")!;
    const targets = ofKind(objects, "Service")
      .filter(({ metadata }) => /-relay(-tcp|-udp)?$/.test(metadata.name))
      .flatMap((service) => portsOf(service).map(({ port, targetPort }) => `${service.metadata.name} ${port} ${targetPort}`));
    assert.deepEqual(targets.toSorted(), [
      "fleet-shadowfleet-relay-tcp 8388 plugin-8388",
      "fleet-shadowfleet-relay-udp 8388 udp-8388",
      "fleet-shadowfleet-tcp-relay 8388 tcp-8388",
      "fleet-shadowfleet-udp-relay 8388 udp-8388",
    ]);
    const [relay] = workloadsOf(objects).filter(({ containers }) => containers.some(({ name }) => name === "plugin"));
    const plugin = relay!.containers.find(({ name }) => name === "plugin") as unknown as {
      env: { name: string; value: string }[];
      ports: object[];
    };
    assert.deepEqual(Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])), {
      SS_REMOTE_HOST: "0.0.0.0",
      SS_REMOTE_PORT: "18388",
      SS_LOCAL_HOST: "127.0.0.1",
      SS_LOCAL_PORT: "8388",
      SS_PLUGIN_OPTIONS: "obfs=http",
    });
    assert.deepEqual(plugin.ports, [{ name: "plugin-8388", containerPort: 18388, protocol: "TCP" }]);
    const policy = ofKind(objects, "NetworkPolicy").find(({ metadata }) => metadata.name.endsWith("-relay"));
    assert.ok(JSON.stringify(at(policy!, "spec", "ingress")).includes('{"port":18388,"protocol":"TCP"}'));

    const onNodes = workloadsOf(rendered.find(({ values }) => values === "plugin-daemonset")!.objects);
    const hostPorts = onNodes
      .flatMap(({ containers }) => containers.flatMap(({ ports = [] }) => ports))
      .filter(({ hostPort }) => hostPort !== undefined);
    assert.deepEqual(hostPorts.map(({ name, hostPort }) => `${name} ${hostPort}`).toSorted(), [
      "plugin-8388 443",
      "tcp-8389 8389",
      "udp-8388 443",
      "udp-8389 8389",
    ]);
  });

  test("the Services of the relays have TCP and UDP of each port, together or apart", () => {
    for (const { name, objects, values } of rendered) {
      const relays = workloadsOf(objects).filter(({ containers }) => containers.some(({ name: container }) => /relay$/.test(container)));
      const wanted = relays
        .flatMap(({ containers }) => containers.filter((container) => /relay$/.test(container.name)).flatMap(({ ports = [] }) => ports))
        .filter((port) => !/^admin/.test(port.name ?? ""));
      const services = ofKind(objects, "Service").filter((service) =>
        selectedBy(service, objects).some((pod) => relays.some(({ owner }) => owner === pod.owner)),
      );
      const offered = services.flatMap(portsOf);
      for (const { containerPort, protocol } of wanted) {
        assert.ok(
          offered.some((port) => port.port === containerPort && port.protocol === protocol),
          `${name}: nobody offers ${containerPort}/${protocol}`,
        );
      }
      const isMixed = services.some(
        (service) => at(service, "spec", "type") === "LoadBalancer" && new Set(portsOf(service).map(({ protocol }) => protocol)).size > 1,
      );
      assert.equal(isMixed, MIXED.includes(values), `${name}: ${services.map(nameOf).join(", ")}`);
    }
  });

  test("no Service shows an admin port beside the one for scraping", () => {
    every("Service", (service, _one, where) => {
      const admin = portsOf(service).filter(({ name }) => /^admin|metrics/.test(name ?? ""));
      if (admin.length === 0) return;
      assert.equal(at(service, "spec", "clusterIP"), "None", where);
      assert.equal(admin.length, portsOf(service).length, where);
    });
  });

  test("pod monitors and service monitors find what they scrape, under the jobs that dashboards ask for", () => {
    for (const kind of ["PodMonitor", "ServiceMonitor"]) {
      every(kind, (monitor, { objects }, where) => {
        const selector = at(monitor, "spec", "selector") as LabelSelector;
        const endpoints = (at(monitor, "spec", kind === "PodMonitor" ? "podMetricsEndpoints" : "endpoints") ?? []) as { port: string }[];
        const offered =
          kind === "PodMonitor"
            ? podsOf(objects)
                .filter(({ labels }) => selects(selector, labels))
                .flatMap((pod) => pod.containers.flatMap(({ ports = [] }) => ports))
            : ofKind(objects, "Service")
                .filter(({ metadata }) => selects(selector, metadata.labels ?? {}))
                .flatMap(portsOf);
        const names = offered.map(({ name }) => name);
        assert.ok(endpoints.length > 0, where);
        for (const { port } of endpoints) assert.ok(names.includes(port), `${where}: nobody has a port ${port}`);
        for (const job of ["gateway", "tcp-relay", "udp-relay", "management"]) {
          const isThere = workloadsOf(objects).some(({ containers }) => containers.some(({ name }) => name === job));
          assert.equal(JSON.stringify(monitor).includes(`"shadowfleet-${job}"`), isThere, `${where}: job shadowfleet-${job}`);
        }
      });
    }
  });

  test("autoscalers scale a workload that leaves its replicas to them, budgets protect pods", () => {
    every("HorizontalPodAutoscaler", (autoscaler, { objects }, where) => {
      assertScales(at(autoscaler, "spec", "scaleTargetRef"), objects, where);
    });
    every("ScaledObject", (scaled, { objects }, where) => assertScales(at(scaled, "spec", "scaleTargetRef"), objects, where));
    every("PodDisruptionBudget", (budget, { objects }, where) => {
      const pods = podsOf(objects).filter(({ labels }) => selects(at(budget, "spec", "selector") as LabelSelector, labels));
      assert.equal(pods.length, 1, where);
    });
  });

  test("routes lead to ports of Services", () => {
    for (const [kind, protocol] of [
      ["TCPRoute", "TCP"],
      ["UDPRoute", "UDP"],
      ["HTTPRoute", "TCP"],
    ] as const) {
      every(kind, (route, { objects }, where) => {
        const references = ((at(route, "spec", "rules") ?? []) as { backendRefs: { name: string; port: number }[] }[]).flatMap(
          (rule) => rule.backendRefs,
        );
        assert.ok(references.length > 0 && at(route, "spec", "parentRefs", 0) !== undefined, where);
        for (const { name, port } of references) {
          const service = ofKind(objects, "Service").find(({ metadata }) => metadata.name === name);
          assert.ok(
            service && portsOf(service).some((offered) => offered.port === port && offered.protocol === protocol),
            `${where}: ${name}:${port}`,
          );
        }
      });
    }
  });

  test("an Ingress leads to a port of a Service, by its name", () => {
    every("Ingress", (ingress, { objects }, where) => {
      const rules = (at(ingress, "spec", "rules") ?? []) as {
        http: { paths: { backend: { service: { name: string; port: { name: string } } } }[] };
      }[];
      const backends = rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend.service));
      assert.ok(backends.length > 0, where);
      for (const { name, port } of backends) {
        const service = ofKind(objects, "Service").find(({ metadata }) => metadata.name === name);
        assert.ok(service && portsOf(service).some((offered) => offered.name === port.name), `${where}: ${name} ${port.name}`);
      }
    });
  });

  test("every ServiceAccount, Secret, ConfigMap and claim that a pod needs is made here or named in the values", () => {
    for (const { name, objects, values } of rendered) {
      const has = (kind: string, wanted: string): boolean =>
        objects.some((object) => object.kind === kind && object.metadata.name === wanted);
      for (const pod of podsOf(objects)) {
        for (const [kind, wanted] of needsOf(pod)) {
          assert.ok(has(kind, wanted) || values !== "no values", `${name}: ${pod.owner} needs ${kind} ${wanted}`);
          if (wanted.startsWith("fleet-shadowfleet")) {
            const isFromCertManager = objects.some(
              (object) => object.kind === "Certificate" && at(object, "spec", "secretName") === wanted,
            );
            assert.ok(has(kind, wanted) || isFromCertManager, `${name}: ${pod.owner} needs ${kind} ${wanted}, which nothing makes`);
          }
        }
      }
    }
  });
});

function assertScales(reference: unknown, objects: readonly KubernetesObject[], where: string): void {
  const { kind = "Deployment", name } = reference as { kind?: string; name: string };
  const target = objects.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(target, `${where} scales ${kind} ${name}, which is not there`);
  assert.equal(at(target, "spec", "replicas"), undefined, `${where}: ${nameOf(target)} sets replicas itself`);
}
