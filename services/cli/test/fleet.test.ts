import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FleetServiceService as Fleet, GetFleetResponse, MemberKind } from "@shadowfleet/control-api";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";

const state = GetFleetResponse.fromPartial({
  revision: 42n,
  version: "0.1.0",
  storeAvailable: true,
  members: [
    {
      id: "gw-1",
      kind: MemberKind.MEMBER_KIND_GATEWAY,
      version: "0.1.0",
      epoch: "e1",
      startTime: new Date(NOW_MS - 90_000),
      reportTime: new Date(NOW_MS - 1500),
      appliedRevision: 42n,
      ready: true,
      sessionCount: 5,
    },
    { id: "r1", kind: MemberKind.MEMBER_KIND_TCP_RELAY, version: "0.1.0", appliedRevision: 40n },
    { id: "r2", kind: MemberKind.MEMBER_KIND_UDP_RELAY, version: "0.1.0", appliedRevision: 42n, ready: true, draining: true },
  ],
  conflicts: [{ resource: "access key", id: "alice", reason: "hidden by a declared one" }],
});

describe("fleet", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Fleet.getFleet, () => state);
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("status shows members, who is behind, and what is not in force", async () => {
    assert.equal(
      (await runAgainst(fleet, ["fleet", "status"])).out,
      [
        "management  0.1.0",
        "revision    42",
        "store       answers",
        "",
        "KIND       MEMBER  VERSION  STATE           REVISION  SESSIONS  UP FOR  LAST SEEN",
        "gateway    gw-1    0.1.0    ready                 42         5  1m 30s         1s",
        "tcp-relay  r1      0.1.0    not ready  40 (2 behind)         0       -          -",
        "udp-relay  r2      0.1.0    draining              42         0       -          -",
        "",
        "Configured, but not in force:",
        "WHAT        ID     WHY",
        "access key  alice  hidden by a declared one",
        "",
      ].join("\n"),
    );
  });

  test("status of a fleet of nobody, whose store is away", async () => {
    fleet.answer(Fleet.getFleet, () => GetFleetResponse.fromPartial({ version: "0.1.0" }));
    const { out } = await runAgainst(fleet, ["fleet", "status"]);
    assert.match(out, /^store +does not answer: .*\n\nNo relay or gateway has reported/m);
  });

  test("status as a document", async () => {
    const document = documentOf(await runAgainst(fleet, ["fleet", "status", "-o", "json"])) as { members: unknown[] };
    assert.deepEqual(document.members[0], {
      id: "gw-1",
      kind: "gateway",
      version: "0.1.0",
      epoch: "e1",
      startTime: "2026-11-22T23:58:30.000Z",
      reportTime: "2026-11-22T23:59:58.500Z",
      appliedRevision: 42,
      ready: true,
      draining: false,
      sessionCount: 5,
    });
    assert.deepEqual(Object.keys(document), ["revision", "version", "storeAvailable", "members", "conflicts"]);
  });

  test("YAML says what JSON says", async () => {
    const { out } = await runAgainst(fleet, ["fleet", "status", "-o", "yaml"]);
    assert.match(out, /^revision: 42\nversion: 0\.1\.0\nstoreAvailable: true\nmembers:\n {2}- id: gw-1\n {4}kind: gateway\n/);
  });

  test("drain names the member", async () => {
    fleet.answer(Fleet.drainMember, () => ({}));
    assert.equal((await runAgainst(fleet, ["fleet", "drain", "r1"])).out, "r1 was told to drain.\n");
    assert.deepEqual(fleet.requestOf(Fleet.drainMember), { id: "r1" });
  });
});
