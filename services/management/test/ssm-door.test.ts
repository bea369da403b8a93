import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type HttpAnswer, type HttpFixture, type Role, startHttp, TOKENS } from "./http-fixture.ts";
import { relayBytes } from "./relayed-bytes.ts";

const STATS = ["downlinkPackets", "downlinkBytes", "uplinkPackets", "uplinkBytes", "tcpSessions", "udpSessions"];

/** Shadowsocks-NET specs 2023-1 §4.3 and §5: whole numbers, all of them. */
function checkStats(stats: Readonly<Record<string, unknown>>): void {
  for (const field of STATS) assert.ok(Number.isSafeInteger(stats[field]), `${field}: ${stats[field]}`);
}

describe("SSM REST v1", () => {
  let fleet: HttpFixture;
  before(async () => {
    const declared = { ports: [{ port: 9000, method: "2022-blake3-aes-128-gcm" }], keys: [], upstreams: [] };
    fleet = await startHttp({ config: { declared } });
  });
  after(() => fleet[Symbol.asyncDispose]());

  const ssm = (method: string, path: string, body?: object, role: Role | undefined = "admin"): Promise<HttpAnswer> => {
    const json = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return fleet.request(`/ssm/v1${path}`, { method, ...json }, role);
  };

  it("says what it is", async () => {
    const { status, json } = await ssm("GET", "/");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ["server", "apiVersion"]);
    assert.match(json.server, /^shadowfleet \d/);
    assert.equal(json.apiVersion, "v1");
    assert.equal((await ssm("GET", "")).status, 200, "without the slash too");
  });

  it("adds, shows, changes and removes users as the standard says", async () => {
    assert.deepEqual((await ssm("GET", "/users")).json, { users: [] });
    const added = await ssm("POST", "/users", { username: "fox", uPSK: "first-secret" });
    assert.equal(added.status, 201);
    assert.deepEqual((await ssm("GET", "/users")).json, { users: [{ username: "fox", uPSK: "first-secret" }] });
    const taken = await ssm("POST", "/users", { username: "fox", uPSK: "other-secret" });
    assert.equal(taken.status, 400);
    assert.deepEqual(Object.keys(taken.json), ["error"]);

    const shown = await ssm("GET", "/users/fox");
    assert.deepEqual(Object.keys(shown.json), ["username", "uPSK", ...STATS]);
    checkStats(shown.json);

    assert.equal((await ssm("PATCH", "/users/fox", { uPSK: "second-secret" })).status, 204);
    assert.equal((await ssm("PATCH", "/users/fox", { uPSK: "second-secret" })).status, 400, "the same as the existing one");
    assert.equal((await ssm("PUT", "/users/fox", { uPSK: "third-secret" })).status, 204, "as sing-box has it");
    assert.equal((await ssm("GET", "/users/fox")).json.uPSK, "third-secret");
    assert.equal((await ssm("PATCH", "/users/fox", {})).status, 400);
    assert.equal((await ssm("POST", "/users", { uPSK: "x" })).status, 400);

    assert.equal((await ssm("DELETE", "/users/fox")).status, 204);
    for (const method of ["GET", "DELETE"]) assert.equal((await ssm(method, "/users/fox")).status, 404, method);
    assert.equal((await ssm("PATCH", "/users/fox", { uPSK: "x" })).status, 404);
  });

  it("takes names that no key can have", async () => {
    const name = "Mr. Fox <fox@example.org>";
    assert.equal((await ssm("POST", "/users", { username: name, uPSK: "a-secret" })).status, 201);
    const path = `/users/${encodeURIComponent(name)}`;
    assert.equal((await ssm("GET", path)).json.username, name);
    assert.equal((await ssm("GET", "/users")).json.users[0].username, name);
    assert.equal((await ssm("DELETE", path)).status, 204);
  });

  it("serves other ports as other servers, with SIP022 keys", async () => {
    const wrong = await ssm("POST", "/servers/9000/users", { username: "owl", uPSK: "no base64" });
    assert.equal(wrong.status, 400);
    const uPSK = Buffer.alloc(16, 7).toString("base64");
    assert.equal((await ssm("POST", "/servers/9000/users", { username: "owl", uPSK })).status, 201);
    assert.deepEqual((await ssm("GET", "/servers/9000/users")).json, { users: [{ username: "owl", uPSK }] });
    assert.equal((await ssm("GET", "/users/owl")).status, 404, "not the default server's");
    assert.equal((await ssm("GET", "/servers/9001/users")).status, 404);
  });

  it("counts what was relayed, and begins anew when asked", async () => {
    await ssm("POST", "/users", { username: "cat", uPSK: "cats-secret" });
    await relayBytes(fleet.store, "cat", 8388, { tcpUp: 10, tcpDown: 200, udpUp: 3, udpDown: 40 });
    const { json } = await ssm("GET", "/stats?clear=true");
    assert.deepEqual(Object.keys(json), [...STATS, "users"]);
    checkStats(json);
    assert.equal(json.uplinkBytes, 13);
    assert.equal(json.downlinkBytes, 240);
    assert.deepEqual(Object.keys(json.users[0]), ["username", ...STATS]);
    assert.equal((await ssm("GET", "/stats")).json.downlinkBytes, 0);
    assert.equal((await ssm("GET", "/users/cat")).json.downlinkBytes, 0);
  });

  it("asks for the same roles, by header or in the path", async () => {
    assert.equal((await fleet.request("/ssm/v1/users")).status, 401);
    const looked = await ssm("GET", "/users", undefined, "viewer");
    assert.deepEqual(
      looked.json.users.map((user: object) => Object.keys(user)),
      looked.json.users.map(() => ["username"]),
      "no secrets for viewers",
    );
    assert.equal((await ssm("POST", "/users", { username: "dog" }, "viewer")).status, 403);
    assert.equal((await ssm("GET", "/stats?clear=true", undefined, "viewer")).status, 403);
    assert.equal((await fleet.request(`/ssm/${TOKENS.admin}/v1/users`)).status, 200);
    assert.equal((await fleet.request("/ssm/wrong-token-0123456789/v1/users")).status, 401);
    const logLines = JSON.stringify(fleet.log.lines);
    for (const secret of [TOKENS.admin, "cats-secret"]) assert.ok(!logLines.includes(secret), "nothing secret is logged");
    assert.match(logLines, /secrets of all access keys shown/);
  });
});
