import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { redisCli, redisInfoField, redisMissingReason, startRedis, withDeadline } from "../src/index.ts";

describe("startRedis", { skip: redisMissingReason() ?? false }, () => {
  it("starts a server of the test's own and leaves nothing behind", async () => {
    await using server = await startRedis();
    assert.equal(await server.cli("SET", "a", "1"), "OK");
    assert.equal(await redisCli(server.port, "GET", "a"), "1");
    assert.equal(redisInfoField(await server.cli("INFO", "server"), "process_id"), String(server.pid));
    await server.stop();
    assert.equal(existsSync(server.dir), false);
    await assert.rejects(server.cli("PING"), /Could not connect|Connection refused/);
  });

  it("brings it back after kill -9, with its data only when it writes a file", async () => {
    for (const appendonly of [true, false]) {
      await using server = await startRedis({ appendonly });
      await server.cli("SET", "a", "1");
      await server.kill9();
      await server.start();
      assert.equal(await server.cli("EXISTS", "a"), appendonly ? "1" : "0");
    }
  });

  it("makes it hang and go on", async () => {
    await using server = await startRedis();
    server.pause();
    const asked = server.cli("PING");
    await assert.rejects(withDeadline(asked, 300, "an answer"), /nothing within/);
    server.resume();
    assert.equal(await asked, "PONG");
  });

  it("rejects with what it wrote when it cannot start", async () => {
    await assert.rejects(startRedis({ args: ["--no-such-option", "1"] }), /no-such-option/);
  });

  it("rejects when a command fails", async () => {
    await using server = await startRedis();
    await assert.rejects(server.cli("NOSUCHCOMMAND"), /unknown command/);
  });
});
