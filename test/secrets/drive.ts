import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateAccessKeyRequest,
  CreatePortRequest,
  CreateUpstreamRequest,
  fromServiceError,
  RotateSecretRequest,
} from "@shadowfleet/control-api";
import { eventually, redisCli, runCurl, startTcpTarget, withDeadline } from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import type { PlantedFleet } from "./planted-fleet.ts";
import * as planted from "./planted-secrets.ts";

/** For a machine that is busy with much else. */
const DEADLINE_MS = 60_000;
const HOST = "127.0.0.1";
const SIP004 = "chacha20-ietf-poly1305";
const SIP022 = "2022-blake3-aes-256-gcm";
/** With one, the answer is kept for a repetition. */
const REQUEST_ID = "made-by-the-test-of-secrets";
const BODY = "hello from the page\n";

/** Keys, ports and upstreams made at run time, with secrets of ours, and rotated. Shows them once to their maker. */
export async function makeResources(fleet: PlantedFleet): Promise<void> {
  const api = new Api(fleet.ports.management, fleet.access("admin"));
  const { accessKeys, upstreams } = api.clients;
  const carol = CreateAccessKeyRequest.fromPartial({ accessKey: { id: "carol", secret: planted.KEY_PASSWORD }, requestId: REQUEST_ID });
  await api.call(accessKeys, accessKeys.createAccessKey, carol);
  const rotation = { id: "carol", secret: planted.ROTATED_PASSWORD, overlap: { seconds: 600n }, requestId: REQUEST_ID };
  await api.call(accessKeys, accessKeys.rotateSecret, RotateSecretRequest.fromPartial(rotation));
  await api.call(accessKeys, accessKeys.getAccessUri, { id: "carol", host: "" });
  const carols = { id: "carols", host: HOST, port: fleet.ports.spare, method: SIP004, secret: planted.ROTATED_PASSWORD };
  await api.call(upstreams, upstreams.createUpstream, CreateUpstreamRequest.fromPartial({ upstream: carols, requestId: REQUEST_ID }));
  api.close();
  await datagram(fleet, `add: {"server_port": ${fleet.ports.added}, "password": "${planted.DATAGRAM_PASSWORD}"}`);
}

/** What management answers to calls that cannot succeed and have secrets in them; every word of it. */
export async function provokeApiErrors(fleet: PlantedFleet): Promise<string> {
  const said: string[] = [];
  const attempt = async (call: Promise<unknown>): Promise<void> => {
    await call.then(
      () => said.push("OK"),
      (error: Error) => said.push(JSON.stringify([error, error.message, fromServiceError(error as never)])),
    );
  };
  for (const token of ["wrong", "viewer", "relay"]) {
    const api = new Api(fleet.ports.management, fleet.access(token));
    const { accessKeys, fleet: members } = api.clients;
    await attempt(api.call(accessKeys, accessKeys.getAccessUri, { id: "carol", host: "" }));
    if (token !== "viewer") await attempt(api.call(members, members.getFleet, {}));
    api.close();
  }
  const api = new Api(fleet.ports.management, fleet.access("admin"));
  const { accessKeys, upstreams, ports } = api.clients;
  const create = (accessKey: object) =>
    attempt(api.call(accessKeys, accessKeys.createAccessKey, CreateAccessKeyRequest.fromPartial({ accessKey })));
  await create({ id: "declared", secret: planted.REFUSED_SECRET });
  await create({ id: "erin", port: fleet.ports.relay, secret: planted.REFUSED_SECRET });
  await create({ id: "frank", port: fleet.ports.spare, secret: planted.ROTATED_PASSWORD });
  await create({ id: planted.REFUSED_SECRET.toUpperCase(), secret: "\u0000" });
  await attempt(
    api.call(accessKeys, accessKeys.rotateSecret, RotateSecretRequest.fromPartial({ id: "declared", secret: planted.REFUSED_SECRET })),
  );
  const upstream = { id: "bad", host: HOST, port: 1, method: SIP022, secret: planted.REFUSED_SECRET };
  await attempt(api.call(upstreams, upstreams.createUpstream, CreateUpstreamRequest.fromPartial({ upstream })));
  await attempt(api.call(ports, ports.createPort, CreatePortRequest.fromPartial({ port: { port: fleet.ports.relay, method: SIP022 } })));
  api.close();
  said.push(await datagram(fleet, `add: {"server_port": ${fleet.ports.relay}, "password": "${planted.REFUSED_SECRET}"}`));
  said.push(await datagram(fleet, `add: {"password": "${planted.REFUSED_SECRET}"`, false));
  return said.join("\n");
}

