import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SecretFolder } from "@shadowfleet/testkit";
import { parseAccessUri, parseOnlineConfig } from "@shadowfleet/wire";
import { type HttpFixture, startHttp } from "./http-fixture.ts";
import { relayRecord } from "./relay-record.ts";

/** SIP008 "Online Configuration Delivery", version 1: mandatory fields and their types. */
const SERVER_FIELDS = { id: "string", remarks: "string", server: "string", server_port: "number", password: "string", method: "string" };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface Document {
  readonly version: number;
  readonly servers: readonly Readonly<Record<string, unknown>>[];
  readonly bytes_used?: number;
}

function checkDocument(document: Document): void {
  assert.equal(document.version, 1);
  for (const server of document.servers) {
    for (const [field, type] of Object.entries(SERVER_FIELDS)) assert.equal(typeof server[field], type, field);
    assert.match(String(server.id), UUID);
    for (const field of Object.keys(server)) assert.match(field, /^[a-z0-9_]+$/, "snake_case");
  }
}

describe("documents of access keys", () => {
  let fleet: HttpFixture;
  before(async () => {
    fleet = await startHttp({ http: { publicUrl: "https://fleet.example/base/" }, config: {} });
    await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { id: "alice", displayName: "Alice A." } });
  });
  after(() => fleet[Symbol.asyncDispose]());

  const configOf = async (id: string, more: object = {}) => (await fleet.rpc("AccessKeyService/GetAccessConfig", { id, ...more })).json;
  const pathOf = async (id: string): Promise<string> => new URL((await configOf(id)).sip008Url).pathname.replace("/base", "");

  it("are SIP008, by a link that begins with the public URL", async () => {
    const { sip008Url, ssconfUrl, sip008 } = await configOf("alice");
    assert.match(sip008Url, /^https:\/\/fleet\.example\/base\/sip008\/alice\.[\w-]{32}$/);
    assert.equal(ssconfUrl, `${sip008Url.replace("https:", "ssconf:").replace("sip008", "ssconf")}#Alice%20A.`);
    const answer = await fleet.request(await pathOf("alice"));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "private, no-cache");
    assert.equal(answer.text, sip008);
    checkDocument(answer.json);
    assert.equal(parseOnlineConfig(answer.text).ok, true);
    const { server, server_port, bytes_used } = { ...answer.json.servers[0], ...answer.json };
    assert.deepEqual([server, server_port, bytes_used], ["relay.example", 8388, 0]);
  });

  it("are one server alone behind ssconf://, as Outline's clients read it", async () => {
    const answer = await fleet.request((await pathOf("alice")).replace("sip008", "ssconf"));
    const parsed = parseAccessUri((await configOf("alice")).accessUri);
    assert.ok(parsed.ok);
    const { host, port, password, method } = parsed.uri;
    assert.deepEqual(answer.json, { server: host, server_port: port, password, method });
  });

  it("are not sent again to who has them", async () => {
    const path = await pathOf("alice");
    const etag = (await fleet.request(path)).headers.get("etag") ?? "";
    assert.match(etag, /^"[\w-]{22}"$/);
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"])
      assert.equal((await fleet.request(path, { headers: { "if-none-match": header } })).status, 304, header);
    assert.equal((await fleet.request(path, { headers: { "if-none-match": '"other"' } })).status, 200);
  });

  it("keep their link and the servers' ids through a rotation, and tell the new secret at once", async () => {
    const path = await pathOf("alice");
    const { json: before } = await fleet.request(path);
    const rotated = await fleet.rpc("AccessKeyService/RotateSecret", { id: "alice", overlap: "3600s" });
    const { json: now } = await fleet.request(path);
    assert.equal(now.servers[0].password, rotated.json.accessKey.secret);
    assert.notEqual(now.servers[0].password, before.servers[0].password);
    assert.equal(now.servers[0].id, before.servers[0].id);
  });

  it("are unknown alike: wrong link, no such key, switched off, expired, not yet, deleted, link replaced", async () => {
    const refusals = new Set<string>();
    const note = async (path: string): Promise<void> => {
      const { status, text } = await fleet.request(path);
      refusals.add(`${status} ${text}`);
    };
    const create = async (id: string, more: object = {}): Promise<string> => {
      await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { id, ...more } });
      return pathOf(id);
    };
    const update = (id: string, fields: object, updateMask: string) =>
      fleet.rpc("AccessKeyService/UpdateAccessKey", { accessKey: { id, ...fields }, updateMask });
    const bob = await create("bob");
    assert.equal((await fleet.request(bob)).status, 200);
    await note(`${bob.slice(0, -1)}${bob.endsWith("A") ? "B" : "A"}`);
    await note(bob.replace("bob.", "eve."));
    await note("/sip008/x");
    await note("/ssconf/x");
    await update("bob", { disabled: true }, "disabled");
    await note(bob);
    await update("bob", { disabled: false }, "disabled");
    assert.equal((await fleet.request(bob)).status, 200, "and back again");
    await note(await create("later", { startTime: "2099-01-01T00:00:00Z" }));
    const gone = await create("gone");
    await update("gone", { expireTime: "2020-01-01T00:00:00Z" }, "expireTime");
    await note(gone);
    const replaced = await fleet.rpc("AccessKeyService/RotateAccessLink", { id: "bob" });
    await note(bob);
    assert.equal((await fleet.request(new URL(replaced.json.sip008Url).pathname.replace("/base", ""))).status, 200);
    await fleet.rpc("AccessKeyService/DeleteAccessKey", { id: "bob" });
    await note(new URL(replaced.json.sip008Url).pathname.replace("/base", ""));
    assert.deepEqual([...refusals], ['404 {"code":"not_found","message":"there is nothing here"}']);
    // A key of the same name is another key.
    const again = await create("bob");
    assert.notEqual(again, bob);
  });

  it("shows every form of a configuration to an admin alone", async () => {
    assert.equal((await fleet.rpc("AccessKeyService/GetAccessConfig", { id: "alice" }, "viewer")).status, 403);
    const { accessUri, clash, singBox, qr } = await configOf("alice", { host: "other.example", qrFormat: "QR_FORMAT_SVG" });
    assert.match(accessUri, /@other\.example:8388#Alice%20A\.$/);
    assert.match(clash, /^proxies:\n {2}- name: "Alice A\."\n {4}type: ss\n {4}server: "other\.example"\n/);
    assert.equal(JSON.parse(singBox).outbounds[0].server, "other.example");
    assert.match(Buffer.from(qr, "base64").toString(), /^<svg [^>]*>.*<\/svg>\s*$/s);
    const png = await configOf("alice", { qrFormat: "QR_FORMAT_PNG", qrOfLink: true });
    assert.equal(Buffer.from(png.qr, "base64").toString("latin1", 1, 4), "PNG");
    const wrong = await fleet.rpc("AccessKeyService/GetAccessConfig", { id: "alice", host: "no host", qrFormat: 9 });
    assert.match(wrong.json.message, /host: .*qr_format: /);
  });
});

