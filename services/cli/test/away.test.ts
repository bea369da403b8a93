import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { FleetServiceService as Fleet, GetFleetResponse, PortServiceService as Ports, RpcError } from "@shadowfleet/control-api";
import { findProgram, freePort, startNeverReadingTarget } from "@shadowfleet/testkit";
import { explainUnreachable } from "../src/connection/unreachable.ts";
import { type CommandResult, run, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const answering = (fleet: FakeFleet): FakeFleet => {
  fleet.answer(Fleet.getFleet, () => GetFleetResponse.fromPartial({ version: "0.1.0" }));
  return fleet;
};

const status = (...flags: string[]): Promise<CommandResult> => run(["fleet", "status", ...flags]);

describe("a server that is away", () => {
  test("is named with its address, and it is said what to check", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const { exitCode, err, out } = await status("--server", address);
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.equal(
      err,
      `shadowfleet: no answer from management at ${address}: connection refused (UNAVAILABLE)\n  Is management running there, and is the address right?\n`,
    );
  });

  test("at the default address may not be running at all", () => {
    const { reason, hints } = explainUnreachable("connect ECONNREFUSED 127.0.0.1:9190", {
      address: "127.0.0.1:9190",
      isDefaultAddress: true,
    });
    assert.equal(reason, "connection refused");
    assert.match(hints.join("\n"), /`shadowfleet standalone` .* 127\.0\.0\.1:9190.*\n.*--server HOST:PORT, SHADOWFLEET_SERVER/);
  });

  test("for a reason nobody foresaw is told with that reason", () => {
    assert.equal(explainUnreachable("moon in the way", { address: "a:1", isDefaultAddress: false }).reason, "moon in the way");
  });

  test("under a name that does not resolve", async () => {
    const { exitCode, err } = await status("--server", "management.invalid:9190");
    assert.equal(exitCode, 1);
    assert.match(err, /no answer from management at management\.invalid:9190: the name does not resolve/);
  });

  test("that accepts but says nothing is given up after --timeout", async () => {
    const silent = await startNeverReadingTarget();
    try {
      const startedAt = performance.now();
      const { exitCode, err } = await status("--server", `127.0.0.1:${silent.port}`, "--timeout", "300ms");
      assert.equal(exitCode, 1);
      assert.match(err, /it does not answer \(DEADLINE_EXCEEDED\)/);
      assert.ok(performance.now() - startedAt < 3000);
      await using fleet = answering(await FakeFleet.start());
      const other = await status("--server", `127.0.0.1:${silent.port}`, "--server", fleet.address, "--timeout", "1s");
      assert.equal(other.exitCode, 0, other.err);
    } finally {
      await silent.close();
    }
  });

  test("is passed over when there is another", async () => {
    await using fleet = answering(await FakeFleet.start());
    const { exitCode, err } = await status("--server", `127.0.0.1:${await freePort()}`, "--server", fleet.address);
    assert.deepEqual([exitCode, err], [0, ""]);
  });

  test("that stops is passed over, one that refuses is not", async () => {
    await using stopping = await FakeFleet.start();
    await using other = answering(await FakeFleet.start());
    stopping.answer(Fleet.getFleet, () => {
      throw new RpcError("SERVER_STOPPING", "stopping");
    });
    assert.equal((await status("--server", stopping.address, "--server", other.address)).exitCode, 0);
    stopping.answer(Fleet.getFleet, () => {
      throw new RpcError("STORE_UNAVAILABLE", "the store does not answer");
    });
    const refused = await status("--server", stopping.address, "--server", other.address);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.err, /the store does not answer \(STORE_UNAVAILABLE\)\n {2}Management runs/);
    assert.equal(other.requestsOf(Fleet.getFleet).length, 1);
  });
});

