import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { openCluster, withEachHelm } from "./cluster/each-helm.ts";
import { Release } from "./cluster/release.ts";
import { helmMissingReason } from "./helm/binary.ts";
import { chartFolder, startHelms } from "./helm/helm.ts";
import { at } from "./objects/object.ts";
import { MIXED_PORTS_CHANGE } from "./refusals.ts";

suite("changing a release", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  test("an upgrade changes what values change; the same upgrade again writes nothing", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm);
      const before = await release.versions();
      const values = { gateway: { policy: "latency" } };
      await release.upgrade(helm, { values });
      await release.assertLive(helm);
      const once = await release.versions();
      const changed = Object.keys(once).filter((name) => before[name] !== once[name]);
      assert.deepEqual(changed.sort(), ["ConfigMap fleet-shadowfleet-gateway", "Deployment fleet-shadowfleet-gateway"], helm.name);
      await release.upgrade(helm, { values });
      assert.deepEqual(await release.versions(), once, helm.name);
    });
  });

  test("a rollback gives the first manifest back, in the release and in the cluster", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      // A Service that was gone in between has another address.
      const live = async (): Promise<unknown> =>
        (await release.objects()).map(({ kind, metadata, spec, data }) => [
          kind,
          metadata.name,
          { ...(spec as object), clusterIP: "", clusterIPs: [] },
          data,
        ]);
      await release.install(helm);
      const [first, firstLive] = [await release.manifest(helm), await live()];
      await release.upgrade(helm, { values: { relay: { layout: "split" }, gateway: { enabled: false }, log: { level: "debug" } } });
      await release.assertLive(helm);
      assert.notDeepEqual(await release.manifest(helm), first);
      await release.rollback(helm, 1);
      assert.deepEqual(await release.manifest(helm), first, helm.name);
      await release.assertLive(helm);
      assert.deepEqual(await live(), firstLive, helm.name);
    });
  });

  test("ports come and go, each for TCP and UDP", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm);
      for (const ports of [[9000], [9000, 9001, 9002], [9002], []]) {
        await release.upgrade(helm, { values: { relay: { ports: ports.map((port) => ({ port })) } } });
        await release.assertLive(helm);
      }
    });
  });

  test("ports of one Service for both protocols: Helm 4 changes them, Helm 3 is told that it cannot", async () => {
    const service = { type: "LoadBalancer", mixedProtocol: true };
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm, { values: { relay: { service } } });
      await release.upgrade(helm, { values: { relay: { service: { ...service, annotations: { "example.com/a": "b" } } } } });
      await release.assertLive(helm);
      const { code, stderr } = await release.tryUpgrade(helm, { values: { relay: { service, ports: [{ port: 9000 }] } } });
      if (helm.major > 3) {
        assert.equal(code, 0, stderr);
        await release.assertLive(helm);
      } else {
        assert.notEqual(code, 0);
        assert.ok(stderr.includes(MIXED_PORTS_CHANGE), stderr);
      }
    });
  });

  test("Services get other ports", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm);
      // A real cluster may still have the one of an earlier run.
      const nodePort = 31_000 + Math.floor(Math.random() * 1_000);
      const values = { gateway: { service: { port: 1081, type: "NodePort", nodePort } }, management: { service: { port: 9191 } } };
      await release.upgrade(helm, { values });
      await release.assertLive(helm);
    });
  });

  test("every layout of the relays can be changed into every other", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
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
    const next = readFileSync(file, "utf8").replace(/^(version|appVersion): .*$/gm, "$1: 9.8.7");
    writeFileSync(file, next);
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm);
      const secrets = await release.secrets();
      await release.upgrade(helm, { chart: folder });
      await release.assertLive(helm);
      assert.deepEqual(await release.secrets(), secrets);
      const template = at(await release.object("Deployment", /gateway$/), "spec", "template");
      assert.match(JSON.stringify(template), /shadowfleet\/gateway:9\.8\.7/);
    });
  });

  test("a release of Helm 3 is carried on by Helm 4, with server-side apply as well", async (t) => {
    const [old] = helms.all;
    if (old === helms.newest) return t.skip("HELM names a single Helm");
    await using cluster = await openCluster();
    const release = new Release(cluster);
    await release.install(old!);
    const secrets = await release.secrets();
    await release.upgrade(helms.newest, { values: { relay: { replicas: 3 } } });
    await release.assertLive(helms.newest);
    assert.deepEqual(await release.secrets(), secrets);
    await release.upgrade(helms.newest, { values: { relay: { replicas: 4 } }, args: ["--server-side=true", "--force-conflicts"] });
    await release.assertLive(helms.newest);
    assert.deepEqual(await release.secrets(), secrets);
    await release.rollback(helms.newest, 1);
    await release.assertLive(helms.newest);
  });

  test("replicas that an autoscaler has set stay as they are", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      const relay = { autoscaling: { type: "hpa" } };
      await release.install(helm, { values: { relay } });
      await cluster.edit(await release.object("Deployment", /relay$/), { spec: { replicas: 7 } });
      await release.upgrade(helm, { values: { relay: { ...relay, drainTimeout: "90s" } } });
      assert.equal(at(await release.object("Deployment", /relay$/), "spec", "replicas"), 7, helm.name);
    });
  });
});
