import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { type Helm, startHelms } from "./helm/helm.ts";
import { type RenderedCase, renderMatrix } from "./matrix.ts";
import { type Destination, type Endpoint, isAllowed, type NamedPorts } from "./objects/network-policy.ts";
import { type KubernetesObject, ofKind } from "./objects/object.ts";
import { type Pod, podsOf, workloadsOf } from "./objects/pods.ts";

const NAMESPACE = "proxies";

/** Addresses that a stranger must not reach through a relay, and why they are worth trying. */
const FORBIDDEN = {
  "10.0.0.1": "RFC 1918",
  "172.20.0.1": "RFC 1918, and a common range of Services",
  "192.168.1.1": "RFC 1918",
  "169.254.169.254": "metadata of most clouds",
  "168.63.129.16": "Azure's wire server",
  "100.100.100.200": "Alibaba's metadata, in the shared address space",
  "127.0.0.1": "loopback",
  "0.0.0.0": "this host",
  "224.0.0.1": "multicast",
  "255.255.255.255": "broadcast",
  "fd00:ec2::254": "AWS' metadata",
  "fe80::1": "link-local",
  "::1": "loopback",
  "fc00::1": "unique local",
  "64:ff9b::a00:1": "10.0.0.1 behind NAT64",
  "2002:a00:1::1": "10.0.0.1 in 6to4",
};
const ALLOWED = ["1.1.1.1", "9.9.9.9", "172.32.0.1", "192.169.0.1", "2606:4700:4700::1111"];

/** Ports that values open to every address, because a policy cannot name hosts: the collector of traces, and nothing says where it is. */
const OPENED: Readonly<Record<string, readonly number[]>> = { "everything-on": [443] };

/** One rendering as a network: who may reach whom. */
class Network {
  readonly #objects: readonly KubernetesObject[];

  constructor(objects: readonly KubernetesObject[]) {
    this.#objects = objects;
  }

