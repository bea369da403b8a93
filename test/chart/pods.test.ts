import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { type RenderedCase, renderMatrix } from "./matrix.ts";
import { type LabelSelector, selects } from "./objects/label-selector.ts";
import { at } from "./objects/object.ts";
import { type Container, describeContainer, imageName, type Pod, type Probe, podsOf, workloadsOf } from "./objects/pods.ts";

const OWN_IMAGES = ["gateway", "tcp-relay", "udp-relay", "management", "cli"];

/** Whether values brought the container: an init container, or one beside the chart's own. */
const isOperators = (image: string): boolean => ![...OWN_IMAGES, "redis"].includes(imageName(image));

suite("pods", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let rendered: RenderedCase[];
  before(async () => {
    helms = await startHelms();
    rendered = await renderMatrix(helms.newest);
  });
  after(() => helms[Symbol.asyncDispose]());

  function everyPod(check: (pod: Pod, one: RenderedCase) => void, pods = podsOf): void {
    for (const one of rendered) for (const pod of pods(one.objects)) check(pod, one);
  }

  function everyContainer(check: (container: Container, pod: Pod, where: string, one: RenderedCase) => void): void {
    everyPod((pod, one) => {
      for (const container of [...pod.initContainers, ...pod.containers]) {
        check(container, pod, `${one.name}: ${describeContainer(pod, container)}`, one);
      }
    });
  }

  test("each rendering has the services of a fleet", () => {
    for (const { name, objects } of rendered) {
      const images = new Set(workloadsOf(objects).flatMap(({ containers }) => containers.map(({ image }) => imageName(image))));
      for (const image of ["tcp-relay", "udp-relay", "management"]) assert.ok(images.has(image), `${name}: no ${image}`);
    }
  });

  test("every port names its protocol and has a name that Kubernetes takes; names and numbers are unique", () => {
    everyContainer(({ ports = [] }, _pod, where) => {
      for (const { name, protocol } of ports) {
        assert.ok(protocol === "TCP" || protocol === "UDP", `${where}: port ${name} has protocol ${protocol}`);
        assert.match(name ?? "", /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/, where);
      }
    });
    everyPod(({ containers, owner }, { name }) => {
      const ports = containers.flatMap(({ ports = [] }) => ports);
      for (const keys of [ports.map((port) => port.name), ports.map((port) => `${port.containerPort}/${port.protocol}`)]) {
        assert.equal(new Set(keys).size, keys.length, `${name}: ${owner} has ${keys.join(", ")}`);
      }
    });
  });

  test("nothing runs as root, writes to its root file system, or may gain privileges", () => {
    everyPod((pod, { name, values }) => {
      const where = `${name}: ${pod.owner}`;
      const context = (pod.spec.securityContext ?? {}) as Record<string, unknown>;
      assert.equal(context.runAsNonRoot, true, where);
      // Without one, the image's own number counts, or the range that OpenShift gives the namespace.
      const isUserLeftOut = values === "openshift" && context.runAsUser === undefined;
      assert.ok(isUserLeftOut || (Number(context.runAsUser) > 0 && Number(context.runAsGroup) > 0), where);
      assert.deepEqual(context.seccompProfile, { type: "RuntimeDefault" }, where);
      assert.equal(pod.spec.automountServiceAccountToken, false, where);
      for (const field of ["hostNetwork", "hostPID", "hostIPC"]) assert.notEqual(pod.spec[field], true, `${where}: ${field}`);
      assert.deepEqual(
        pod.volumes.filter((volume) => "hostPath" in volume),
        [],
        where,
      );
    });
    everyContainer(({ securityContext = {}, image }, _pod, where) => {
      if (isOperators(image)) return;
      assert.equal(securityContext.allowPrivilegeEscalation, false, where);
      assert.equal(securityContext.readOnlyRootFilesystem, true, where);
      assert.deepEqual(at(securityContext, "capabilities"), { drop: ["ALL"] }, where);
      assert.notEqual(securityContext.privileged, true, where);
    });
  });

  test("images name a version, never `latest`", () => {
    everyContainer(({ image }, _pod, where) => {
      assert.match(image, /(:[\w][\w.-]*(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/, where);
      assert.doesNotMatch(image, /:latest(@|$)/, where);
    });
  });

  test("every container asks for CPU and memory and has a limit of memory", () => {
    everyContainer(({ resources, image }, _pod, where) => {
      if (isOperators(image)) return;
      for (const path of [
        ["requests", "cpu"],
        ["requests", "memory"],
        ["limits", "memory"],
      ]) {
        assert.ok(at(resources, ...path) !== undefined, `${where}: no ${path.join(".")}`);
      }
    });
  });

  test("mounts have a volume, volumes have a mount, and no two mounts share a path", () => {
    everyPod((pod, { name }) => {
      const mounts = [...pod.initContainers, ...pod.containers].map(({ volumeMounts = [] }) => volumeMounts);
      const volumes = pod.volumes.map((volume) => volume.name);
      const mounted = new Set(mounts.flat().map((mount) => mount.name));
      assert.equal(new Set(volumes).size, volumes.length, `${name}: ${pod.owner}: ${volumes.join(", ")}`);
      assert.deepEqual(
        [...mounted].filter((volume) => !volumes.includes(volume)),
        [],
        `${name}: ${pod.owner} mounts what it does not have`,
      );
      assert.deepEqual(
        volumes.filter((volume) => !mounted.has(volume)),
        [],
        `${name}: ${pod.owner} has what it does not mount`,
      );
      for (const list of mounts) {
        const paths = list.map((mount) => mount.mountPath);
        assert.equal(new Set(paths).size, paths.length, `${name}: ${pod.owner}: ${paths.join(", ")}`);
      }
    });
  });

  test("probes ask the admin port, never a Shadowsocks port; liveness asks nothing but the process", () => {
    everyPod((pod, { name }) => {
      for (const container of pod.containers) {
        if (!OWN_IMAGES.includes(imageName(container.image)) || imageName(container.image) === "cli") continue;
        const where = `${name}: ${describeContainer(pod, container)}`;
        const { startupProbe, readinessProbe, livenessProbe } = container;
        for (const probe of [startupProbe, readinessProbe, livenessProbe]) assert.match(adminPortName(container, probe), /^admin/, where);
        assert.equal(startupProbe?.httpGet?.path, "/healthz", where);
        assert.equal(readinessProbe?.httpGet?.path, "/readyz", where);
        assert.equal(livenessProbe?.httpGet?.path, "/healthz", where);
      }
    });
  });

  test("spread constraints are about the pods themselves", () => {
    everyPod((pod, { name }) => {
      // Without a selector a constraint matches no pod, and spreads nothing.
      const constraints = (pod.spec.topologySpreadConstraints ?? []) as readonly { readonly labelSelector?: LabelSelector }[];
      for (const { labelSelector } of constraints) assert.ok(labelSelector && selects(labelSelector, pod.labels), `${name}: ${pod.owner}`);
    }, workloadsOf);
  });
});

/** The name of the container's own port that a probe asks. Anything but HTTP on a named port is none. */
function adminPortName(container: Container, probe: Probe | undefined): string {
  const port = probe?.httpGet?.port;
  const found = container.ports?.find(
    ({ name, containerPort, protocol }) => protocol === "TCP" && (name === port || containerPort === port),
  );
  return found?.name ?? "";
}
