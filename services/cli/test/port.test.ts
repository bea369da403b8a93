import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  FleetServiceService as Fleet,
  GetFleetResponse,
  MemberKind,
  Origin,
  Port,
  PortServiceService as Ports,
  RpcError,
} from "@shadowfleet/control-api";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";

const port = Port.fromPartial({
  port: 8388,
  host: "::",
  method: "chacha20-ietf-poly1305",
  origin: Origin.ORIGIN_DECLARED,
  resourceVersion: 7n,
  createTime: new Date(NOW_MS),
  bindings: [
    { memberId: "r1", bound: true },
    { memberId: "r2", bound: false, error: "EADDRINUSE" },
  ],
  accessKeyCount: 3,
});
const PORT_DOCUMENT = {
  port: 8388,
  host: "::",
  method: "chacha20-ietf-poly1305",
  insecure: false,
  accessKeyCount: 3,
  origin: "declared",
  resourceVersion: 7,
  createTime: "2026-11-23T00:00:00.000Z",
  bindings: [
    { memberId: "r1", bound: true, error: "" },
    { memberId: "r2", bound: false, error: "EADDRINUSE" },
  ],
};

describe("port", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Fleet.getFleet, () => GetFleetResponse.fromPartial({}));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("list shows on how many relays each is bound", async () => {
    const insecure = Port.fromPartial({ ...port, port: 443, method: "aes-256-cfb", insecure: true, bindings: [], accessKeyCount: 0 });
    fleet.answer(Ports.listPorts, () => ({ ports: [insecure, port], nextPageToken: "" }));
    assert.equal(
      (await runAgainst(fleet, ["port", "list"])).out,
      [
        "PORT  HOST  METHOD                  KEYS  BOUND  ORIGIN",
        " 443  ::    aes-256-cfb (insecure)     0      -  declared",
        "8388  ::    chacha20-ietf-poly1305     3    1/2  declared",
        "",
      ].join("\n"),
    );
    fleet.answer(Ports.listPorts, () => ({ ports: [port], nextPageToken: "" }));
    assert.deepEqual(documentOf(await runAgainst(fleet, ["port", "list", "-o", "json"])), { ports: [PORT_DOCUMENT] });
  });

  test("show has a line for every relay", async () => {
    fleet.answer(Ports.getPort, () => ({ port }));
    const { out } = await runAgainst(fleet, ["port", "show", "8388"]);
    assert.match(out, /\n\nRELAY {2}BOUND {2}ERROR\nr1 {5}yes\nr2 {5}no {5}EADDRINUSE\n$/);
    assert.deepEqual(fleet.requestOf(Ports.getPort), { port: 8388 });
    assert.deepEqual(documentOf(await runAgainst(fleet, ["port", "show", "8388", "-o", "json"])), PORT_DOCUMENT);
  });

  test("create shows what each relay said, and fails when one could not bind", async () => {
    fleet.answer(Ports.createPort, () => ({ port }));
    const { exitCode, out, err } = await runAgainst(fleet, ["port", "create", "8388", "--method", "aes-256-gcm", "--host", "192.0.2.1"]);
    assert.equal(exitCode, 1);
    assert.match(out, /^Port 8388 on ::, chacha20-ietf-poly1305\n/);
    assert.match(out, /^r2 +no +EADDRINUSE$/m);
    assert.equal(err, "shadowfleet: port 8388 is not bound on every relay (BIND_FAILED)\n  r2: EADDRINUSE\n");
    const request = fleet.requestOf(Ports.createPort);
    assert.deepEqual(request.port, Port.fromPartial({ port: 8388, method: "aes-256-gcm", host: "192.0.2.1" }));
    assert.match(request.requestId, /^[0-9a-f-]{36}$/);
  });

  test("create succeeds when all bound it, or none is there yet", async () => {
    const answers = [port.bindings.slice(0, 1), []];
    fleet.answer(Ports.createPort, () => ({ port: { ...port, bindings: answers.shift() ?? [] } }));
    const bound = await runAgainst(fleet, ["port", "create", "8388"]);
    const alone = await runAgainst(fleet, ["port", "create", "8388"]);
    assert.deepEqual([bound.exitCode, bound.err, alone.exitCode, alone.err], [0, "", 0, ""]);
    assert.match(alone.out, /No relay has reported on it yet\./);
  });

  test("create tells of relays that have not said anything yet, or are still trying", async () => {
    const relay = { kind: MemberKind.MEMBER_KIND_TCP_RELAY };
    const gateway = { id: "gw", kind: MemberKind.MEMBER_KIND_GATEWAY };
    const members = [
      { ...relay, id: "r1" },
      { ...relay, id: "r2" },
      { ...relay, id: "r3" },
      { ...relay, id: "r4", draining: true },
      gateway,
    ];
    fleet.answer(Fleet.getFleet, () => GetFleetResponse.fromPartial({ members }));
    const bindings = [
      { memberId: "r1", bound: true, error: "" },
      { memberId: "r2", bound: false, error: "" },
    ];
    fleet.answer(Ports.createPort, () => ({ port: { ...port, bindings } }));
    const { exitCode, out, err } = await runAgainst(fleet, ["port", "create", "8388"]);
    assert.equal(exitCode, 0);
    assert.match(out, /^r2 +not yet$/m);
    assert.equal(err, "Note: no word yet from r2, r3; see shadowfleet port show 8388\n");
  });

  test("as JSON the bindings are told, and the failure is a document of its own on stderr", async () => {
    fleet.answer(Ports.createPort, () => ({ port }));
    const { exitCode, out, err } = await runAgainst(fleet, ["port", "create", "8388", "-o", "json"]);
    assert.equal(exitCode, 1);
    assert.deepEqual(JSON.parse(out), PORT_DOCUMENT);
    assert.deepEqual((JSON.parse(err) as { error: { code: string } }).error.code, "BIND_FAILED");
  });

  test("delete of a port with keys says how to delete them too", async () => {
    fleet.answer(Ports.deletePort, ({ force }) => {
      if (!force) throw new RpcError("IN_USE", "port 8388 has 3 access keys");
      return {};
    });
    const refused = await runAgainst(fleet, ["port", "delete", "8388"]);
    assert.equal(refused.exitCode, 1);
    assert.equal(
      refused.err,
      "shadowfleet: port 8388 has 3 access keys (IN_USE)\n  Delete its keys too with: shadowfleet port delete 8388 --force\n",
    );
    const forced = await runAgainst(fleet, ["port", "delete", "8388", "--force"]);
    assert.deepEqual([forced.exitCode, forced.out], [0, "Port 8388 is deleted.\n"]);
  });
});
