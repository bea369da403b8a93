import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "@shadowfleet/testkit";
import { type HttpFixture, startHttp, TOKENS } from "./http-fixture.ts";
import { call } from "./management-fixture.ts";

describe("JSON door", () => {
  let fleet: HttpFixture;
  before(async () => {
    fleet = await startHttp();
  });
  after(() => fleet[Symbol.asyncDispose]());

  it("serves what gRPC serves, in canonical JSON both ways", async () => {
    const created = await fleet.rpc("AccessKeyService/CreateAccessKey", {
      accessKey: { id: "alice", displayName: "Alice", expireTime: "2099-01-01T00:00:00Z", allowTargets: ["10.0.0.0/8"] },
    });
    assert.equal(created.status, 200, created.text);
    assert.match(created.json.accessUri, /^ss:\/\//);
    assert.equal(created.json.accessKey.expireTime, "2099-01-01T00:00:00Z");
    assert.equal(created.json.accessKey.state, "ACCESS_KEY_STATE_ACTIVE");
    assert.match(created.json.accessKey.resourceVersion, /^\d+$/, "64-bit numbers are texts");

    const { accessKey } = await call(fleet.clientsWith({ token: TOKENS.admin }).keys, "getAccessKey", { id: "alice" });
    assert.equal(accessKey?.displayName, "Alice", "gRPC sees it");

    const updated = await fleet.rpc("AccessKeyService/UpdateAccessKey", {
      accessKey: { id: "alice", displayName: "Alice B." },
      updateMask: "displayName",
    });
    assert.equal(updated.json.accessKey.displayName, "Alice B.");
    const listed = await fleet.rpc("AccessKeyService/ListAccessKeys", {}, "viewer");
    assert.deepEqual(
      listed.json.accessKeys.map(({ id, secret }: { id: string; secret?: string }) => [id, secret]),
      [["alice", undefined]],
    );
  });

  it("asks for the same roles as gRPC", async () => {
    const nobody = await fleet.request("/shadowfleet.v1.FleetService/GetFleet", post("{}"));
    assert.equal(nobody.status, 401);
    assert.equal(nobody.json.code, "unauthenticated");
    assert.equal(nobody.headers.get("www-authenticate"), "Bearer");
    const viewer = await fleet.rpc("AccessKeyService/GetAccessUri", { id: "alice" }, "viewer");
    assert.equal(viewer.status, 403);
    assert.equal(viewer.json.code, "permission_denied");
    assert.equal((await fleet.rpc("AccessKeyService/GetAccessUri", { id: "alice" })).status, 200);
    const strange = await fleet.rpc("AccessKeyService/CreateAccessKey", { nonsense: "secret" }, "viewer");
    assert.equal(strange.status, 403, "who may not call is not told what is wrong with the request");
  });

  it("tells errors as Connect does, with the fleet's code and the fields", async () => {
    const missing = await fleet.rpc("AccessKeyService/GetAccessKey", { id: "nobody" });
    assert.equal(missing.status, 404);
    assert.equal(missing.json.code, "not_found");
    assert.equal(missing.json.details[0].type, "google.rpc.ErrorInfo");
    assert.deepEqual(missing.json.details[0].debug, { reason: "NOT_FOUND", domain: "shadowfleet" });
    assert.match(missing.json.details[0].value, /^[A-Za-z0-9+/]+$/);

    const wrong = await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { id: "NO!", displayName: "\u0000" } });
    assert.equal(wrong.status, 400);
    const bad = wrong.json.details.find(({ type }: { type: string }) => type === "google.rpc.BadRequest");
    assert.deepEqual(
      bad.debug.fieldViolations.map(({ field }: { field: string }) => field),
      ["access_key.id", "access_key.display_name"],
    );
  });

  it("says what a request has wrong without quoting it", async () => {
    const unknown = await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { nmae: "x" } });
    assert.equal(unknown.status, 400);
    assert.match(unknown.json.message, /AccessKey: key "nmae" is unknown/);
    const value = await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { port: "PLANTED-SECRET" } });
    assert.equal(value.status, 400);
    assert.match(value.json.message, /AccessKey\.port/);
    assert.doesNotMatch(value.text, /PLANTED/);
    for (const [body, type] of [
      ["{", "application/json"],
      ["", "application/json"],
      ["{}", "text/plain"],
      ["[]", "application/json"],
    ] as const) {
      const answer = await fleet.request("/shadowfleet.v1.FleetService/GetFleet", post(body, type), "admin");
      assert.ok(answer.status === 400 || answer.status === 415, `${type} ${body}: ${answer.status}`);
      assert.equal(answer.json.code, "invalid_argument");
    }
    assert.equal((await fleet.rpc("FleetService/Nothing")).status, 404);
    assert.equal((await fleet.request("/shadowfleet.v1.FleetService/GetFleet", {}, "admin")).status, 404);
  });

  it("streams lines of JSON, and ends with the client", async () => {
    const leave = new AbortController();
    const response = await fetch(`${fleet.url}/shadowfleet.v1.TrafficService/WatchTraffic`, {
      ...post("{}"),
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKENS.viewer}` },
      signal: leave.signal,
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^application\/x-ndjson/);
    assert.deepEqual(await firstLine(response), { result: {} });
    leave.abort();
    const attributes = { "rpc.method": "shadowfleet.v1.TrafficService/WatchTraffic", "rpc.status_code": "CANCELLED" };
    await eventually("the call ends", () => fleet.metrics.recorded("rpc.server.call.duration.seconds", attributes).length === 1);
    const refused = await fleet.rpc("TrafficService/WatchTraffic", {}, "relay");
    assert.equal(refused.status, 403);
    const failed = await fleet.rpc("TrafficService/WatchTraffic", { interval: "9000s" }, "viewer");
    assert.equal(JSON.parse(failed.text.trim()).error.code, "invalid_argument");
  });

  it("streams in Connect's frames where a client asks in them", async () => {
    const answer = await fetch(`${fleet.url}/shadowfleet.v1.TrafficService/WatchTraffic`, {
      method: "POST",
      headers: { "content-type": "application/connect+json", authorization: `Bearer ${TOKENS.viewer}` },
      body: Buffer.concat([Buffer.from([0, 0, 0, 0, 20]), Buffer.from('{"interval":"9000s"}')]),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(bytes[0], 2, "the end of the stream");
    assert.equal(bytes.readUInt32BE(1), bytes.length - 5);
    assert.equal(JSON.parse(bytes.toString("utf8", 5)).error.code, "invalid_argument");
  });
});

function post(body: string, type = "application/json"): RequestInit {
  return { method: "POST", headers: { "content-type": type }, body };
}

async function firstLine(response: Response): Promise<unknown> {
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const [line] = text.trimStart().split("\n");
    if (line !== undefined && text.trimStart().includes("\n")) return JSON.parse(line);
  }
  throw new Error("the stream ended");
}
