import { describe, test } from "node:test";
import {
  eventually,
  freePort,
  missingProgramsReason,
  socks5Request,
  startEchoTarget,
  startSsLocal,
  startSsServer,
} from "@shadowfleet/testkit";
import { type PluginEnd, startCoveredGateway, startCoveredRelays } from "./covered-services.ts";
import { downloadThrough, MIB, manyAtOnceThrough, type Proxy as ProxyAddress, udpEchoThrough, uploadThrough } from "./exchanges.ts";
import { NEEDS_PEER, SECRET } from "./peer-methods.ts";

const missing =
  missingProgramsReason(["obfs-local", "obfs-server"], "simple-obfs") ??
  missingProgramsReason(["ss-v2ray-plugin"], "shadowsocks-v2ray-plugin");
const NEEDS_PLUGINS = missing === undefined ? NEEDS_PEER : { skip: missing };

const METHOD = "chacha20-ietf-poly1305";
const METHOD_2022 = "2022-blake3-aes-128-gcm";
const SECRET_2022 = Buffer.alloc(16, 7).toString("base64");
const READY_WITHIN_MS = 20_000;
const TRY_MS = 1_000;

const PLUGINS: readonly { readonly name: string; readonly client: PluginEnd; readonly server: PluginEnd }[] = [
  { name: "simple-obfs, http", client: ["obfs-local", "obfs=http;obfs-host=example.com"], server: ["obfs-server", "obfs=http"] },
  { name: "simple-obfs, tls", client: ["obfs-local", "obfs=tls;obfs-host=example.com"], server: ["obfs-server", "obfs=tls"] },
  { name: "v2ray-plugin, websocket", client: ["ss-v2ray-plugin", "path=/chat"], server: ["ss-v2ray-plugin", "server;path=/chat"] },
];

const peerPlugin = ([program, options]: PluginEnd) => ({ program, options });

/** ss-local serves before its plugin does, and leaves a connection that comes too early hanging. */
async function isReady(proxy: ProxyAddress): Promise<boolean> {
  await using echo = await startEchoTarget();
  const { socket } = await socks5Request({ proxy, target: echo });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("data", () => resolve(true));
  socket.on("error", () => {});
  socket.on("close", () => resolve(false));
  const timer = setTimeout(() => resolve(false), TRY_MS);
  socket.write("ready?");
  const answered = await promise;
  clearTimeout(timer);
  socket.destroy();
  return answered;
}

async function exchange(proxy: ProxyAddress): Promise<void> {
  await eventually("both plugins", () => isReady(proxy), READY_WITHIN_MS);
  await uploadThrough(proxy, 2 * MIB);
  await downloadThrough(proxy, 2 * MIB);
  await udpEchoThrough(proxy);
  await manyAtOnceThrough(proxy, 20, 16 * 1024);
}

for (const { name, client, server } of PLUGINS) {
  describe(`SIP003 with ${name}: 2 MiB up and down by hash, 20 connections at once, UDP around it`, NEEDS_PLUGINS, () => {
    test("our gateway to ss-server", async () => {
      await using peer = await startSsServer({ method: METHOD, password: SECRET, udp: true, plugin: peerPlugin(server) });
      await using gateway = await startCoveredGateway(client, { port: peer.port, method: METHOD, secret: SECRET });
      await exchange(gateway);
    });

    test("ss-local to our relays", async () => {
      const place = { port: await freePort(), method: METHOD, secret: SECRET };
      await using _relays = await startCoveredRelays(server, place);
      const far = { host: "127.0.0.1", port: place.port };
      await using local = await startSsLocal({ method: METHOD, password: SECRET, udp: true, server: far, plugin: peerPlugin(client) });
      await exchange(local);
    });

    test("our gateway to our relays, SIP022", async () => {
      const place = { port: await freePort(), method: METHOD_2022, secret: SECRET_2022 };
      await using _relays = await startCoveredRelays(server, place);
      await using gateway = await startCoveredGateway(client, place);
      await exchange(gateway);
    });
  });
}