describe("tokens", () => {
  test("come from the file and are sent, not shown", async () => {
    await using fleet = answering(await FakeFleet.start());
    using folder = new ScratchFolder();
    const result = await runAgainst(fleet, ["fleet", "status", "--token-file", folder.write("token", "t0k3n\n")]);
    assert.equal(result.exitCode, 0);
    assert.deepEqual(fleet.metadata?.get("authorization"), ["Bearer t0k3n"]);
    assert.doesNotMatch(result.out + result.err, /t0k3n/);
  });

  test("that are refused or not permitted: it is said what to do", async () => {
    await using fleet = await FakeFleet.start();
    using folder = new ScratchFolder();
    const tokenFile = folder.write("token", "t0k3n\n");
    for (const [code, hint] of [
      ["NOT_AUTHENTICATED", /--token-file FILE, SHADOWFLEET_TOKEN_FILE/],
      ["NOT_PERMITTED", /a token of a role that may do this/],
    ] as const) {
      fleet.answer(Fleet.getFleet, () => {
        throw new RpcError(code, "no");
      });
      const { exitCode, err } = await runAgainst(fleet, ["fleet", "status"], { environment: { SHADOWFLEET_TOKEN_FILE: tokenFile } });
      assert.equal(exitCode, 1);
      assert.match(err, hint);
      assert.doesNotMatch(err, /t0k3n/);
    }
  });

  test("a file that is not there ends it", async () => {
    await using fleet = answering(await FakeFleet.start());
    const { exitCode, err } = await runAgainst(fleet, ["fleet", "status", "--token-file", "/nonexistent/token"]);
    assert.equal(exitCode, 2);
    assert.match(err, /\/nonexistent\/token cannot be read/);
  });
});

test("a management that is older is told apart from one that fails", async () => {
  await using fleet = await FakeFleet.start();
  fleet.answer(Ports.listPorts, () => {
    throw new Error("a bug");
  });
  assert.match((await runAgainst(fleet, ["port", "list"])).err, /\(INTERNAL\)/);
  fleet.unserve(Ports.listPorts);
  assert.match((await runAgainst(fleet, ["port", "list"])).err, /\(UNIMPLEMENTED\)\n {2}The management there is older/);
});

const openssl = findProgram("openssl") === undefined ? "openssl is not installed" : false;

describe("TLS", { skip: openssl }, () => {
  let folder: ScratchFolder;
  let fleet: FakeFleet;
  let server: string;
  let ca: string;

  before(async () => {
    folder = new ScratchFolder();
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:fleet.test,IP:127.0.0.1"];
    const files = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files], { cwd: folder.path, stdio: "pipe" });
    ca = join(folder.path, "cert.pem");
    const pair = { cert_chain: readFileSync(ca), private_key: readFileSync(join(folder.path, "key.pem")) };
    fleet = answering(await FakeFleet.start(ServerCredentials.createSsl(null, [pair])));
    server = `localhost:${fleet.port}`;
  });
  after(async () => {
    await fleet[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test("with the right authority it works, by name, by address, and under another name of the certificate", async () => {
    assert.equal((await status("--server", fleet.address, "--ca", ca)).exitCode, 0);
    assert.equal((await status("--server", server, "--ca", ca)).exitCode, 0);
    assert.equal((await status("--server", fleet.address, "--ca", ca, "--server-name", "fleet.test")).exitCode, 0);
  });

  const WRONG: readonly (readonly [what: string, flags: (facts: { readonly plain: string }) => string[], reason: RegExp])[] = [
    [
      "an authority that is not trusted",
      () => ["--server", server, "--server-name", "localhost"],
      /not from an authority that is trusted here.*\n {2}.*--ca FILE/,
    ],
    [
      "another name",
      () => ["--server", server, "--ca", ca, "--server-name", "other.test"],
      /its certificate is for another name.*\n {2}.*--server-name NAME/,
    ],
    ["plaintext to TLS", () => ["--server", server], /something answers, but not as management does.*\n {2}.*--ca FILE/],
    ["TLS to plaintext", ({ plain }) => ["--server", plain, "--ca", ca], /it does not speak TLS.*\n {2}.*leave out --ca/],
  ];
  for (const [what, flags, reason] of WRONG) {
    test(`${what} is explained`, async () => {
      await using plain = answering(await FakeFleet.start());
      const { exitCode, err } = await status(...flags({ plain: `localhost:${plain.port}` }));
      assert.equal(exitCode, 1);
      assert.match(err, reason);
    });
  }
});
