import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { AccessKey, Upstream } from "@shadowfleet/control-api";
import { eventually, type RedisServer, redisMissingReason, socks5Request, startRedis, startSinkTarget } from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import { Fleet, redisStore } from "../fleet/fleet.ts";

const reason = redisMissingReason();
const CONNECTIONS = 12;
const UPLOAD = Buffer.alloc(1_000_000, 0x5a);
const DEADLINE_MS = 30_000;

/** Members of a fleet that are groups of workers: what they share is shared as if each worker were a relay of its own. */
describe("a fleet of workers", reason === undefined ? { timeout: 240_000 } : { skip: reason }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let api: Api;
  let proxy: { readonly host: string; readonly port: number };

  before(async () => {
    redis = await startRedis();
    const settings = { "tcp-relay": { workers: 2 }, gateway: { workers: 2 } };
    fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 1, gateways: 1, settings });
    api = new Api(fleet.managements[0]!.port);
    proxy = { host: "127.0.0.1", port: fleet.gateways[0]!.port };
    const { accessKeys, upstreams } = api.clients;
    const { accessKey } = await api.call(accessKeys, accessKeys.createAccessKey, {
      accessKey: AccessKey.fromPartial({ id: "alice" }),
      requestId: "",
    });
    const { host } = fleet.tcpRelays[0]!;
    const { method, secret } = accessKey!;
    const upstream = Upstream.fromPartial({ id: "relay", host, port: fleet.relayPort, method, secret });
    await api.call(upstreams, upstreams.createUpstream, { upstream, accessUri: "", requestId: "" });
  });
  after(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
    await redis?.stop();
  });

  it("each worker is a member", async () => {
    const ids = async () => {
      const { fleet: members } = api.clients;
      return (await api.call(members, members.getFleet, {})).members.map(({ id }) => id).sort();
    };
    const wanted = ["gateway-1.1", "gateway-1.2", "tcp-relay-1.1", "tcp-relay-1.2"];
    await eventually("four members", async () => (await ids()).length === wanted.length, DEADLINE_MS);
    assert.deepEqual(await ids(), wanted);
  });

  it("counters in Redis equal the bytes over all workers; a key's end reaches the sessions of each", async () => {
    const sink = await startSinkTarget();
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const { ok, reply, socket } = await socks5Request({ proxy, target: sink, deadlineMs: DEADLINE_MS });
        assert.ok(ok, `SOCKS reply ${reply}`);
        socket.write(UPLOAD);
        return socket;
      }),
    );
    const sent = CONNECTIONS * UPLOAD.length;
    await eventually("every byte at the target", () => sink.receivedBytes === sent, DEADLINE_MS);
    const counted = () => api.totalBytes({ $case: "accessKeyId", value: "alice" });
    await eventually("every byte counted", async () => (await counted()) >= sent, DEADLINE_MS);
    assert.equal(await counted(), sent);

    const { accessKeys } = api.clients;
    await api.call(accessKeys, accessKeys.deleteAccessKey, { id: "alice", resourceVersion: 0n });
    for (const socket of sockets) socket.resume();
    await eventually("every session to end", () => sockets.every(({ destroyed }) => destroyed), DEADLINE_MS);
    await sink.close();
  });

  it("a killed worker comes back as the same member, with the configuration", async () => {
    const relay = fleet.tcpRelays[0]!.process;
    const [victim] = execFileSync("pgrep", ["-P", String(relay.program.pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
    process.kill(victim!, "SIGKILL");
    await relay.program.waitForLine(/a worker ended, the others go on/, DEADLINE_MS);
    const whole = async () => (await (await fetch(`http://127.0.0.1:${relay.adminPort}/readyz`)).text()).includes("2 of 2 ready");
    await eventually("both workers", whole, DEADLINE_MS);
    const { fleet: members } = api.clients;
    const { members: known } = await api.call(members, members.getFleet, {});
    assert.equal(known.filter(({ id }) => id.startsWith("tcp-relay-1.")).length, 2);
  });
});
