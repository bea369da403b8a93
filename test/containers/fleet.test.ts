import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { engineMissingReason, eventually, socks5Request, withDeadline } from "@shadowfleet/testkit";
import { Account } from "../traffic/account.ts";
import { associateThrough } from "../traffic/datagrams.ts";
import { Download } from "../traffic/flow.ts";
import { ECHO_PORT } from "../traffic/target/ports.ts";
import { ContainerFleet, GATEWAY, GATEWAY_KEY, MANAGEMENTS, TCP_RELAYS, UDP_RELAY } from "./container-fleet.ts";

const reason = engineMissingReason();
const MB = 1_000_000;
const DATAGRAM_LENGTHS = [1, 64, 512, 1200];
const DRAIN = { delayS: 1, timeoutS: 10 };
/** Beyond it the engine kills. */
const GRACE_S = 20;

describe("a fleet of containers", reason === undefined ? { timeout: 200_000 } : { skip: reason }, () => {
  let fleet: ContainerFleet;
  let startedInMs = 0;

  before(async () => {
    const startedMs = performance.now();
    fleet = await ContainerFleet.start(DRAIN);
    startedInMs = performance.now() - startedMs;
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  async function members(): Promise<readonly { readonly id: string; readonly ready: boolean }[]> {
    return ((await fleet.cli("fleet", "status")) as { readonly members: { readonly id: string; readonly ready: boolean }[] }).members;
  }

  const address = (): string => fleet.target.container.address(fleet.networks.targets);

  test("comes up, and the command line outside sees every member ready", async (t) => {
    t.diagnostic(`everything ready, with the look at the images, after ${(startedInMs / 1000).toFixed(1)} s`);
    // Members report to management every two seconds.
    await eventually("every member to be ready", async () => (await members()).every(({ ready }) => ready), 20_000);
    assert.deepEqual((await members()).map(({ id }) => id).toSorted(), [GATEWAY, ...TCP_RELAYS, UDP_RELAY]);
  });

  test("clients reach the network of the targets and no other private address: Redis is out of their reach", async () => {
    const { ok, socket } = await socks5Request({ proxy: fleet.proxy, target: { host: "redis", port: 6379 }, deadlineMs: 10_000 });
    assert.ok(ok, "SOCKS5 tells of the way to the relay, which stands");
    socket.resume().write("PING\r\n");
    // The engine's port forwarding makes a FIN of the gateway's reset.
    const ended = new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
    await withDeadline(ended, 10_000, "the end of the connection");
    socket.destroy();
    assert.equal(socket.bytesRead, 2 + 10, "more than the SOCKS5 answers came back");
  });

  test("TCP and UDP through SOCKS5, to an IPv4 address and to a name: the counters equal the bytes", async (t) => {
    const account = await Account.open(fleet);
    let atClients = 0;
    for (const target of [fleet.target.host, address()]) {
      // Two in a row, one through each relay.
      for (let index = 0; index < 2; index++) {
        const download = await Download.start({ proxy: fleet.proxy, target, bytesPerSecond: 10 * MB, total: MB + 7 });
        assert.equal(await download.ended, "complete");
        atClients += download.received;
      }
      await using association = await associateThrough({ proxy: () => fleet.proxy, udpProxy: () => fleet.udpProxy });
      for (const length of DATAGRAM_LENGTHS) {
        const payload = Buffer.alloc(length, "datagram ");
        association.send({ host: target, port: ECHO_PORT }, payload);
        const answer = await association.receive();
        assert.deepEqual(answer.payload, payload);
        atClients += length;
      }
    }
    const { counted, received, difference } = await account.close(atClients);
    t.diagnostic(`${received} bytes received, counted ${difference} more`);
    assert.equal(counted, received);
    const parts = await Promise.all([...TCP_RELAYS, UDP_RELAY].map((value) => fleet.api.totalBytes({ $case: "memberId", value })));
    assert.ok(
      parts.every((bytes) => bytes > 0),
      `a relay had nothing to do: ${parts}`,
    );
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      await fleet.api.totalBytes(),
      "the sum over relays",
    );
  });

  test("a key deleted: its live downloads end within a second", async (t) => {
    const options = { proxy: fleet.proxy, target: fleet.target.host, bytesPerSecond: MB };
    const downloads = [await Download.start(options), await Download.start(options)];
    await eventually("both downloads to run", () => downloads.every(({ received }) => received > MB / 2), 10_000);
    const { accessKeys } = fleet.api.clients;
    await fleet.api.call(accessKeys, accessKeys.deleteAccessKey, { id: GATEWAY_KEY, resourceVersion: 0n });
    const deletedMs = performance.now();
    const ends = await Promise.all(downloads.map(({ ended }) => ended.then((end) => ({ end, tookMs: performance.now() - deletedMs }))));
    const elapsed = Math.max(...ends.map(({ tookMs }) => tookMs));
    t.diagnostic(`deleted to ended, through gateway and relay: ${elapsed.toFixed(0)} ms`);
    assert.deepEqual(
      ends.map(({ end }) => end),
      ["broken", "broken"],
    );
    assert.ok(elapsed < 1_000, `${elapsed} ms`);
  });

  test("SIGTERM: every service ends by itself with exit code 0", async (t) => {
    for (const name of [GATEWAY, ...TCP_RELAYS, UDP_RELAY, ...MANAGEMENTS]) {
      const { exitCode, tookMs } = await fleet.crew.get(name).stop(GRACE_S);
      t.diagnostic(`${name}: exit code ${exitCode} after ${(tookMs / 1000).toFixed(1)} s`);
      assert.equal(exitCode, 0, `${name} after ${tookMs} ms:\n${await fleet.crew.get(name).logs()}`);
      assert.ok(tookMs < (DRAIN.delayS + DRAIN.timeoutS) * 1000, `${name} took ${tookMs} ms with nothing to wait for`);
    }
  });
});
