import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { helmMissingReason } from "../chart/helm/binary.ts";
import { startHelms } from "../chart/helm/helm.ts";
import { dataOf } from "../chart/objects/container-files.ts";
import { nameOf, ofKind } from "../chart/objects/object.ts";
import { formsOf, type PlantedSecret, secretsIn } from "./planted-secrets.ts";

/** Everything the chart can generate. */
const EVERYTHING = {
  redis: { sealing: { enabled: true } },
  management: { tls: { mutual: { enabled: true } } },
  declared: {
    ports: [{ port: 8388, method: "2022-blake3-aes-256-gcm", identityKey: "generate" }, { port: 8389 }],
    keys: [
      { id: "alice", port: 8388 },
      { id: "bob", port: 8389 },
    ],
  },
};
/** What everybody may see, and files that hold other secrets, which are looked for by themselves. */
const NO_SECRET = /ca\.crt$|tls\.crt$|config\.yaml$|declared\.yaml$|\.conf$/;

suite("secrets that the chart generates", { skip: helmMissingReason() }, () => {
  test("stand in Secrets alone: not plain, not in base64, not in hex", async () => {
    await using helms = await startHelms();
    const objects = await helms.newest.render({ values: EVERYTHING });
    const secrets: PlantedSecret[] = ofKind(objects, "Secret").flatMap((secret) =>
      Object.entries(dataOf(secret))
        .filter(([key]) => !NO_SECRET.test(key))
        .map(([key, value]) => ({ name: `${nameOf(secret)} ${key}`, forms: formsOf(Buffer.from(value.slice(0, 64))) })),
    );
    assert.ok(secrets.length >= 11, `${secrets.length} secrets`);
    const others = objects.filter(({ kind }) => kind !== "Secret");
    assert.ok(others.some(({ kind }) => kind === "ConfigMap"));
    assert.deepEqual(secretsIn(JSON.stringify(others), secrets), []);
    assert.notDeepEqual(secretsIn(JSON.stringify(objects), secrets), [], "they are found where they stand");
  });
});
