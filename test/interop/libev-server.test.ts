import { describe, test } from "node:test";
import { freePort, startSsServer } from "@shadowfleet/testkit";
import { startService } from "../fleet-process.ts";
import { downloadThrough, MIB, manyAtOnceThrough, udpEchoThrough, uploadThrough } from "./exchanges.ts";
import { NEEDS_PEER, PEER_METHODS, SECRET } from "./peer-methods.ts";

/** Our gateway in front of ss-server; `await using` stops both. */
async function startChain(method: string): Promise<{ readonly host: string; readonly port: number } & AsyncDisposable> {
  const server = await startSsServer({ method, password: SECRET, udp: true });
  const port = await freePort();
  try {
    const gateway = await startService("gateway", {
      listen: { host: "127.0.0.1", port },
      upstreams: [{ host: "127.0.0.1", port: server.port, method, secret: SECRET }],
      allowInsecureCiphers: true,
    });
    const dispose = async (): Promise<void> => {
      await gateway[Symbol.asyncDispose]();
      await server.stop();
    };
    return { host: "127.0.0.1", port, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

describe("our gateway against ss-server of shadowsocks-libev", NEEDS_PEER, () => {
  for (const method of PEER_METHODS) {
    test(`${method}: 16 MiB up and down by hash, UDP echo`, async () => {
      await using chain = await startChain(method);
      await uploadThrough(chain, 16 * MIB);
      await downloadThrough(chain, 16 * MIB);
      await udpEchoThrough(chain);
    });
  }

  test("200 connections at once", async () => {
    await using chain = await startChain("aes-256-gcm");
    await manyAtOnceThrough(chain, 200, 64 * 1024);
  });
});
