import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parseAccessUri } from "@shadowfleet/wire";
import { type HttpAnswer, type HttpFixture, startHttp, TOKENS } from "./http-fixture.ts";
import { relayBytes } from "./relayed-bytes.ts";

/** As Outline's api.yml has it. */
const KEY_FIELDS = { id: "string", name: "string", password: "string", port: "number", method: "string", accessUrl: "string" };

describe("Outline's access-key API", () => {
  let fleet: HttpFixture;
  before(async () => {
    fleet = await startHttp();
  });
  after(() => fleet[Symbol.asyncDispose]());

  /** As its manager calls it: the token is in the URL. */
  const outline = (method: string, path: string, body?: object): Promise<HttpAnswer> => {
    const json = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return fleet.request(`/outline/${TOKENS.admin}${path}`, { method, ...json });
  };

  it("describes the server", async () => {
    const { json } = await outline("GET", "/server");
    assert.equal(json.hostnameForAccessKeys, "relay.example");
    assert.equal(json.portForNewAccessKeys, 8388);
    assert.equal(json.metricsEnabled, false);
    assert.equal(typeof json.createdTimestampMs, "number");
    assert.match(json.serverId, /^[0-9a-f]{32}$/);
    assert.deepEqual((await outline("GET", "/metrics/enabled")).json, { metricsEnabled: false });
    assert.equal((await outline("PUT", "/metrics/enabled", { metricsEnabled: false })).status, 204);
    for (const [path, body] of [
      ["/name", { name: "x" }],
      ["/server/hostname-for-access-keys", { hostname: "x.example" }],
      ["/server/port-for-new-access-keys", { port: 1 }],
      ["/metrics/enabled", { metricsEnabled: true }],
    ] as const) {
      const answer = await outline("PUT", path, body);
      assert.equal(answer.status, 501, path);
      assert.match(answer.json.message, /configuration/);
    }
  });

  it("makes, lists, renames and deletes keys", async () => {
    const made = await outline("POST", "/access-keys");
    assert.equal(made.status, 201);
    for (const [field, type] of Object.entries(KEY_FIELDS)) assert.equal(typeof made.json[field], type, field);
    assert.match(made.json.accessUrl, /^ss:\/\/[\w-]+@relay\.example:8388\/\?outline=1$/);
    const parsed = parseAccessUri(made.json.accessUrl);
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.uri.password, parsed.uri.method], [made.json.password, made.json.method]);

    const named = await outline("PUT", "/access-keys/bob", {
      name: "Bob",
      method: "chacha20-ietf-poly1305",
      password: "bobs-password",
      limit: { bytes: 5000 },
    });
    assert.equal(named.status, 201);
    assert.deepEqual(
      [named.json.id, named.json.name, named.json.password, named.json.dataLimit],
      ["bob", "Bob", "bobs-password", { bytes: 5000 }],
    );
    assert.equal((await outline("PUT", "/access-keys/bob/name", { name: "Bobby" })).status, 204);
    const { json } = await outline("GET", "/access-keys");
    assert.deepEqual(
      json.accessKeys.map(({ id, name }: { id: string; name: string }) => [id, name]).toSorted(),
      [
        ["bob", "Bobby"],
        [made.json.id, ""],
      ].toSorted(),
    );
    assert.equal((await outline("DELETE", `/access-keys/${made.json.id}`)).status, 204);
    const gone = await outline("DELETE", `/access-keys/${made.json.id}`);
    assert.equal(gone.status, 404);
    assert.equal(gone.json.code, "NotFoundError");
    const other = await outline("POST", "/access-keys", { method: "aes-192-gcm" });
    assert.equal(other.status, 400);
    assert.match(other.json.message, /^method: keys of port 8388 have chacha20-ietf-poly1305$/);
  });

  it("limits by a quota of the last 30 days", async () => {
    assert.equal((await outline("PUT", "/access-keys/bob/data-limit", { limit: { bytes: 10_000 } })).status, 204);
    const { accessKey } = (await fleet.rpc("AccessKeyService/GetAccessKey", { id: "bob" })).json;
    assert.deepEqual(accessKey.limits.quota, { bytes: "10000", rolling: { days: 30 }, action: "QUOTA_ACTION_CUT" });
    assert.deepEqual((await outline("GET", "/access-keys/bob")).json.dataLimit, { bytes: 10_000 });
    assert.equal((await outline("PUT", "/access-keys/bob/data-limit", { limit: { bytes: -1 } })).status, 400);
    assert.equal((await outline("PUT", "/access-keys/nobody/data-limit", { limit: { bytes: 1 } })).status, 404);

    const sip008 = async () => JSON.parse((await fleet.rpc("AccessKeyService/GetAccessConfig", { id: "bob" })).json.sip008);
    await relayBytes(fleet.store, "bob", 8388, { tcpUp: 1_000, tcpDown: 2_000, udpUp: 0, udpDown: 500 });
    const { bytes_used, bytes_remaining } = await sip008();
    assert.deepEqual([bytes_used, bytes_remaining], [3_500, 6_500]);
    assert.deepEqual((await outline("GET", "/metrics/transfer")).json, { bytesTransferredByUserId: { bob: 3_500 } });

    assert.equal((await outline("DELETE", "/access-keys/bob/data-limit")).status, 204);
    assert.equal((await outline("GET", "/access-keys/bob")).json.dataLimit, undefined);
    assert.equal((await sip008()).bytes_remaining, undefined);
    assert.equal((await sip008()).bytes_used, 3_500);
  });

  it("asks for the same roles", async () => {
    assert.equal((await fleet.request("/outline/access-keys")).status, 401);
    assert.equal((await fleet.request("/outline/wrong-token-0123456789/access-keys")).status, 401);
    const looked = await fleet.request(`/outline/${TOKENS.viewer}/access-keys`);
    assert.deepEqual(Object.keys(looked.json.accessKeys[0]), ["id", "name", "port", "method"], "no secrets for viewers");
    assert.equal((await fleet.request(`/outline/${TOKENS.viewer}/access-keys`, { method: "POST" })).status, 403);
    assert.equal((await fleet.request("/outline/access-keys", {}, "admin")).status, 200, "or in the header");
    const logged = JSON.stringify(fleet.log.lines);
    for (const secret of [...Object.values(TOKENS), "bobs-password"]) assert.ok(!logged.includes(secret), "nothing secret is logged");
  });
});
