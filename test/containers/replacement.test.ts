import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { engineMissingReason, eventually } from "@shadowfleet/testkit";
import { Account } from "../traffic/account.ts";
import { Download } from "../traffic/flow.ts";
import { Load } from "../traffic/load.ts";
import { ContainerFleet, TCP_RELAYS } from "./container-fleet.ts";

const reason = engineMissingReason();
const DRAIN = { delayS: 2, timeoutS: 60 };
/** What an orchestrator has to grant. */
const GRACE_S = DRAIN.delayS + DRAIN.timeoutS + 10;
const BYTES_PER_SECOND = 100_000;
/** A gateway uses the addresses of a name for 30 s. Until then it knows the old relay only, as behind a headless service: hence minReadySeconds. */
const NAMES_KNOWN_AFTER_MS = 31_000;
/** Begun while there are only the old relays, and over before these have to be gone, however long the new ones take to start. */
const LONG = { count: 8, seconds: 70 };
/** Begun one after the other while the old relays go. */
const SHORTER = { everyMs: 500, seconds: 2 };

describe("rolling replacement of the relays under load", reason === undefined ? { timeout: 240_000 } : { skip: reason }, () => {
  let fleet: ContainerFleet;
  let load: Load;
  let account: Account;
  let atClients = 0;
  const downloads: Download[] = [];
  let long: Download[] = [];

  before(async () => {
    fleet = await ContainerFleet.start(DRAIN);
    account = await Account.open(fleet);
    load = await Load.start(fleet, { pairs: 0 });
  });
  after(async () => {
    await load?.[Symbol.asyncDispose]();
    await fleet?.[Symbol.asyncDispose]();
  });

  async function download(seconds: number): Promise<Download> {
    const total = seconds * BYTES_PER_SECOND;
    const one = await Download.start({ proxy: fleet.proxy, target: fleet.target.host, bytesPerSecond: BYTES_PER_SECOND, total });
    downloads.push(one);
    return one;
  }

  test("the new relays start under the names of the old ones, and gateways come to know them", async () => {
    long = await Promise.all(Array.from({ length: LONG.count }, () => download(LONG.seconds)));
    await eventually("every download to run", () => long.every(({ received }) => received > 0), 10_000);
    await Promise.all(TCP_RELAYS.map((name) => fleet.crew.addRelay("tcp-relay", `${name}-new`, name)));
    await sleep(NAMES_KNOWN_AFTER_MS);
    assert.deepEqual(load.short.failed, []);
  });

  test("the old ones are told to stop, and no download is lost", async (t) => {
    const running = long.filter(({ received }) => received < LONG.seconds * BYTES_PER_SECOND).length;
    const stopping = { isOver: false };
    const exits = Promise.all(TCP_RELAYS.map((name) => fleet.crew.get(name).stop(GRACE_S))).finally(() => {
      stopping.isOver = true;
    });
    const begun: Download[] = [];
    while (!stopping.isOver) {
      begun.push(await download(SHORTER.seconds));
      await sleep(SHORTER.everyMs);
    }
    const ended = await exits;
    const ends = await Promise.all([...long, ...begun].map((one) => one.ended));
    const told = ended.map(({ exitCode, tookMs }) => `exit code ${exitCode} after ${(tookMs / 1000).toFixed(1)} s`).join(", ");
    t.diagnostic(`${told}; ${running} downloads were running, ${begun.length} began meanwhile`);
    assert.deepEqual(
      ends.filter((end) => end !== "complete"),
      [],
    );
    assert.equal(running, LONG.count, "the downloads were over before the relays were told to stop");
    const longest = Math.max(...ended.map(({ tookMs }) => tookMs));
    assert.ok(longest > (DRAIN.delayS + 1) * 1000, "nobody waited for the downloads");
    for (const [index, { exitCode, tookMs }] of ended.entries()) {
      assert.equal(exitCode, 0, await fleet.crew.get(TCP_RELAYS[index]!).logs());
      assert.ok(tookMs < (DRAIN.delayS + DRAIN.timeoutS) * 1000, "its downloads were over, but it waited for the deadline");
    }
  });

  test("no short connection failed, and the counters are exact", async (t) => {
    await load.finish();
    atClients = load.received + downloads.reduce((sum, { received }) => sum + received, 0);
    const { finished, failed, late } = load.short;
    const slowestMs = Math.max(...finished.map(({ tookMs }) => tookMs));
    t.diagnostic(
      `${finished.length} short connections, ${failed.length} failed, ${late.length} took more than 3 s, the slowest ${slowestMs.toFixed(0)} ms`,
    );
    t.diagnostic(`${load.datagrams.sent} datagrams, ${load.datagrams.lostStartsMs.length} unanswered`);
    const { received, difference } = await account.close(atClients);
    t.diagnostic(`${received} bytes received, counted ${difference} more`);
    assert.deepEqual(failed, []);
    assert.equal(difference, 0);
    const parts = await Promise.all(TCP_RELAYS.map((name) => fleet.api.totalBytes({ $case: "memberId", value: `${name}-new` })));
    assert.ok(
      parts.every((bytes) => bytes > 0),
      `a new relay had nothing to do: ${parts}`,
    );
  });
});
