import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  curlMissingReason,
  isPortFree,
  type RunningProgram,
  runCurl,
  runProgram,
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

let stateHome = "";
beforeEach(() => {
  stateHome = mkdtempSync(join(tmpdir(), "shadowfleet-state-"));
});
afterEach(() => rmSync(stateHome, { recursive: true, force: true }));

/** Keys and counters of this test alone. */
const environment = () => ({ env: { XDG_STATE_HOME: stateHome } });

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
  await using program = startProgram("npm", ["start"], { cwd: ROOT, group: true, ...environment() });
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
    await using program = startNodeScript(MAIN, ["standalone"], environment());
    const printed = await readBanner(program);
    assert.notEqual(printed.proxyPort, 1080);
    assert.doesNotMatch(printed.accessUri, /:8388#/);
    await assertServes(printed);
    assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
  } finally {
    for (const server of squatters) server.close();
  }
});

/** The management port the banner's program chose, from its log. */
async function managementPort(program: RunningProgram): Promise<string> {
  const [, port] = await program.waitForLine(/gRPC API is up .*port=(\d+)/, START_DEADLINE_MS);
  return port!;
}

async function shadowfleet(port: string, ...args: string[]): Promise<Record<string, unknown>> {
  const result = await runProgram(process.execPath, [MAIN, ...args, "--server", `127.0.0.1:${port}`, "--insecure", "--output", "json"]);
  assert.equal(result.code, 0, result.stderr.toString());
  return JSON.parse(result.stdout.toString()) as Record<string, unknown>;
}

test("keys and totals outlive kill -9", NEEDS_CURL, async () => {
  const totalOf = async (port: string): Promise<string> => JSON.stringify(await shadowfleet(port, "traffic", "demo"));
  const linkOf = async (port: string): Promise<string> => String((await shadowfleet(port, "key", "link", "alice")).sip008Url);
  let before: string;
  let uri: unknown;
  let link: string;
  {
    await using program = startNodeScript(MAIN, ["standalone"], environment());
    const printed = await readBanner(program);
    const port = await managementPort(program);
    ({ accessUri: uri } = await shadowfleet(port, "key", "create", "alice"));
    link = await linkOf(port);
    await assertServes(printed);
    // One flush interval may be lost, no more.
    await sleep(2_500);
    before = await totalOf(port);
    assert.match(before, /29/, "the 29 bytes of the UDP exchange are not in the totals");
    program.signal("SIGKILL");
    await program.exited;
  }
  await using again = startNodeScript(MAIN, ["standalone"], environment());
  const printed = await readBanner(again);
  const port = await managementPort(again);
  assert.equal(await totalOf(port), before, "totals do not go on where they were");
  const { accessUri } = await shadowfleet(port, "key", "uri", "alice");
  assert.equal(accessUri, uri);
  const linkNow = await linkOf(port);
  assert.equal(new URL(linkNow).pathname, new URL(link).pathname, "links do not outlive the process");
  assert.match(await (await fetch(linkNow)).text(), /"version": 1,/);
  const [, console] = await again.waitForLine(/REST APIs: (http:\/\/127\.0\.0\.1:\d+\/console\/)$/, START_DEADLINE_MS);
  assert.match(await (await fetch(console!)).text(), /^<!doctype html>/i);
  await assertServes(printed);
  await sleep(2_500);
  assert.notEqual(await totalOf(port), before);
});

test("it says that loopback targets are allowed in this mode", async () => {
  await using program = startNodeScript(MAIN, ["standalone"], environment());
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
  assert.match(wrong.output, /unknown command 'teleport'/);
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