  /** The pods with a container of that name. */
  pods(container: string): Pod[] {
    const found = podsOf(this.#objects).filter(({ containers }) => containers.some(({ name }) => name === container));
    if (found.length === 0) throw new Error(`no pod has a container ${container}`);
    return found;
  }

  podReachesAddress(from: Pod, address: string, destination: Destination): boolean {
    return isAllowed(ofKind(this.#objects, "NetworkPolicy"), endpointOf(from), { address }, destination);
  }

  reaches(from: Pod | Endpoint, to: Pod, port: string): boolean {
    const found = to.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === port);
    if (found === undefined) throw new Error(`${to.owner} has no port ${port}`);
    const destination: Destination = { port: found.containerPort, protocol: found.protocol === "UDP" ? "UDP" : "TCP" };
    return isAllowed(
      ofKind(this.#objects, "NetworkPolicy"),
      "owner" in from ? endpointOf(from) : from,
      endpointOf(to),
      destination,
      namedPortsOf(to),
    );
  }
}

function endpointOf({ labels }: Pod): Endpoint {
  return { labels, namespace: NAMESPACE };
}

function namedPortsOf({ containers }: Pod): NamedPorts {
  return Object.fromEntries(containers.flatMap(({ ports = [] }) => ports.map(({ name, containerPort }) => [name ?? "", containerPort])));
}

const stranger = (namespace: string): Endpoint => ({ labels: { app: "stranger" }, namespace });
const portNamed = (pod: Pod, pattern: RegExp): string =>
  pod.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => pattern.test(name ?? ""))?.name ?? "";

suite("network policies", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let helm: Helm;
  let policed: RenderedCase[];
  let network: Network;
  before(async () => {
    helms = await startHelms();
    helm = helms.newest;
    policed = (await renderMatrix(helm)).filter(({ objects }) => ofKind(objects, "NetworkPolicy").length > 0);
    network = new Network(policed.find(({ values }) => values === "no values")!.objects);
  });
  after(() => helms[Symbol.asyncDispose]());

  test("relays reach the internet and no private address, wherever policies are on", () => {
    assert.ok(policed.length > 0);
    for (const { name, objects, values } of policed) {
      const every = new Network(objects);
      const ports = [22, 53, 80, 443, 6443, 10_250].filter((port) => !OPENED[values]?.includes(port));
      for (const relay of [...every.pods("tcp-relay"), ...every.pods("udp-relay")]) {
        for (const protocol of ["TCP", "UDP"] as const) {
          for (const address of ALLOWED)
            assert.ok(every.podReachesAddress(relay, address, { port: 443, protocol }), `${name}: ${relay.owner} → ${address} ${protocol}`);
          for (const [address, why] of Object.entries(FORBIDDEN)) {
            for (const port of ports) {
              assert.ok(
                !every.podReachesAddress(relay, address, { port, protocol }),
                `${name}: ${relay.owner} → ${address} ${port} (${why})`,
              );
            }
          }
        }
      }
    }
  });

  test("relays reach no pod but management, Redis and the test's target", () => {
    const [relay] = network.pods("tcp-relay");
    const [gateway, management, redis] = ["gateway", "management", "redis"].map((name) => network.pods(name)[0]!);
    assert.ok(network.reaches(relay!, management!, "grpc"));
    assert.ok(!network.reaches(stranger("default"), management!, "grpc"));
    assert.ok(network.reaches(relay!, redis!, portNamed(redis!, /redis/)));
    assert.ok(!network.reaches(relay!, gateway!, portNamed(gateway!, /^proxy$/)));
    assert.ok(!network.reaches(relay!, management!, portNamed(management!, /^admin/)));
  });

  test("what management serves over HTTP is reached like its gRPC API, and from nowhere else", async () => {
    const http = new Network(await helm.render({ values: { networkPolicy: { enabled: true }, management: { http: { enabled: true } } } }));
    const [management] = http.pods("management");
    const reaching = (port: string): string[] =>
      [NAMESPACE, "default", "monitoring"].filter((namespace) => http.reaches(stranger(namespace), management!, port));
    assert.deepEqual(reaching("https"), reaching("grpc"));
    assert.ok(!reaching("https").includes("default"));
    assert.ok(!http.reaches(http.pods("redis")[0]!, management!, "https"));
  });

  test("Redis is reached by the services of the fleet only, and reaches nobody", () => {
    const [redis] = network.pods("redis");
    const port = portNamed(redis!, /redis/);
    for (const name of ["tcp-relay", "udp-relay", "gateway", "management"])
      assert.ok(network.reaches(network.pods(name)[0]!, redis!, port), name);
    for (const namespace of [NAMESPACE, "default", "monitoring"]) assert.ok(!network.reaches(stranger(namespace), redis!, port), namespace);
    assert.ok(!network.podReachesAddress(redis!, "1.1.1.1", { port: 443, protocol: "TCP" }));
    assert.ok(!network.reaches(redis!, network.pods("management")[0]!, "grpc"));
  });

  test("admin ports are reached from monitoring only", () => {
    for (const name of ["tcp-relay", "udp-relay", "gateway", "management"]) {
      const [pod] = network.pods(name);
      const container = pod!.containers.find((candidate) => candidate.name === name)!;
      const port = container.ports!.find((candidate) => candidate.name?.startsWith("admin"))!.name!;
      assert.ok(network.reaches(stranger("monitoring"), pod!, port), name);
      assert.ok(!network.reaches(stranger(NAMESPACE), pod!, port), name);
      assert.ok(!network.reaches(stranger("default"), pod!, port), name);
    }
  });

  test("the gateway serves its own namespace, the relays everybody, and gateways reach relays", () => {
    const [gateway] = network.pods("gateway");
    for (const port of gateway!.containers.flatMap(({ ports = [] }) => ports).filter(({ name }) => !name?.startsWith("admin"))) {
      assert.ok(network.reaches(stranger(NAMESPACE), gateway!, port.name!));
      assert.ok(!network.reaches(stranger("default"), gateway!, port.name!));
    }
    for (const name of ["tcp-relay", "udp-relay"]) {
      const [relay] = network.pods(name);
      const open = relay!.containers.find((candidate) => candidate.name === name)!.ports!.filter((port) => !port.name?.startsWith("admin"));
      assert.ok(open.length > 0);
      for (const { name: port } of open) {
        assert.ok(network.reaches(gateway!, relay!, port!), `gateway → ${port}`);
        assert.ok(network.reaches(stranger("anywhere"), relay!, port!), `anybody → ${port}`);
      }
    }
    assert.ok(!network.podReachesAddress(gateway!, "1.1.1.1", { port: 443, protocol: "TCP" }), "only relays go out");
  });

  test("every pod of the release is under a policy for both directions", () => {
    for (const { name, objects } of policed) {
      const every = new Network(objects);
      for (const pod of workloadsOf(objects)) {
        assert.ok(!every.podReachesAddress(pod, "10.9.8.7", { port: 9, protocol: "TCP" }), `${name}: ${pod.owner} may go anywhere`);
        for (const { name: port } of pod.containers
          .flatMap(({ ports = [] }) => ports)
          .filter((candidate) => /^(admin|redis)/.test(candidate.name ?? ""))) {
          assert.ok(!every.reaches(stranger("elsewhere"), pod, port!), `${name}: anybody reaches ${pod.owner} ${port}`);
        }
      }
    }
  });

  test("the test pod reaches what its traffic passes, and its target is reached by relays alone", () => {
    const tests = podsOf(policed.find(({ values }) => values === "no values")!.objects).filter(({ object }) => object.kind === "Pod");
    assert.equal(tests.length, 1);
    const [pod] = tests;
    const [gateway, management, relay] = ["gateway", "management", "tcp-relay"].map((name) => network.pods(name)[0]!);
    assert.ok(network.reaches(pod!, gateway!, portNamed(gateway!, /^proxy$/)));
    assert.ok(network.reaches(pod!, management!, "grpc"));
    for (const { name } of pod!.containers.flatMap(({ ports = [] }) => ports)) {
      assert.ok(network.reaches(relay!, pod!, name!), `relay → test ${name}`);
      assert.ok(!network.reaches(stranger(NAMESPACE), pod!, name!), `stranger → test ${name}`);
      assert.ok(!network.reaches(gateway!, pod!, name!), `gateway → test ${name}`);
    }
  });

  test("name servers are reached, and switching policies off leaves none", async () => {
    const dns: Endpoint = { labels: { "k8s-app": "kube-dns" }, namespace: "kube-system" };
    const policies = ofKind(policed.find(({ values }) => values === "no values")!.objects, "NetworkPolicy");
    for (const name of ["tcp-relay", "udp-relay", "gateway", "management"]) {
      for (const protocol of ["TCP", "UDP"] as const) {
        assert.ok(isAllowed(policies, endpointOf(network.pods(name)[0]!), dns, { port: 53, protocol }), `${name} ${protocol}`);
        assert.ok(!isAllowed(policies, endpointOf(network.pods(name)[0]!), dns, { port: 443, protocol }), `${name} ${protocol}`);
      }
    }
    assert.deepEqual(ofKind(await helm.render({ values: { networkPolicy: { enabled: false } } }), "NetworkPolicy"), []);
  });
});
