import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { withEachHelm } from "./cluster/each-helm.ts";
import { FakeCluster, startFakeCluster } from "./cluster/fake-cluster.ts";
import { Release } from "./cluster/release.ts";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { nameOf } from "./objects/object.ts";

suite("installing and testing a release", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  test("helm install makes what the chart says, and tells what to do next", async () => {
    await withEachHelm(helms.all, async (helm, release, { namespace }) => {
      const said = await release.install(helm);
      await release.assertLive(helm);
      for (const text of [
        "STATUS: deployed",
        `kubectl -n ${namespace} get pods -l app.kubernetes.io/instance=fleet`,
        `helm -n ${namespace} test fleet`,
        `kubectl -n ${namespace} get secret fleet-shadowfleet-tokens -o jsonpath='{.data.admin\\.token}' | base64 -d > admin.token`,
        "shadowfleet key create alice --server localhost:9190 --token-file admin.token",
        `curl -x socks5h://fleet-shadowfleet-gateway.${namespace}.svc.cluster.local:1080`,
      ]) {
        assert.ok(said.includes(text), `${helm.name} does not say: ${text}\n${said}`);
      }
    });
  });

  test("values that cannot be used install nothing at all", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      const { code, stderr } = await release.tryInstall(helm, { values: { redis: { enabled: false } } });
      assert.notEqual(code, 0);
      assert.match(stderr, /redis\.external: redis\.enabled is false, so say where Redis is/);
      assert.deepEqual(await cluster.list(), []);
    });
  });

  test("kinds that the cluster does not have are refused by name before anything is made", async () => {
    for (const helm of helms.all) {
      await using cluster = await startFakeCluster({ operators: false });
      const { code, stderr } = await new Release(cluster).tryInstall(helm, { values: { monitoring: { podMonitor: { enabled: true } } } });
      assert.notEqual(code, 0);
      assert.match(stderr, /the cluster does not have monitoring\.coreos\.com\/v1\/PodMonitor; install the Prometheus Operator/);
      assert.deepEqual(await cluster.list(), []);
    }
  });

  test("an old Kubernetes is refused", async () => {
    await using cluster = await startFakeCluster({ kubeVersion: "v1.28.9" });
    const { code, stderr } = await new Release(cluster).tryInstall(helms.newest, {});
    assert.notEqual(code, 0);
    assert.match(stderr, /requires kubeVersion: >=1\.29\.0-0 which is incompatible with Kubernetes v1\.28\.9/);
  });

  test("helm uninstall leaves nothing but what seals the data", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      await release.install(helm, { values: { redis: { sealing: { enabled: true } } } });
      await release.uninstall(helm);
      assert.deepEqual((await cluster.list()).map(nameOf), ["Secret fleet-shadowfleet-sealing"], helm.name);
    });
  });

  test("helm test says what became of the test's pod", async (t) => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      if (!(cluster instanceof FakeCluster)) return t.skip("nothing runs pods there");
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
      assert.notEqual(again.code, 0, helm.name);
      assert.equal(seen.length, 3, "a pod that failed makes room for the next");
    });
  });
});
