import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Upstream } from "@shadowfleet/control-api";
import { eventually } from "@shadowfleet/testkit";
import { explainPick } from "../src/services/pick-explanation.ts";
import { call, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";

const GOOD = { host: "relay.example", port: 8388, method: "aes-128-gcm", secret: "test" };

describe("upstreams", () => {
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement();
  });
  after(() => fleet[Symbol.asyncDispose]());

  const create = (upstream: Partial<Upstream>, more: object = {}) =>
    call(fleet.clients.upstreams, "createUpstream", { upstream: Upstream.fromPartial(upstream), ...more });

  it("are created from fields or from a URI, and never show their secret", async () => {
    const { upstream } = await create({ ...GOOD, displayName: "First" });
    assert.deepEqual([upstream!.id, upstream!.secret, upstream!.failCount], ["relay.example:8388", "", 0]);
    const byUri = await call(fleet.clients.upstreams, "createUpstream", {
      accessUri: "ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1",
    });
    assert.deepEqual(
      [byUri.upstream!.id, byUri.upstream!.method, byUri.upstream!.displayName, byUri.upstream!.secret],
      ["192.168.100.1:8888", "aes-128-gcm", "Example1", ""],
    );
    assert.equal(upstream!.udpHost, "");
    const split = await create({ ...GOOD, id: "split", udpHost: "udp.relay.example" });
    assert.equal(split.upstream!.udpHost, "udp.relay.example");
    await call(fleet.clients.upstreams, "deleteUpstream", { id: "split" });
    const v6 = await create({ ...GOOD, host: "2001:db8::1" });
    assert.equal(v6.upstream!.id, "[2001:db8::1]:8388");
  });

  it("are listed in the order of their creation, in pages, also when the last one of a page is deleted", async () => {
    const first = await call(fleet.clients.upstreams, "listUpstreams", { pageSize: 2 });
    assert.deepEqual(
      first.upstreams.map(({ id }) => id),
      ["relay.example:8388", "192.168.100.1:8888"],
    );
    await call(fleet.clients.upstreams, "deleteUpstream", { id: "192.168.100.1:8888" });
    const second = await call(fleet.clients.upstreams, "listUpstreams", { pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      second.upstreams.map(({ id }) => id),
      ["[2001:db8::1]:8388"],
    );
    assert.equal(second.nextPageToken, "");
  });

  for (const [name, upstream, more, fields] of [
    ["nothing", {}, {}, ["upstream.host", "upstream.method", "upstream.port"]],
    ["a URI beside fields", GOOD, { accessUri: "ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888" }, ["access_uri"]],
    ["a bad host for UDP", { ...GOOD, udpHost: "a b" }, {}, ["upstream.udp_host"]],
    ["a URI that is none", {}, { accessUri: "http://x" }, ["access_uri"]],
    ["a plugin", {}, { accessUri: "ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888/?plugin=obfs-local" }, ["access_uri"]],
    ["an id with spaces and an empty secret", { ...GOOD, id: "a b", secret: "" }, {}, ["upstream.id", "upstream.secret"]],
    ["a stream cipher without leave", { ...GOOD, method: "rc4-md5" }, {}, ["upstream.method"]],
  ] as const) {
    it(`refuse ${name}`, async () => {
      const failure = await failureOf(create(upstream, more));
      assert.equal(failure.status, "INVALID_ARGUMENT");
      assert.deepEqual(failure.fields.map(({ field }) => field).sort(), fields);
    });
  }

  it("exist once, are created once for one request id, and are not found where there are none", async () => {
    const first = await create({ ...GOOD, id: "once" }, { requestId: "r1" });
    assert.deepEqual(await create({ ...GOOD, id: "once" }, { requestId: "r1" }), first);
    assert.equal((await failureOf(create({ ...GOOD, id: "once" }))).status, "ALREADY_EXISTS");
    for (const method of ["getUpstream", "deleteUpstream", "resetCircuit"] as const) {
      assert.equal((await failureOf(call(fleet.clients.upstreams, method, { id: "nobody" }))).status, "NOT_FOUND");
    }
  });

  it("show their failures and when they came, and forget them on reset", async () => {
    await create({ ...GOOD, id: "shaky" });
    for (let count = 0; count < 3; count++) await fleet.store.addFailure("shaky");
    const show = async () => (await call(fleet.clients.upstreams, "getUpstream", { id: "shaky" })).upstream!;
    await eventually("three failures", async () => (await show()).failCount === 3);
    assert.ok(Math.abs((await show()).failCountTime!.getTime() - Date.now()) < 5_000);
    const { upstream } = await call(fleet.clients.upstreams, "resetCircuit", { id: "shaky" });
    assert.equal(upstream!.failCount, 0);
    assert.equal((await fleet.store.readFailCounts()).get("shaky") ?? 0, 0);
  });

  it("are explained in the order of tries", async () => {
    await fleet.store.addFailure("relay.example:8388");
    const explain = async () => (await call(fleet.clients.upstreams, "explainPick", {})).explanations;
    await eventually("a failure", async () => (await explain())[0]!.failCount === 1);
    const explanations = await explain();
    assert.deepEqual(
      explanations.map(({ upstreamId }) => upstreamId),
      ["relay.example:8388", "[2001:db8::1]:8388", "once", "shaky"],
    );
    assert.equal(explanations[0]!.firstPassProbability, 1 / 21);
    assert.match(explanations[0]!.reason, /1 failure since the last success, so it is tried in 1 of 21 requests/);
    assert.equal(explanations[1]!.firstTryProbability, 20 / 21);
    assert.equal(explanations[2]!.firstTryProbability, 0);
  });
});

describe("the classic policy explained", () => {
  const of = (...failCounts: number[]) => explainPick(failCounts.map((failCount, index) => ({ upstreamId: `u${index}`, failCount })));

  it("tries at 1, then 1/(failCnt + 20), down to 1/50", () => {
    assert.deepEqual(
      of(0, 1, 30).map(({ firstPassProbability }) => firstPassProbability),
      [1, 1 / 21, 1 / 50],
    );
  });

  it("gives probabilities of the first try that add up to 1, whatever the counts", () => {
    for (const counts of [[0], [30], [1, 1], [0, 5, 9], [30, 30, 30], [3, 0, 7, 0], Array.from({ length: 50 }, () => 30)]) {
      const sum = of(...counts).reduce((total, { firstTryProbability }) => total + firstTryProbability, 0);
      assert.ok(Math.abs(sum - 1) < 1e-12, `${counts}: ${sum}`);
    }
  });

  it("says that the first of the order is the last resort when all are skipped", () => {
    assert.equal(of(30)[0]!.firstTryProbability, 1);
    const [first, second] = of(10, 10);
    assert.ok(Math.abs(first!.firstTryProbability - (1 / 30 + (29 / 30) ** 2)) < 1e-12);
    assert.ok(Math.abs(second!.firstTryProbability - (29 / 30) * (1 / 30)) < 1e-12);
  });

  it("agrees with what the formula does when it is played", () => {
    const counts = [2, 0, 4];
    const first = [0, 0, 0];
    const rounds = 200_000;
    for (let round = 0; round < rounds; round++) {
      const index = counts.findIndex((count) => count === 0 || Math.floor(Math.random() * (count + 20)) === 0);
      first[index === -1 ? 0 : index]!++;
    }
    for (const [index, { firstTryProbability }] of of(...counts).entries()) {
      assert.ok(Math.abs(first[index]! / rounds - firstTryProbability) < 0.01, `upstream ${index}`);
    }
  });

  it("has nothing to say without upstreams", () => {
    assert.deepEqual(explainPick([]), []);
  });
});
