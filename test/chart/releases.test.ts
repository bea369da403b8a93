import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type FakeCluster, startFakeCluster } from "./cluster/fake-cluster.ts";
import { Release } from "./cluster/release.ts";
import { helmMissingReason } from "./helm/binary.ts";
import { chartFolder, type Helm, startHelms } from "./helm/helm.ts";
import { at, nameOf, only } from "./objects/object.ts";

suite("releases in a cluster", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  /** The same with each Helm, each time in a new cluster. */
  async function withEach(use: (helm: Helm, release: Release, cluster: FakeCluster) => Promise<void>): Promise<void> {
    for (const helm of helms.all) {
      await using cluster = await startFakeCluster();
      await use(helm, new Release(cluster), cluster);
    }
  }

  test("helm install makes what the chart says, and tells what to do next", async () => {
    await withEach(async (helm, release) => {
      const said = await release.install(helm);
      await release.assertLive(helm);
      assert.match(said, /STATUS: deployed/);
      assert.match(said, /kubectl -n proxies get pods -l app\.kubernetes\.io\/instance=fleet/);
      assert.match(said, /helm -n proxies test fleet/);
      assert.match(said, /get secret fleet-shadowfleet-tokens -o jsonpath='\{\.data\.admin\\\.token\}'/);
      assert.match(said, /shadowfleet key create alice --server localhost:9190 --token-file admin\.token/);
      assert.match(said, /curl -x socks5h:\/\/fleet-shadowfleet-gateway\.proxies\.svc\.cluster\.local:1080/);
    });
  });

  test("values that cannot be used install nothing at all", async () => {
    await withEach(async (helm, release, cluster) => {
      const { code, stderr } = await release.tryInstall(helm, { values: { redis: { enabled: false } } });
      assert.notEqual(code, 0);
      assert.match(stderr, /redis\.external: redis\.enabled is false, so say where Redis is/);
      assert.deepEqual(cluster.list("proxies"), []);
    });
  });

  test("kinds that the cluster does not have are refused by name before anything is made", async () => {
    for (const helm of helms.all) {
      await using cluster = await startFakeCluster({ operators: false });
      const { code, stderr } = await new Release(cluster).tryInstall(helm, { values: { monitoring: { podMonitor: { enabled: true } } } });
      assert.notEqual(code, 0);
      assert.match(stderr, /the cluster does not have monitoring\.coreos\.com\/v1\/PodMonitor; install the Prometheus Operator/);
      assert.deepEqual(cluster.list("proxies"), []);
    }
  });

  test("an old Kubernetes is refused", async () => {
    await using cluster = await startFakeCluster({ kubeVersion: "v1.28.9" });
    const { code, stderr } = await new Release(cluster).tryInstall(helms.newest, {});
    assert.notEqual(code, 0);
    assert.match(stderr, /requires kubeVersion: >=1\.29\.0-0 which is incompatible with Kubernetes v1\.28\.9/);
  });

  test("an upgrade changes what values change; the same upgrade again writes nothing", async () => {
    await withEach(async (helm, release) => {
      await release.install(helm);
      const before = release.versions();
      const values = { gateway: { policy: "latency" } };
      await release.upgrade(helm, { values });
      await release.assertLive(helm);
      const changed = Object.entries(release.versions())
        .filter(([name, version]) => before[name] !== version)
        .map(([name]) => name);
      assert.deepEqual(changed.sort(), ["ConfigMap fleet-shadowfleet-gateway", "Deployment fleet-shadowfleet-gateway"], helm.name);
      const once = release.versions();
      await release.upgrade(helm, { values });
      assert.deepEqual(release.versions(), once, helm.name);
    });
  });

  test("a rollback gives the first manifest back, in the release and in the cluster", async () => {
    await withEach(async (helm, release) => {
      await release.install(helm);
      const first = await release.manifest(helm);
      const live = release.objects().map(({ kind, metadata, spec, data }) => ({ kind, name: metadata.name, spec, data }));
      await release.upgrade(helm, {
        values: { relay: { layout: "split", ports: [{ port: 9000 }] }, gateway: { enabled: false }, log: { level: "debug" } },
      });
      await release.assertLive(helm);
      assert.notDeepEqual(await release.manifest(helm), first);
      await release.rollback(helm, 1);
      assert.deepEqual(await release.manifest(helm), first, helm.name);
      await release.assertLive(helm);
      assert.deepEqual(
        release.objects().map(({ kind, metadata, spec, data }) => ({ kind, name: metadata.name, spec, data })),
        live,
      );
    });
  });

  test("every layout of the relays can be changed into every other", async () => {
    await withEach(async (helm, release) => {
      await release.install(helm);
      // Round one way with one Helm, the other way round with the other.
      const round = ["split", "daemonset"];
      for (const layout of [...(helm === helms.newest ? round : round.reverse()), "pod"]) {
        await release.upgrade(helm, { values: { relay: { layout } } });
        await release.assertLive(helm);
      }
    });
  });

  test("the next version of the chart can follow this one", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "shadowfleet-next-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    cpSync(chartFolder, folder, { recursive: true });
    const file = join(folder, "Chart.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8")
        .replace(/^version: .*$/m, "version: 9.8.7")
        .replace(/^appVersion: .*$/m, "appVersion: 9.8.7"),
    );
    await withEach(async (helm, release) => {
      await release.install(helm);
      const secrets = release.secrets();
      await release.upgrade(helm, { chart: folder });
      await release.assertLive(helm);
      assert.deepEqual(release.secrets(), secrets);
      assert.match(
        JSON.stringify(at(only(release.objects(), "Deployment", /gateway$/), "spec", "template")),
        /shadowfleet\/gateway:9\.8\.7/,
      );
    });
  });

  test("a release of Helm 3 is carried on by Helm 4", async (t) => {
    const [old] = helms.all;
    if (old === helms.newest) return t.skip("HELM names a single Helm");
    await using cluster = await startFakeCluster();
    const release = new Release(cluster);
    await release.install(old!);
    const secrets = release.secrets();
    await release.upgrade(helms.newest, { values: { relay: { replicas: 3 } } });
    await release.assertLive(helms.newest);
    assert.deepEqual(release.secrets(), secrets);
    await release.upgrade(helms.newest, { values: { relay: { replicas: 4 } }, args: ["--server-side=true", "--force-conflicts"] });
    await release.assertLive(helms.newest);
    await release.rollback(helms.newest, 1);
    await release.assertLive(helms.newest);
  });

  test("replicas that an autoscaler has set stay as they are", async () => {
    await withEach(async (helm, release, cluster) => {
      const values = { relay: { autoscaling: { type: "hpa" } } };
      await release.install(helm, { values });
      await cluster.edit(only(release.objects(), "Deployment", /relay$/), { spec: { replicas: 7 } });
      await release.upgrade(helm, { values: { ...values, relay: { ...values.relay, drainTimeout: "90s" } } });
      assert.equal(at(only(release.objects(), "Deployment", /relay$/), "spec", "replicas"), 7, helm.name);
    });
  });

  test("helm uninstall leaves nothing but what seals the data", async () => {
    await withEach(async (helm, release, cluster) => {
      await release.install(helm, { values: { redis: { sealing: { enabled: true } } } });
      await release.uninstall(helm);
      assert.deepEqual(cluster.list("proxies").map(nameOf), ["Secret fleet-shadowfleet-sealing"]);
    });
  });

  test("helm test says what became of the test's pod", async () => {
    await withEach(async (helm, release, cluster) => {
      await release.install(helm);
      const seen: string[] = [];
      cluster.objects.podFate = (pod) => {
        seen.push(pod.metadata.name);
        return seen.length > 1 ? "Failed" : "Succeeded";
      };
      const good = await release.test(helm);
      assert.equal(good.code, 0, good.stderr);
      assert.match(good.stdout, /TEST SUITE: +fleet-shadowfleet-test/);
      assert.match(good.stdout, /Phase: +Succeeded/);
      const bad = await release.test(helm);
      assert.notEqual(bad.code, 0, helm.name);
      assert.deepEqual([...new Set(seen)], ["fleet-shadowfleet-test"]);
      const again = await release.test(helm);
      assert.notEqual(again.code, 0, "the failed pod is replaced, not kept");
      assert.equal(seen.length, 3);
    });
  });
});