/** Every door over HTTP, with what is right and what is wrong; what it said to those who were refused. From now on a link is a secret too. */
export async function knockOnDoors(fleet: PlantedFleet): Promise<string> {
  const said: string[] = [];
  const ask = async (path: string, token: string, ...args: string[]): Promise<string> => {
    const url = `https://${HOST}:${fleet.ports.http}${path}`;
    const flags = ["--cacert", fleet.path("ca.crt"), "--include", "-H", `authorization: Bearer ${token}`, ...args];
    return (await runCurl([...flags, url], { deadlineMs: DEADLINE_MS })).stdout;
  };
  const json = (body: object): string[] => ["-H", "content-type: application/json", "-d", JSON.stringify(body)];
  const rpc = (method: string, body: object, token: string) => ask(`/shadowfleet.v1.AccessKeyService/${method}`, token, ...json(body));
  const config = await rpc("GetAccessConfig", { id: "carol" }, planted.ADMIN_TOKEN);
  const [, link] = /"sip008Url":"https:\/\/[^/]+\/sip008\/([^"]+)"/.exec(config) ?? [];
  if (link === undefined) throw new Error("carol has no link");
  fleet.secrets.push(planted.secretOf("carol's link", link.slice(link.lastIndexOf(".") + 1)));
  const served = [
    await ask(`/sip008/${link}`, ""),
    await ask(`/ssconf/${link}`, ""),
    await ask(`/outline/${planted.ADMIN_TOKEN}/access-keys`, ""),
    await ask(`/ssm/${planted.ADMIN_TOKEN}/v1/users`, ""),
  ];
  for (const answer of served) if (!/^HTTP\/1\.1 200 /.test(answer)) throw new Error(`a door did not open: ${answer.slice(0, 100)}`);
  for (const token of [planted.WRONG_TOKEN, planted.VIEWER_TOKEN, planted.RELAY_TOKEN]) {
    said.push(await rpc("GetAccessConfig", { id: "carol" }, token));
    said.push(await ask(`/ssm/${token}/v1/users`, "", ...json({ username: "x", uPSK: planted.REFUSED_SECRET })));
    said.push(await ask(`/outline/${token}/access-keys/erin`, "", "-X", "PUT", ...json({ password: planted.REFUSED_SECRET, limit: 1 })));
  }
  for (const body of [{ accessKey: { port: planted.REFUSED_SECRET } }, { accessKey: { id: "declared", secret: planted.REFUSED_SECRET } }])
    said.push(await rpc("CreateAccessKey", body, planted.ADMIN_TOKEN));
  said.push(await ask(`/sip008/${link}x`, planted.ADMIN_TOKEN), await ask(`/nowhere/${planted.ADMIN_TOKEN}?t=${planted.ADMIN_TOKEN}`, ""));
  said.push(
    await ask("/ssm/v1/users", planted.ADMIN_TOKEN, "-H", "content-type: application/json", "-d", `{"uPSK": "${planted.REFUSED_SECRET}`),
  );
  said.push(await ask("/ssm/v1/users", planted.ADMIN_TOKEN, ...json({ uPSK: planted.REFUSED_SECRET, username: [planted.REFUSED_SECRET] })));
  return said.join("\n");
}

