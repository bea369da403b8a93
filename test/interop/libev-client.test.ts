import { after, before, describe, test } from "node:test";
import { freePort, startSsLocal } from "@shadowfleet/testkit";
import { startRelays } from "../fleet-process.ts";
import { downloadThrough, MIB, manyAtOnceThrough, udpEchoThrough, uploadThrough } from "./exchanges.ts";
import { NEEDS_PEER, PEER_METHODS, SECRET } from "./peer-methods.ts";

describe("ss-local of shadowsocks-libev against our relays", NEEDS_PEER, () => {
  const ports = new Map<string, number>();
  let relays: AsyncDisposable;

  before(async () => {
    for (const method of PEER_METHODS) ports.set(method, await freePort());
    relays = await startRelays({
      ports: [...ports].map(([method, port]) => ({ host: "127.0.0.1", port, method, password: SECRET })),
      allowInsecureCiphers: true,
    });
  });
  after(() => relays[Symbol.asyncDispose]());

  const startLocal = (method: string) =>
    startSsLocal({ method, password: SECRET, udp: true, server: { host: "127.0.0.1", port: ports.get(method)! } });

  for (const method of PEER_METHODS) {
    test(`${method}: 16 MiB up and down by hash, UDP echo`, async () => {
      await using local = await startLocal(method);
      await uploadThrough(local, 16 * MIB);
      await downloadThrough(local, 16 * MIB);
      await udpEchoThrough(local);
    });
  }

  test("200 connections at once", async () => {
    await using local = await startLocal("aes-256-gcm");
    await manyAtOnceThrough(local, 200, 64 * 1024);
  });

  test("IPv6 targets, TCP and UDP", async () => {
    await using local = await startLocal("chacha20-ietf-poly1305");
    await uploadThrough(local, MIB, "::1");
    await downloadThrough(local, MIB, "::1");
    await udpEchoThrough(local, "::1");
  });
});
