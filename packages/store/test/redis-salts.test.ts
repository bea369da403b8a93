import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { redisMissingReason, startRedis } from "@shadowfleet/testkit";
import { RedisStore } from "../src/index.ts";
import { rejectsAsUnavailable } from "./conformance/harness.ts";

const salt = Buffer.alloc(32, 5);

/** A link to a server that breaks in place of the next answer, once that is wanted. */
async function startLink(port: number): Promise<{ readonly port: number; isToBreak: boolean; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port });
    const both = [near, far];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        for (const other of both) other.destroy();
      });
    }
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (!link.isToBreak) {
        near.write(bytes);
        return;
      }
      link.isToBreak = false;
      near.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const link = {
    port: (server.address() as AddressInfo).port,
    isToBreak: false,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return link;
}

test("a claim whose answer is lost is not made again, for it would be told that the salt was seen", {
  skip: redisMissingReason() ?? false,
}, async (t) => {
  const server = await startRedis();
  const link = await startLink(server.port);
  const [store, direct] = [new RedisStore({ hosts: [{ host: "127.0.0.1", port: link.port }] }), new RedisStore({ hosts: [server] })];
  t.after(async () => {
    await Promise.all([store.close(), direct.close()]);
    link.close();
    await server.stop();
  });
  await Promise.all([store.ping(), direct.ping()]);
  link.isToBreak = true;
  await rejectsAsUnavailable("the claim", () => store.claimSalt("alice", salt, 60));
  assert.equal(link.isToBreak, false, "the link did not break");
  assert.equal(await direct.claimSalt("alice", salt, 60), false, "it was carried out");
  await store.ping();
  assert.equal(await store.claimSalt("alice", Buffer.alloc(32, 6), 60), true);
});
