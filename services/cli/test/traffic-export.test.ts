import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ExportTrafficResponse, RpcError, TrafficServiceService, toRpcStatus } from "@shadowfleet/control-api";
import { NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const { exportTraffic } = TrafficServiceService;
const HOUR_MS = 3_600_000;
const HEAD = { startTime: new Date(NOW_MS - 2 * HOUR_MS), endTime: new Date(NOW_MS), finalBeforeTime: new Date(NOW_MS - HOUR_MS) };
const row = (accessKeyId: string, hoursAgo: number, tcpDownBytes: bigint) => ({
  accessKeyId,
  hour: new Date(NOW_MS - hoursAgo * HOUR_MS),
  bytes: { tcpUpBytes: 1n, tcpDownBytes, udpUpBytes: 0n, udpDownBytes: 2n },
});

describe("traffic export", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.stream(exportTraffic, (send, call) => {
      send(ExportTrafficResponse.fromPartial({ ...HEAD, rows: [] }));
      send(ExportTrafficResponse.fromPartial({ ...HEAD, rows: [row("alice", 2, 2n ** 60n), row('q"1', 2, 3n)] }));
      send(ExportTrafficResponse.fromPartial({ ...HEAD, rows: [row("alice", 1, 4n)] }));
      call.end();
    });
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("is CSV as RFC 4180 has it, every digit, with a column that says what is final", async () => {
    const { exitCode, out, err } = await runAgainst(fleet, ["traffic", "export"]);
    assert.equal(exitCode, 0, err);
    assert.deepEqual(out.split("\r\n"), [
      "access_key_id,hour,tcp_up_bytes,tcp_down_bytes,udp_up_bytes,udp_down_bytes,final",
      "alice,2026-11-22T22:00:00.000Z,1,1152921504606846976,0,2,true",
      '"q""1",2026-11-22T22:00:00.000Z,1,3,0,2,true',
      "alice,2026-11-22T23:00:00.000Z,1,4,0,2,false",
      "",
    ]);
    assert.match(err, /^3 rows from .*, 1152921504606846992 bytes in all\nHours from .* are not final yet/);
  });

  test("asks for the key and the hours that are said", async () => {
    await runAgainst(fleet, ["traffic", "export", "--key", "alice", "--from", "2026-11-01T00:00Z", "--to", "2026-11-02T00:00Z"]);
    assert.deepEqual(fleet.requestOf(exportTraffic), {
      accessKeyId: "alice",
      startTime: new Date("2026-11-01T00:00:00Z"),
      endTime: new Date("2026-11-02T00:00:00Z"),
    });
  });

  test("is one JSON document with a row a line, which a file gets whole", async () => {
    using folder = new ScratchFolder();
    const file = join(folder.path, "rows.json");
    const { out } = await runAgainst(fleet, ["traffic", "export", "--format", "json", "--output-file", file]);
    assert.equal(out, "");
    const text = readFileSync(file, "utf8");
    assert.equal(text.trimEnd().split("\n").length, 1 + 3 + 1);
    const { rows, ...head } = JSON.parse(text) as { rows: { accessKeyId: string; final: boolean }[] };
    assert.deepEqual(head, JSON.parse(JSON.stringify(HEAD)));
    assert.deepEqual(
      rows.map(({ accessKeyId, final }) => [accessKeyId, final]),
      [
        ["alice", true],
        ['q"1', true],
        ["alice", false],
      ],
    );
    assert.equal((await runAgainst(fleet, ["traffic", "export", "-o", "json"])).out, text);
  });

  test("that breaks fails, and leaves no file", async () => {
    using folder = new ScratchFolder();
    const file = join(folder.path, "rows.csv");
    fleet.stream(exportTraffic, (send, call) => {
      send(ExportTrafficResponse.fromPartial({ ...HEAD, rows: [row("alice", 2, 1n)] }));
      setImmediate(() => call.emit("error", toRpcStatus(new RpcError("STORE_UNAVAILABLE", "gone"))));
    });
    const { exitCode, err } = await runAgainst(fleet, ["traffic", "export", "--output-file", file]);
    assert.equal(exitCode, 1);
    assert.match(err, /STORE_UNAVAILABLE/);
    assert.deepEqual([existsSync(file), existsSync(`${file}.part`)], [false, false]);
    assert.equal(fleet.requestsOf(exportTraffic).length, 1, "it is not begun anew in the middle");
    const nowhere = await runAgainst(fleet, ["traffic", "export", "--output-file", join(folder.path, "no", "where.csv")]);
    assert.equal(nowhere.exitCode, 1);
    assert.match(nowhere.err, /cannot be written: ENOENT/);
  });
});