describe("several public hosts", () => {
  it("are all in the document, those first that have a relay with the port bound", async () => {
    const publicHosts = ["any.example", { host: "east.example", members: ["east-*"] }, { host: "west.example", members: ["west-1"] }];
    await using fleet = await startHttp({ config: { publicHosts } });
    await fleet.rpc("AccessKeyService/CreateAccessKey", { accessKey: { id: "alice" } });
    const { sip008Url } = (await fleet.rpc("AccessKeyService/GetAccessConfig", { id: "alice" })).json;
    const hosts = async (): Promise<string[]> => {
      const { json } = await fleet.request(new URL(sip008Url).pathname);
      checkDocument(json);
      return json.servers.map(({ server }: { server: string }) => server);
    };
    assert.deepEqual(await hosts(), ["any.example", "east.example", "west.example"], "nobody is there: as configured");
    await fleet.store.putMember(relayRecord("west-1", 8388));
    assert.deepEqual(await hosts(), ["any.example", "west.example", "east.example"]);
    await fleet.store.putMember(relayRecord("east-7", 8388));
    await fleet.store.putMember({ ...relayRecord("west-1", 8388), ports: [{ port: 8388, bound: false, error: "EADDRINUSE" }] });
    assert.deepEqual(await hosts(), ["any.example", "east.example", "west.example"]);
    await fleet.store.putMember({ ...relayRecord("east-7", 8388), draining: true });
    assert.deepEqual(await hosts(), ["any.example", "east.example", "west.example"], "none is healthy: as configured");
  });
});

describe("links", () => {
  it("are the same on every replica and after every start, by the secret file", async () => {
    using secrets = new SecretFolder();
    const linkOf = async (secret: string): Promise<string> => {
      const http = { linkSecretFile: secrets.file("link", secret), publicUrl: "https://fleet.example" };
      const declared = { ports: [{ port: 9000, method: "aes-256-gcm" }], keys: [{ id: "carol", port: 9000, secret: "carols-secret" }] };
      await using fleet = await startHttp({ http, config: { declared } });
      return (await fleet.rpc("AccessKeyService/GetAccessConfig", { id: "carol" })).json.sip008Url;
    };
    const [first, second, other] = [await linkOf("a".repeat(40)), await linkOf("a".repeat(40)), await linkOf("b".repeat(40))];
    assert.equal(first, second);
    assert.notEqual(first, other);
  });
});
