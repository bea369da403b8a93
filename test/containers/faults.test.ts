import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { engineMissingReason } from "@shadowfleet/testkit";
import { type Fault, measure } from "../traffic/fault.ts";
import { type FaultFigures, markdownTable } from "../traffic/fault-figures.ts";
import { DATAGRAM_BYTES_PER_SECOND } from "../traffic/load.ts";
import { ContainerFleet, GATEWAY, MANAGEMENTS, TCP_RELAYS, UDP_RELAY } from "./container-fleet.ts";

const reason = engineMissingReason();
const DRAIN = { delayS: 0, timeoutS: 5 };
const LASTS_MS = 3_000;
/** A flush interval is one second, and its timer comes late on a machine that has too much to do. */
const UNFLUSHED_S = 2;

describe("faults of containers under load", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let fleet: ContainerFleet;
  const rows: FaultFigures[] = [];

  before(async () => {
    fleet = await ContainerFleet.start(DRAIN);
  });
  after(async () => {
    await fleet?.[Symbol.asyncDispose]();
    console.log(markdownTable(rows));
  });

  async function suffer(fault: Fault): Promise<FaultFigures> {
    const figures = await measure(fleet, fault);
    rows.push(figures);
    return figures;
  }

  /** Nobody outside noticed, and not a byte is missing from the counters or there twice. */
  function assertUnnoticed({ flows, short, datagrams, balance }: FaultFigures): void {
    assert.equal(flows.lost, 0, "sessions were lost");
    assert.equal(short.failed, 0, "short connections failed");
    assert.equal(datagrams.unanswered, 0, "datagrams were lost");
    assert.equal(balance.difference, 0, "bytes counted more than received");
  }

  test("a relay is killed and started again", async () => {
    const relay = fleet.crew.get(TCP_RELAYS[0]);
    const { flows, short, balance, bytesPerSecond } = await suffer({
      name: "tcp-relay killed (SIGKILL), started again",
      losesCounts: true,
      happen: async () => {
        await relay.kill();
        await sleep(LASTS_MS);
        await relay.start();
      },
    });
    assert.equal(flows.lost, flows.kept, "half of the sessions were the killed relay's, and only they are lost");
    assert.ok(short.failed < short.total / 10, `${short.failed} of ${short.total} short connections failed: the other relay was there`);
    // Half of the traffic was the killed relay's.
    const atMost = (bytesPerSecond / 2) * UNFLUSHED_S;
    assert.ok(Math.abs(balance.difference) <= atMost, `${balance.difference} bytes at ${bytesPerSecond} a second`);
  });

  test("a relay is frozen and thawed", async () => {
    const relay = fleet.crew.get(TCP_RELAYS[0]);
    const { flows, short, balance } = await suffer({
      name: "tcp-relay paused",
      happen: async () => {
        await relay.pause();
        await sleep(LASTS_MS);
        await relay.unpause();
      },
    });
    assert.equal(flows.lost, 0);
    assert.equal(short.failed, 0);
    assert.equal(balance.difference, 0);
  });

  test("the udp-relay is killed and started again", async () => {
    const relay = fleet.crew.get(UDP_RELAY);
    const { flows, short, balance } = await suffer({
      name: "udp-relay killed (SIGKILL), started again",
      losesCounts: true,
      happen: async () => {
        await relay.kill();
        await sleep(1_000);
        await relay.start();
      },
    });
    assert.equal(flows.lost, 0);
    assert.equal(short.failed, 0);
    assert.ok(Math.abs(balance.difference) <= DATAGRAM_BYTES_PER_SECOND * UNFLUSHED_S, `${balance.difference} bytes`);
  });

  test("Redis is frozen and thawed", async () => {
    const redis = fleet.crew.get("redis");
    assertUnnoticed(
      await suffer({
        name: "Redis paused",
        happen: async () => {
          await redis.pause();
          await sleep(LASTS_MS);
          await redis.unpause();
        },
      }),
    );
  });

  test("Redis is killed and comes back with its append-only file", async () => {
    const redis = fleet.crew.get("redis");
    assertUnnoticed(
      await suffer({
        name: "Redis killed (SIGKILL), started again with its AOF",
        happen: async () => {
          await redis.kill();
          await sleep(LASTS_MS);
          await redis.start();
        },
      }),
    );
  });

  test("a relay loses its network to management and Redis, and gets it back", async () => {
    const relay = fleet.crew.get(TCP_RELAYS[0]);
    assertUnnoticed(
      await suffer({
        name: "tcp-relay cut off from management and Redis",
        happen: async () => {
          await relay.disconnect(fleet.networks.control);
          await sleep(LASTS_MS);
          await relay.connect(fleet.networks.control);
        },
      }),
    );
  });

  test("a management is killed and started again", async () => {
    const management = fleet.crew.get(MANAGEMENTS[0]);
    assertUnnoticed(
      await suffer({
        name: "one management of two killed (SIGKILL), started again",
        happen: async () => {
          await management.kill();
          await fleet.cli("key", "create", "made-meanwhile");
          await sleep(LASTS_MS);
          await management.start();
        },
      }),
    );
  });

  test("the gateway is killed and started again", async () => {
    const gateway = fleet.crew.get(GATEWAY);
    const { flows, balance, bytesPerSecond } = await suffer({
      name: "gateway killed (SIGKILL), started again at once",
      losesCounts: true,
      happen: async () => {
        await gateway.kill();
        await gateway.start();
      },
    });
    assert.equal(flows.kept, 0, "its sessions end with it");
    // The relays count on; what they had sent to the dead gateway never arrived.
    assert.ok(Math.abs(balance.difference) <= bytesPerSecond, `${balance.difference} bytes at ${bytesPerSecond} a second`);
  });
});
