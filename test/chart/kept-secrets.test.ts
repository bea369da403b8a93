import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { parse } from "yaml";
import { openCluster, withEachHelm } from "./cluster/each-helm.ts";
import { Release } from "./cluster/release.ts";
import { helmMissingReason } from "./helm/binary.ts";
import { chartFolder, startHelms } from "./helm/helm.ts";
import { dataOf } from "./objects/container-files.ts";
import { parseManifest } from "./objects/manifest.ts";
import { at, only } from "./objects/object.ts";

/** Everything the chart can generate. */
const EVERYTHING = {
  redis: { sealing: { enabled: true } },
  management: { tls: { mutual: { enabled: true } }, http: { enabled: true } },
  declared: {
    ports: [{ port: 8388, method: "2022-blake3-aes-256-gcm", identityKey: "generate" }, { port: 8389 }],
    keys: [
      { id: "alice", port: 8388 },
      { id: "bob", port: 8389 },
    ],
  },
};

suite("generated secrets are kept", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  const differences = (before: Record<string, string>, now: Record<string, string>): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((key) => before[key] !== now[key]).sort();

  test("an upgrade rotates none of them, whatever else it changes", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm, { values: EVERYTHING });
      const before = await release.secrets();
      const keys = Object.keys(before).map((key) => key.replace("fleet-shadowfleet-", ""));
      for (const wanted of [
        "tokens admin.token",
        "tokens viewer.token",
        "tokens member.token",
        "management-tls tls.key",
        "management-tls ca.crt",
        "member-tls tls.key",
        "redis-auth redis-password",
        "sealing sealing-key",
        "links link-secret",
        "declared key-gateway",
        "declared key-alice",
        "declared key-bob",
        "declared identity-8388",
      ]) {
        assert.ok(keys.includes(wanted), `${wanted} is not generated: ${keys.join(", ")}`);
      }
      await release.upgrade(helm, {
        values: { ...EVERYTHING, relay: { replicas: 5 }, gateway: { policy: "latency" }, log: { level: "debug" } },
      });
      await release.upgrade(helm, { values: { ...EVERYTHING, relay: { layout: "split" } } });
      assert.deepEqual(differences(before, await release.secrets()), [], helm.name);
    });
  });

  test("two installations have nothing in common", async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async () => {
        await using cluster = await openCluster();
        const release = new Release(cluster);
        await release.install(helms.newest, { values: EVERYTHING });
        return release.secrets();
      }),
    );
    const equal = Object.keys(one!).filter((key) => one![key] === other![key]);
    assert.deepEqual(equal, []);
    for (const [key, value] of Object.entries(one!)) assert.ok(value.length >= 22, `${key} is short`);
  });

  test("a piece that is missing is made, and no other is touched", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      await release.install(helm, { values: EVERYTHING });
      const before = await release.secrets();
      await cluster.edit(await release.object("Secret", /tokens$/), { data: { "viewer.token": null } });
      await cluster.remove(await release.object("Secret", /redis-auth$/));
      await release.upgrade(helm, { values: EVERYTHING });
      const expected = ["fleet-shadowfleet-redis-auth redis-password", "fleet-shadowfleet-tokens viewer.token"];
      assert.deepEqual(differences(before, await release.secrets()), expected, helm.name);
      assert.ok(((await release.secrets())[expected[1]!] ?? "").length >= 32);
      await release.assertLive(helm);
    });
  });

  test("a token that the operator writes into the Secret stays", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      await release.install(helm);
      const mine = Buffer.from("a token of my own, long enough").toString("base64");
      await cluster.edit(await release.object("Secret", /tokens$/), { data: { "admin.token": mine } });
      await release.upgrade(helm, { values: { relay: { replicas: 3 } }, args: helm.major >= 4 ? ["--force-conflicts"] : [] });
      assert.equal((await release.secrets())["fleet-shadowfleet-tokens admin.token"], "a token of my own, long enough", helm.name);
    });
  });

  test("a new key gets a secret, and one that goes takes nothing with it", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      await release.install(helm);
      const before = await release.secrets();
      await release.upgrade(helm, { values: { declared: { keys: [{ id: "carol", port: 8388 }] } } });
      assert.deepEqual(differences(before, await release.secrets()), [
        "fleet-shadowfleet-declared declared.yaml",
        "fleet-shadowfleet-declared key-carol",
      ]);
      const declared = parse((await release.secrets())["fleet-shadowfleet-declared declared.yaml"]!) as {
        keys: { id: string; secret: string }[];
        upstreams: { secret: string }[];
      };
      assert.equal(
        declared.keys.find(({ id }) => id === "carol")!.secret,
        (await release.secrets())["fleet-shadowfleet-declared key-carol"],
      );
      assert.equal(declared.keys.find(({ id }) => id === "gateway")!.secret, declared.upstreams[0]!.secret);
      await release.upgrade(helm);
      assert.deepEqual(differences(before, await release.secrets()), []);
    });
  });

  test("a certificate for more names is signed by the authority that everybody trusts already", async () => {
    await withEachHelm(helms.all, async (helm, release, { namespace }) => {
      await release.install(helm);
      const before = await release.secrets();
      await release.upgrade(helm, {
        values: { management: { tls: { extraDnsNames: ["fleet.example.com"], extraIpAddresses: ["192.0.2.7"] } } },
      });
      const now = await release.secrets();
      assert.deepEqual(
        differences(before, now),
        ["fleet-shadowfleet-management-tls tls.crt", "fleet-shadowfleet-management-tls tls.key"],
        helm.name,
      );
      const certificate = new X509Certificate(now["fleet-shadowfleet-management-tls tls.crt"]!);
      const authority = new X509Certificate(before["fleet-shadowfleet-management-tls ca.crt"]!);
      assert.ok(certificate.verify(authority.publicKey) && certificate.checkIssued(authority));
      for (const name of ["fleet.example.com", `fleet-shadowfleet-management.${namespace}.svc.cluster.local`, "localhost"])
        assert.equal(certificate.checkHost(name), name);
      for (const address of ["192.0.2.7", "127.0.0.1"]) assert.equal(certificate.checkIP(address), address);
    });
  });

  test("a certificate in its last third is renewed, by the same authority", async () => {
    await withEachHelm(helms.all, async (helm, release, cluster) => {
      const values = { management: { tls: { validityDays: 30 } } };
      await release.install(helm, { values });
      const before = await release.secrets();
      await release.upgrade(helm, { values });
      assert.deepEqual(differences(before, await release.secrets()), [], "with all of its time before it");
      const soon = String(Math.floor(Date.now() / 1000) + 9 * 86_400);
      await cluster.edit(await release.object("Secret", /management-tls$/), {
        metadata: { annotations: { "shadowfleet/not-after": soon } },
      });
      await release.upgrade(helm, { values, args: helm.major >= 4 ? ["--force-conflicts"] : [] });
      assert.deepEqual(
        differences(before, await release.secrets()),
        ["fleet-shadowfleet-management-tls tls.crt", "fleet-shadowfleet-management-tls tls.key"],
        helm.name,
      );
    });
  });

  test("rendered for the same cluster, Helm 3 and Helm 4 agree to the last byte of every Secret", async (t) => {
    if (helms.all.length < 2) return t.skip("HELM names a single Helm");
    await using cluster = await openCluster();
    const release = new Release(cluster);
    await release.install(helms.newest, { values: EVERYTHING });
    const manifests = await Promise.all(
      helms.all.map(async (helm) => {
        const args = ["template", "fleet", chartFolder, "--is-upgrade", "--dry-run=server", "--values", await helm.writeValues(EVERYTHING)];
        const { code, stdout, stderr } = await release.run(helm, args);
        assert.equal(code, 0, stderr);
        return parseManifest(stdout);
      }),
    );
    assert.deepEqual(manifests[0], manifests[1]);
    assert.deepEqual(dataOf(only(manifests[0]!, "Secret", /tokens$/)), dataOf(await release.object("Secret", /tokens$/)));
  });

  test("with Secrets of the operator's own, none is generated and none is looked for", async () => {
    await withEachHelm(helms.all, async (helm, release) => {
      const values = {
        secrets: { generate: false },
        management: { tokens: { existingSecret: "mine" }, tls: { existingSecret: "mine" } },
        redis: { auth: { existingSecret: "mine" } },
        declared: { existingSecret: "mine" },
        relay: { ports: [{ port: 8388 }] },
      };
      await release.install(helm, { values });
      assert.deepEqual(await release.secrets(), {});
      const mounted = JSON.stringify((await release.objects()).map((object) => at(object, "spec", "template")));
      assert.match(mounted, /"name":"mine"/);
    });
  });
});
