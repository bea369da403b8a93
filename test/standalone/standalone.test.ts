import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  curlMissingReason,
  isPortFree,
  type RunningProgram,
  runCurl,
  socks5Associate,
  startNodeScript,
  startProgram,
  startUdpEchoTarget,
} from "@shadowfleet/testkit";
import { parseAccessUri } from "@shadowfleet/wire";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = join(ROOT, "services/cli/src/main.ts");
const START_DEADLINE_MS = 60_000;
const reason = curlMissingReason();
const NEEDS_CURL = reason === undefined ? {} : { skip: reason };

/** What a newcomer reads off the output of `npm start`. */
interface Printed {
  readonly curlArgs: string[];
  readonly proxyPort: number;
  readonly accessUri: string;
}

async function readBanner(program: RunningProgram): Promise<Printed> {
  const [accessUri] = await program.waitForLine(/^ss:\/\/.*$/, START_DEADLINE_MS);
  const [curlLine] = await program.waitForLine(/^curl .*$/, START_DEADLINE_MS);
  const proxyPort = Number(/127\.0\.0\.1:(\d+) /.exec(curlLine)?.[1]);
  return { curlArgs: curlLine.split(" ").slice(1), proxyPort, accessUri };
}

async function assertServes({ curlArgs, proxyPort }: Printed): Promise<void> {
  const page = await runCurl(curlArgs);
  assert.equal(page.exitCode, 0, page.stderr);
  assert.match(page.stdout, /^It works/);
  await using echo = await startUdpEchoTarget();
  await using association = await socks5Associate({ proxy: { host: "127.0.0.1", port: proxyPort } });
  const query = Buffer.from("0001010000010000000000000765786d61706c6503636f6d0000010001", "hex");
  association.send({ host: echo.host, port: echo.port }, query);
  const answer = await association.receive();
  assert.deepEqual(answer.payload, query);
  assert.equal(answer.source.port, echo.port);
}

test("npm start: the printed curl line works, UDP works, Ctrl-C ends with 0 and frees every port", NEEDS_CURL, async () => {
  await using program = startProgram("npm", ["start"], { cwd: ROOT, group: true });
  const printed = await readBanner(program);
  const uri = parseAccessUri(printed.accessUri);
  assert.ok(uri.ok);
  await assertServes(printed);
  // What a terminal does: the signal goes to npm, its shell and the fleet alike.
  program.signal("SIGINT");
  assert.deepEqual(await program.exited, { code: 0, signal: null }, program.output);
  assert.ok(await isPortFree(printed.proxyPort), "the gateway's port is still taken");
  assert.ok(await isPortFree(uri.uri.port), "the relay's port is still taken");
});

test("taken default ports are no obstacle: free ones are chosen and printed", NEEDS_CURL, async () => {
  const squatters = await Promise.all([1080, 8388].map(occupy));
  try {
    await using program = startNodeScript(MAIN, ["standalone"]);
    const printed = await readBanner(program);
    assert.notEqual(printed.proxyPort, 1080);
    assert.doesNotMatch(printed.accessUri, /:8388#/);
    await assertServes(printed);
    assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
  } finally {
    for (const server of squatters) server.close();
  }
});

test("it says that loopback targets are allowed in this mode", async () => {
  await using program = startNodeScript(MAIN, ["standalone"]);
  await program.waitForLine(/relays may reach loopback addresses/, START_DEADLINE_MS);
  assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
});

test("a bad configuration is refused with every problem and exit code 2", async () => {
  const program = startNodeScript(MAIN, ["standalone", "--config", join(import.meta.dirname, "two-problems.yaml")]);
  assert.deepEqual(await program.exited, { code: 2, signal: null }, program.output);
  assert.match(program.output, /gateway\.prot: unknown key, did you mean "port"\?/);
  assert.match(program.output, /relay\.method: /);
});

test("an unknown command is refused, and help is offered", async () => {
  const wrong = startNodeScript(MAIN, ["teleport"]);
  assert.deepEqual(await wrong.exited, { code: 2, signal: null });
  assert.match(wrong.output, /no command "teleport"/);
  const help = startNodeScript(MAIN, ["--help"]);
  assert.deepEqual(await help.exited, { code: 0, signal: null });
  for (const command of ["standalone", "gateway", "tcp-relay", "udp-relay", "management"])
    assert.match(help.output, new RegExp(`^  ${command} `, "m"));
  assert.ok(existsSync(join(ROOT, "node_modules/.bin/shadowfleet")), "the shadowfleet command is not linked");
});

/** Listens on the port if nobody else does; either way it is taken. */
function occupy(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("listening", () => resolve(server)).once("error", () => resolve(server));
    server.listen({ host: "127.0.0.1", port });
  });
}