/** Requests that are served, and all kinds that are not. Returns what the clients saw. */
export async function passTraffic(fleet: PlantedFleet): Promise<string> {
  const page = await startTcpTarget((socket) => {
    socket.once("data", () => socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`));
  });
  const { gateway, lone, relay, classic } = fleet.ports;
  const url = `http://${HOST}:${page.port}/`;
  const curl = async (proxy: string, target: string) => {
    const { stdout, stderr } = await runCurl(["--include", "--max-time", "8", "-x", proxy, target]);
    return stdout + stderr;
  };
  const login = `alice:${planted.USER_PASSWORD}`;
  try {
    const said: string[] = [];
    await eventually(
      "traffic through the fleet",
      async () => (await curl(`socks5h://${login}@${HOST}:${gateway}`, url)).includes(BODY),
      DEADLINE_MS,
    );
    await eventually("traffic through the lone ones", async () => (await curl(`http://${HOST}:${lone}`, url)).includes(BODY), DEADLINE_MS);
    for (const [proxy, target] of [
      [`socks5h://alice:${planted.WRONG_USER_PASSWORD}@${HOST}:${gateway}`, url],
      [`http://alice:${planted.WRONG_USER_PASSWORD}@${HOST}:${gateway}`, url],
      [`http://${login}@${HOST}:${gateway}`, url],
      [`http://${login}@${HOST}:${gateway}`, `http://nowhere.invalid/`],
      [`http://${HOST}:${lone}`, `http://${HOST}:1/`],
      [`http://${HOST}:${lone}`, `http://user:${planted.WRONG_USER_PASSWORD}@nowhere.invalid/`],
    ] as const)
      said.push(await curl(proxy, target));
    for (const port of [relay, classic]) said.push(await babble(port, Buffer.alloc(300, 0x41)));
    return said.join("\n");
  } finally {
    await page.close();
  }
}

/** Files with secrets in the wrong places, reloaded by every process, then the right ones again. */
export async function reloadBadFiles(fleet: PlantedFleet): Promise<void> {
  const good = new Map([...fleet.processes.values()].map(({ configFile }) => [configFile, readFileSync(configFile, "utf8")]));
  const spoil = [
    (text: string) => JSON.stringify({ ...JSON.parse(text), pasword: planted.MISPLACED_SECRET, log: { level: planted.MISPLACED_SECRET } }),
    (text: string) => `${text}\n${planted.MISPLACED_SECRET}: [`,
    (text: string) =>
      JSON.stringify({
        ...JSON.parse(text),
        store: { type: "redis", url: `${planted.MISPLACED_SECRET}://x` },
        users: planted.MISPLACED_SECRET,
      }),
    (text: string) =>
      JSON.stringify({
        ...JSON.parse(text),
        upstreams: [`ss://${planted.MISPLACED_SECRET}`, { secret: planted.MISPLACED_SECRET }],
        server_password: [[planted.MISPLACED_SECRET, "127.0.0.1:1"]],
        port_password: { [planted.MISPLACED_SECRET]: 1 },
      }),
    (text: string) => `? !${planted.MISPLACED_SECRET} "\\q${planted.MISPLACED_SECRET}"\n${text}`,
  ];
  for (const [round, change] of [...spoil, (text: string) => text].entries()) {
    for (const { program, configFile } of fleet.processes.values()) {
      writeFileSync(configFile, change(good.get(configFile)!));
      program.signal("SIGHUP");
    }
    const reloads = (lines: readonly string[]) => lines.filter((line) => /configuration (reloaded|refused)/.test(line)).length;
    await eventually(
      `round ${round} of reloads`,
      () => [...fleet.processes.values()].every(({ program }) => reloads(program.lines) > round),
      DEADLINE_MS,
    );
  }
}

/** Redis asks for another password for a moment, and is away for another: what processes and clients say meanwhile. */
export async function troubleRedis(fleet: PlantedFleet): Promise<string> {
  const { port } = fleet.redis;
  const command = (password: string, ...args: string[]) => redisCli(port, "-a", password, "--no-auth-warning", ...args);
  const api = new Api(fleet.ports.management, fleet.access("admin"));
  const { accessKeys } = api.clients;
  const said: string[] = [];
  const write = (id: string) =>
    api.call(accessKeys, accessKeys.createAccessKey, CreateAccessKeyRequest.fromPartial({ accessKey: { id } })).then(
      () => said.push("OK"),
      (error: Error) => said.push(error.message),
    );
  const manager = () => fleet.process("management");
  await command(planted.REDIS_PASSWORD, "CONFIG", "SET", "requirepass", planted.OTHER_REDIS_PASSWORD);
  await command(planted.OTHER_REDIS_PASSWORD, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually("the store away", async () => (await manager().metrics()).includes("fleet_store_available 0"), DEADLINE_MS);
  const isTold = () => ["management", "tcp-relay"].every((name) => fleet.process(name).program.output.includes("WRONGPASS"));
  await eventually("the refusals in the logs", isTold, DEADLINE_MS);
  await write("during-the-wrong-password");
  said.push(await readyz(fleet));
  await command(planted.OTHER_REDIS_PASSWORD, "CONFIG", "SET", "requirepass", planted.REDIS_PASSWORD);
  await fleet.redis.kill9();
  await sleep(500);
  await write("while-away");
  said.push(await readyz(fleet));
  await fleet.redis.start();
  const isBack = () =>
    api.totalBytes().then(
      () => true,
      () => false,
    );
  await eventually("the store back", isBack, DEADLINE_MS);
  api.close();
  return said.join("\n");
}

async function readyz(fleet: PlantedFleet): Promise<string> {
  return (await fetch(`http://${HOST}:${fleet.process("management").adminPort}/readyz`)).text();
}

/** One command to the UDP management, and its answer where one is due. */
async function datagram(fleet: PlantedFleet, text: string, isAnswered = true): Promise<string> {
  const socket = createSocket("udp4");
  try {
    const answer = once(socket, "message");
    socket.send(text, fleet.ports.datagrams, HOST);
    if (!isAnswered) return "";
    const [message] = (await withDeadline(answer, DEADLINE_MS, "an answer of UDP management")) as [Buffer];
    return message.toString();
  } finally {
    socket.close();
  }
}

/** Bytes that no key opens; what the relay said, which should be nothing. */
async function babble(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ host: HOST, port });
  let said = "";
  socket.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(bytes);
  await sleep(200);
  socket.destroy();
  return said;
}
