import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Upstream } from "@shadowfleet/control-api";
import { type FleetStore, openStore, storeSchema } from "@shadowfleet/store";
import {
  eventually,
  freePort,
  isSignedWith,
  type RedisServer,
  redisMissingReason,
  SecretFolder,
  socks5Request,
  startEchoTarget,
  startNodeScript,
  startRedis,
  type TcpTarget,
  WebhookReceiver,
} from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import { Fleet, type Member, redisStore } from "../fleet/fleet.ts";

const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
const reason = redisMissingReason();

interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

describe("a fleet tells what happens to it", reason === undefined ? {} : { skip: reason, timeout: 240_000 }, () => {
  const secrets = new SecretFolder();
  let redis: RedisServer;
  let store: FleetStore;
  let receiver: WebhookReceiver;
  let echo: TcpTarget;
  let fleet: Fleet;
  let api: Api;

  before(async () => {
    redis = await startRedis();
    store = openStore(storeSchema.parse(redisStore(redis)));
    receiver = await WebhookReceiver.start();
    echo = await startEchoTarget();
    const webhooks = [{ name: "billing", url: receiver.url, secretFile: secrets.file("hook", SECRET), types: ["key.*"] }];
    fleet = await Fleet.start({
      store: redisStore(redis),
      managements: 2,
      tcpRelays: 2,
      gateways: 1,
      settings: { management: { webhooks } },
    });
    api = new Api(fleet.managements[0]!.port);
  });
  after(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
    await echo?.close();
    await receiver?.[Symbol.asyncDispose]();
    await store?.close();
    await redis?.stop();
    secrets[Symbol.dispose]();
  });

  const kept = async (subject: string): Promise<ToldEvent[]> =>
    (await store.readEvents("", 1_000)).filter((event) => event.subject === subject) as unknown as ToldEvent[];
  const typesOf = async (subject: string): Promise<string[]> => (await kept(subject)).map(({ type }) => type);
  const told = (subject: string, ...types: readonly string[]) =>
    eventually(`${subject}: ${types}`, async () => (await typesOf(subject)).join() === types.join(), 40_000);

  /** A server at that address, whatever the URI says. */
  async function addUpstream(id: string, accessUri: string, address: string): Promise<void> {
    const { upstreams } = api.clients;
    const upstream = Upstream.fromPartial({ id });
    await api.call(upstreams, upstreams.createUpstream, {
      upstream,
      accessUri: accessUri.replace(/@[^#/?]*/, `@${address}`),
      requestId: "",
    });
  }

  /** Sends through the gateway until the relay lets no more pass. */
  async function useUp(): Promise<void> {
    await eventually(
      "the cut",
      async () => {
        const { ok, socket } = await socks5Request({ proxy: fleet.gateways[0]!, target: echo });
        if (!ok) return false;
        socket.on("error", () => {});
        socket.resume();
        const chunk = Buffer.alloc(65_536);
        for (let sent = 0; !socket.destroyed && sent < 64; sent++) await new Promise((resolve) => socket.write(chunk, resolve));
        await eventually("its end", () => socket.destroyed, 2_000).catch(() => socket.destroy());
        return (await typesOf("alice")).includes("key.cut");
      },
      30_000,
    );
  }

  test("a relay is killed, an upstream fails and comes back, a quota is used up, while somebody follows", async (t) => {
    const management = `127.0.0.1:${fleet.managements[0]!.port}`;
    const follower = startNodeScript(CLI, ["events", "--follow", "--last", "10", "--server", management, "--insecure"]);
    t.after(() => follower.stop());
    await told("tcp-relay-1", "relay.joined");
    await told("tcp-relay-2", "relay.joined");
    await fleet.tcpRelays[1]!.kill();
    const killedMs = performance.now();

    // Nobody listens there yet.
    const port = await freePort();
    const { accessUri } = (await fleet.cli("key", "create", "alice", "--quota", "2MB/day")) as { readonly accessUri: string };
    await addUpstream("u1", accessUri, `127.0.0.1:${port}`);
    const ask = async (): Promise<void> => {
      const { socket } = await socks5Request({ proxy: fleet.gateways[0]!, target: echo });
      socket.destroy();
    };
    const failCount = async (): Promise<number> => (await store.readFailCounts()).get("u1") ?? 0;
    await eventually("three failures", () => ask().then(async () => (await failCount()) >= 3), 20_000);
    await told("u1", "upstream.down");
    await using revived = await startEchoTarget({ port });
    await eventually("a success", () => ask().then(async () => revived.accepted > 0 && (await failCount()) === 0), 20_000);
    await told("u1", "upstream.down", "upstream.up");

    await api.call(api.clients.upstreams, api.clients.upstreams.deleteUpstream, { id: "u1" });
    await addUpstream("r1", accessUri, `${fleet.tcpRelays[0]!.host}:${fleet.relayPort}`);
    await useUp();
    await told("alice", "key.created", "key.quota.80", "key.quota.90", "key.quota.100", "key.cut");

    await told("tcp-relay-2", "relay.joined", "relay.left");
    t.diagnostic(`told ${((performance.now() - killedMs) / 1_000).toFixed(1)} s after the kill`);
    assert.deepEqual((await kept("tcp-relay-2"))[1]!.details, {
      kind: "tcp-relay",
      version: (await kept("tcp-relay-2"))[0]!.details.version,
      drained: false,
    });
    assert.deepEqual(await typesOf("tcp-relay-1"), ["relay.joined"]);
    for (const line of [
      / relay\.joined {2}tcp-relay-1 /,
      / key\.created {2}alice /,
      / key\.cut {2}alice /,
      / upstream\.down {2}u1 /,
      / upstream\.up {2}u1 /,
      / relay\.left {2}tcp-relay-2 /,
    ])
      await follower.waitForLine(line, 5_000);
    const { events } = (await fleet.cli("events", "--type", "relay.*", "--type", "upstream.*")) as {
      readonly events: readonly ToldEvent[];
    };
    assert.deepEqual(events.map(({ type }) => type).toSorted(), [
      "relay.joined",
      "relay.joined",
      "relay.left",
      "upstream.down",
      "upstream.up",
    ]);
  });

  /** Whoever has the webhook's turn shows how far behind it is. */
  async function deliverer(): Promise<Member> {
    let found: Member | undefined;
    const look = async (): Promise<boolean> => {
      for (const member of fleet.managements) {
        const isAlive = member.process.program.isRunning;
        if (isAlive && /^fleet_webhook_lag_seconds\{[^}]*webhook="billing"/m.test(await member.process.metrics())) found = member;
      }
      return found !== undefined;
    };
    await eventually("a replica that delivers", look, 20_000);
    return found!;
  }

  test("the replica that delivers is killed in the midst of it: everything arrives at least once and in order", async () => {
    const subjects = Array.from({ length: 6 }, (_, at) => `hooked-${at}`);
    const arrived = (): string[] => receiver.subjects.filter((subject) => subject.startsWith("hooked-"));
    const first = await deliverer();
    receiver.answer = (response, { body }) => {
      if (body.subject !== "hooked-2") response.writeHead(204).end();
    };
    await store.appendEvents(subjects.map((subject) => ({ type: "key.cut", subject, atMs: Date.now(), details: {} })));
    await eventually("the event that hangs", () => arrived().includes("hooked-2"), 20_000);
    assert.deepEqual(arrived(), subjects.slice(0, 3));
    await first.kill();
    receiver.answer = (response) => void response.writeHead(204).end();
    await eventually("the rest", () => arrived().includes("hooked-5"), 20_000);
    assert.deepEqual(arrived(), ["hooked-0", "hooked-1", "hooked-2", "hooked-2", "hooked-3", "hooked-4", "hooked-5"]);
    assert.ok(receiver.calls.every((call) => isSignedWith(SECRET, call)));
    assert.notEqual(await deliverer(), first);
  });
});
