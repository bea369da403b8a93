import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { AccessKey } from "@shadowfleet/control-api";
import { systemEnvironment } from "@shadowfleet/runtime";
import {
  bindUdp,
  closeUdp,
  holdClosedPort,
  openSocket,
  type SocksEndpoint,
  socks5Request,
  startEchoTarget,
  startUdpEchoTarget,
  withDeadline,
} from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientPacketCodec, createClientStream, deriveCredential } from "@shadowfleet/wire";
import { FORBIDDEN_HOST, type KeySecret, type ObservedFleet } from "./observed-fleet.ts";
import { Repetition } from "./repetition.ts";

const PAUSE_MS = 300;
const API_PAUSE_MS = 500;
/** With what Shadowsocks puts around it, more than fits a datagram. */
const LARGEST_PAYLOAD = 65_500;
const SERVED_MS = 5_000;
/** Longer than the relays here listen to a stranger. */
const SILENT_MS = 2_500;
const MOMENT_MS = 100;

/** Everybody else: strangers, replayers, holders of keys who want too much, scripts with mistakes. */
export async function startHostileLoad(observed: ObservedFleet, resources: AsyncDisposableStack): Promise<readonly Repetition[]> {
  const { fleet, api, stranger } = observed;
  const credential = credentialOf(observed.key);
  const relay = { host: "127.0.0.1", port: fleet.relayPort };
  const gateway = fleet.gateways[0]!;
  const echo = resources.use(await startEchoTarget());
  const udpEcho = resources.use(await startUdpEchoTarget());
  const verbose = await startVerboseTarget(resources);
  const closed = await holdClosedPort();
  resources.defer(() => closed.close());
  const forbidden = { host: FORBIDDEN_HOST, port: 80 };
  const sealed = (target: SocksEndpoint, by = credential): Buffer =>
    createClientStream(by, systemEnvironment).sealRequest(addressFrom(target.host, target.port)!, Buffer.from("hello"));
  const datagram = (target: SocksEndpoint): Buffer =>
    createClientPacketCodec(credential, systemEnvironment).seal(addressFrom(target.host, target.port)!, Buffer.from("hello"));
  const { accessKeys } = api.clients;

  return [
    new Repetition("wrong keys", PAUSE_MS, () => sendTcp(relay, randomBytes(200))),
    new Repetition("replays", PAUSE_MS, async () => {
      const bytes = sealed(echo);
      for (let times = 0; times < 2; times++) await sendTcp(relay, bytes);
    }),
    new Repetition("silence", PAUSE_MS, () => sendTcp(relay, Buffer.of(1), SILENT_MS)),
    new Repetition("hanging up", PAUSE_MS, () => sendTcp(relay, Buffer.alloc(0), 0)),
    new Repetition("no proxy protocol", PAUSE_MS, () => sendTcp(gateway, Buffer.of(0, 0))),
    new Repetition("closed targets", PAUSE_MS, () => request(gateway, closed)),
    new Repetition("forbidden targets", PAUSE_MS, () => request(gateway, forbidden)),
    // Each from a port of its own is a session of its own: more than the relay allows a key.
    new Repetition("datagrams", PAUSE_MS, async () => {
      const twice = datagram(udpEcho);
      await sendUdp(relay, [randomBytes(200), twice, twice, datagram(forbidden), datagram(verbose)]);
    }),
    new Repetition("unknown keys of the API", API_PAUSE_MS, () =>
      assert.rejects(api.call(accessKeys, accessKeys.getAccessKey, { id: "nobody" })),
    ),
    new Repetition("calls without a token", API_PAUSE_MS, () =>
      assert.rejects(stranger.call(stranger.clients.accessKeys, stranger.clients.accessKeys.getAccessKey, { id: "alice" })),
    ),
    new Repetition("keys deleted while in use", PAUSE_MS, async () => {
      const { accessKey } = await api.call(accessKeys, accessKeys.createAccessKey, {
        accessKey: AccessKey.fromPartial({ id: "doomed" }),
        requestId: "",
      });
      const own = credentialOf(accessKey!);
      const socket = await openUntilServed(relay, () => sealed(echo, own));
      // Before the deletion: its answer may come after the end.
      const end = ended(socket);
      await api.call(accessKeys, accessKeys.deleteAccessKey, { id: "doomed", resourceVersion: 0n });
      await withDeadline(end, SERVED_MS, "the end of the session");
      socket.destroy();
    }),
  ].map((repetition) => resources.use(repetition));
}

function credentialOf({ method, secret }: KeySecret): Credential {
  const derived = deriveCredential(method, secret);
  assert.ok(derived.ok);
  return derived.credential;
}

/** A session that the relay serves: tried again until the relay knows the key. */
async function openUntilServed(to: SocksEndpoint, bytes: () => Buffer): Promise<Socket> {
  const until = performance.now() + SERVED_MS;
  for (;;) {
    const socket = await openSocket(to);
    socket.write(bytes());
    const answered = once(socket, "data").then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, sleep(MOMENT_MS, false)])) return socket.resume();
    socket.destroy();
    if (performance.now() > until) throw new Error("the relay never served the key");
  }
}

/** However it ends. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("end", resolve).once("close", resolve);
  });
}

/** Sends bytes, stays for a moment and leaves. */
async function sendTcp(to: SocksEndpoint, bytes: Buffer, stayMs = MOMENT_MS): Promise<void> {
  const socket = await openSocket(to);
  socket.resume().write(bytes);
  await sleep(stayMs);
  socket.destroy();
}

/** Answers each datagram with the largest there can be. */
async function startVerboseTarget(resources: AsyncDisposableStack): Promise<SocksEndpoint> {
  const socket = await bindUdp({ host: "127.0.0.1" });
  resources.defer(() => closeUdp(socket));
  socket.on("message", (_, from) => socket.send(Buffer.alloc(LARGEST_PAYLOAD), from.port, from.address));
  return { host: "127.0.0.1", port: socket.address().port };
}

async function request(proxy: SocksEndpoint, target: SocksEndpoint): Promise<void> {
  const { socket } = await socks5Request({ proxy, target });
  socket.resume().write("hello");
  await sleep(MOMENT_MS);
  socket.destroy();
}

async function sendUdp(to: SocksEndpoint, datagrams: readonly Buffer[]): Promise<void> {
  const socket = await bindUdp({ host: "127.0.0.1" });
  for (const datagram of datagrams) socket.send(datagram, to.port, to.host);
  await sleep(MOMENT_MS);
  await closeUdp(socket);
}
