import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Origin, Upstream, UpstreamServiceService as Upstreams } from "@shadowfleet/control-api";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const URI = "ss://YWVzLTI1Ni1nY206c2VjcmV0@relay.example:8388";

const upstream = Upstream.fromPartial({
  id: "r1",
  host: "relay.example",
  port: 8388,
  method: "aes-256-gcm",
  displayName: "Prague",
  failCount: 3,
  failCountTime: new Date(NOW_MS),
  origin: Origin.ORIGIN_RUNTIME,
  resourceVersion: 9n,
});
const UPSTREAM_DOCUMENT = {
  id: "r1",
  displayName: "Prague",
  host: "relay.example",
  udpHost: "relay.example",
  port: 8388,
  method: "aes-256-gcm",
  failCount: 3,
  failCountTime: "2026-11-23T00:00:00.000Z",
  origin: "runtime",
  resourceVersion: 9,
};

describe("upstream", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Upstreams.createUpstream, () => ({ upstream }));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("list keeps the order of tries", async () => {
    const second = { ...upstream, id: "a-first-by-name", failCount: 0, failCountTime: undefined };
    fleet.answer(Upstreams.listUpstreams, () => ({ upstreams: [upstream, second], nextPageToken: "" }));
    const { out } = await runAgainst(fleet, ["upstream", "list"]);
    assert.match(out, /^ID +NAME +HOST +PORT +METHOD +FAILCNT +CHANGED +ORIGIN\nr1 .* 3 {2}2026-.*\na-first-by-name .* 0 {2}- +runtime\n$/);
    const document = documentOf(await runAgainst(fleet, ["upstream", "list", "-o", "json"]));
    assert.deepEqual(document, {
      upstreams: [UPSTREAM_DOCUMENT, { ...UPSTREAM_DOCUMENT, id: "a-first-by-name", failCount: 0, failCountTime: null }],
    });
  });

  test("add takes a URI, from the command line or from standard input", async () => {
    await runAgainst(fleet, ["upstream", "add", URI, "--id", "r1", "--name", "Prague"]);
    await runAgainst(fleet, ["upstream", "add", "-"], { input: ` ${URI}\n` });
    const [typed, piped] = fleet.requestsOf(Upstreams.createUpstream);
    assert.equal(typed?.accessUri, URI);
    assert.deepEqual(typed?.upstream, Upstream.fromPartial({ id: "r1", displayName: "Prague" }));
    assert.equal(piped?.accessUri, URI);
    assert.notEqual(typed?.requestId, piped?.requestId);
  });

  test("add takes the parts, the secret from a file, and shows no secret", async () => {
    using folder = new ScratchFolder();
    const parts = [
      "--host",
      "relay.example",
      "--port",
      "8388",
      "--method",
      "aes-256-gcm",
      "--secret-file",
      folder.write("s", "correct horse\n"),
    ];
    const result = await runAgainst(fleet, ["upstream", "add", ...parts, "-o", "json"]);
    assert.deepEqual(
      fleet.requestOf(Upstreams.createUpstream).upstream,
      Upstream.fromPartial({ host: "relay.example", port: 8388, method: "aes-256-gcm", secret: "correct horse" }),
    );
    assert.deepEqual(documentOf(result), UPSTREAM_DOCUMENT);
  });

  for (const argv of [[], [URI, "--port", "1"], ["--host", "a.example", "--port", "1", "--method", "aes-256-gcm"]]) {
    test(`add with ${argv.length} words of neither kind cannot be meant`, async () => {
      const { exitCode, err } = await runAgainst(fleet, ["upstream", "add", ...argv]);
      assert.equal(exitCode, 2);
      assert.match(err, /either a URI, or --host, --port, --method and --secret-file/);
      assert.equal(fleet.requestsOf(Upstreams.createUpstream).length, 0);
    });
  }

  test("delete and reset name the one they are for", async () => {
    fleet.answer(Upstreams.deleteUpstream, () => ({}));
    fleet.answer(Upstreams.resetCircuit, () => ({ upstream: { ...upstream, failCount: 0 } }));
    assert.equal((await runAgainst(fleet, ["upstream", "delete", "r1"])).out, "Upstream r1 is deleted.\n");
    assert.match((await runAgainst(fleet, ["upstream", "reset", "r1"])).out, /^r1 +Prague .* 0 {2}2026/m);
    assert.deepEqual([fleet.requestOf(Upstreams.deleteUpstream).id, fleet.requestOf(Upstreams.resetCircuit).id], ["r1", "r1"]);
  });

  test("explain says how likely each is, and why", async () => {
    const explanations = [
      { upstreamId: "r1", failCount: 3, firstPassProbability: 1 / 23, firstTryProbability: 1 / 23, reason: "failed 3 times" },
      { upstreamId: "r2", failCount: 0, firstPassProbability: 1, firstTryProbability: 22 / 23, reason: "no failures" },
    ];
    fleet.answer(Upstreams.explainPick, () => ({ explanations }));
    assert.equal(
      (await runAgainst(fleet, ["upstream", "explain"])).out,
      [
        "UPSTREAM  FAILCNT  TRIED  TRIED FIRST  WHY",
        "r1              3  4.3 %        4.3 %  failed 3 times",
        "r2              0  100 %       95.7 %  no failures",
        "",
      ].join("\n"),
    );
    assert.deepEqual(documentOf(await runAgainst(fleet, ["upstream", "explain", "-o", "json"])), { explanations });
  });
});
