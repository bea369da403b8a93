import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { startTcpTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { ConnectionEndedError, readExactly } from "../src/socket-reader.ts";
import { httpConnect, type ProxyAnswer, SOCKS5_BIND, socks4Connect, socks5Request } from "../src/socks-client.ts";

expectNoOpenHandles();

/** One step of a scripted proxy: it expects exactly these bytes (hex) and answers those. */
type Step = readonly [expected: string, answer: string];

/** A proxy that follows its script and hangs up on the first wrong byte. */
async function scriptedProxy(t: TestContext, ...steps: readonly Step[]) {
  const follow = async (socket: Socket): Promise<void> => {
    for (const [expected, answer] of steps) {
      const bytes = await readExactly(socket, expected.length / 2, 1_000, expected);
      if (bytes.toString("hex") !== expected) return void socket.destroy();
      socket.write(Buffer.from(answer, "hex"));
    }
  };
  const proxy = await startTcpTarget((socket) => void follow(socket).catch(() => socket.destroy()));
  t.after(() => proxy.close());
  return proxy;
}

async function restOf(t: TestContext, { socket }: ProxyAnswer, length: number): Promise<string> {
  t.after(() => socket.destroy());
  return (await readExactly(socket, length, 1_000, "payload")).toString();
}

const hex = (text: string) => Buffer.from(text).toString("hex");
const TARGET = { host: "127.0.0.1", port: 80 };

test("SOCKS5 CONNECT: request, answer, early payload, and payload behind the answer", async (t) => {
  const proxy = await scriptedProxy(t, ["050100", "0500"], [`050100017f0000010050${hex("early")}`, `05000001000000000843${hex("hello")}`]);
  const answer = await socks5Request({ proxy, target: TARGET, early: Buffer.from("early") });
  const { ok, reply, method, loginStatus, bound } = answer;
  assert.deepEqual([ok, reply, method, loginStatus], [true, 0, 0, undefined]);
  assert.deepEqual(bound, { host: "0.0.0.0", port: 0x843 });
  assert.equal(await restOf(t, answer, 5), "hello");
});

test("SOCKS5: refusals at every stage", async (t) => {
  const bindProxy = await scriptedProxy(t, ["050100", "0500"], ["0502000301780050", "0507000300 0000".replace(" ", "")]);
  const bind = await socks5Request({ proxy: bindProxy, target: { host: "x", port: 80 }, command: SOCKS5_BIND });
  assert.deepEqual([bind.ok, bind.reply, bind.bound], [false, 7, { host: "", port: 0 }]);
  const noMethod = await socks5Request({ proxy: await scriptedProxy(t, ["050100", "05ff"]), target: TARGET });
  assert.deepEqual([noMethod.ok, noMethod.reply, noMethod.method], [false, 255, 255]);
  const login = { user: "u", password: "pw" };
  const script: Step[] = [
    ["05020002", "0502"],
    ["0101750270 77".replace(" ", ""), "0101"],
  ];
  const wrong = await socks5Request({ proxy: await scriptedProxy(t, ...script), target: TARGET, login });
  assert.deepEqual([wrong.ok, wrong.reply, wrong.loginStatus], [false, 1, 1]);
  for (const { socket } of [bind, noMethod, wrong]) socket.destroy();
});

test("SOCKS5 with login, and a literal address sent as a name", async (t) => {
  const proxy = await scriptedProxy(t, ["05020002", "0502"], ["0101750170", "0100"], ["05010003033a3a310050", "050000017f0000011234"]);
  const answer = await socks5Request({ proxy, target: { host: "::1", port: 80 }, login: { user: "u", password: "p" }, asName: true });
  answer.socket.destroy();
  assert.deepEqual([answer.ok, answer.loginStatus, answer.bound], [true, 0, { host: "127.0.0.1", port: 0x1234 }]);
});

test("SOCKS4 and SOCKS4a", async (t) => {
  const plain = await socks4Connect({
    proxy: await scriptedProxy(t, ["040100507f000001626f6200", "005a000000000000"]),
    target: TARGET,
    login: { user: "bob", password: "" },
  });
  assert.deepEqual([plain.ok, plain.reply], [true, 90]);
  const request = `0401005000000001 00${hex("example.com")}00`.replace(" ", "");
  const named = await socks4Connect({
    proxy: await scriptedProxy(t, [request, "005b000000000000"]),
    target: { host: "example.com", port: 80 },
  });
  assert.deepEqual([named.ok, named.reply], [false, 91]);
  for (const { socket } of [plain, named]) socket.destroy();
});

test("HTTP CONNECT: status, headers, IPv6 authority, login, payload behind the head", async (t) => {
  const head = "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
  const proxy = await scriptedProxy(t, [hex(head), hex("HTTP/1.1 200 Fine\r\nVia: x\r\n\r\npayload")]);
  const answer = await httpConnect({ proxy, target: { host: "::1", port: 80 }, login: { user: "u", password: "p" } });
  assert.deepEqual([answer.ok, answer.reply, answer.head], [true, 200, "HTTP/1.1 200 Fine\r\nVia: x\r\n\r\n"]);
  assert.equal(await restOf(t, answer, 7), "payload");
  const refusing = await scriptedProxy(t, [hex("CONNECT 127.0.0.1:80 HTTP/1.1\r\n"), hex("HTTP/1.0 407 Who?\r\n\r\n")]);
  const refused = await httpConnect({ proxy: refusing, target: TARGET });
  refused.socket.destroy();
  assert.deepEqual([refused.ok, refused.reply], [false, 407]);
});

test("a proxy that hangs up or talks nonsense rejects", async (t) => {
  const hangsUp = await startTcpTarget((socket) => socket.resume().end());
  t.after(() => hangsUp.close());
  const requests = [socks5Request, socks4Connect, httpConnect];
  for (const request of requests) await assert.rejects(request({ proxy: hangsUp, target: TARGET }), ConnectionEndedError);
  await assert.rejects(socks5Request({ proxy: await scriptedProxy(t, ["050100", "0400"]), target: TARGET }), /SOCKS version 4/);
  await assert.rejects(httpConnect({ proxy: await scriptedProxy(t, [hex("CONNECT"), hex("200 OK\r\n\r\n")]), target: TARGET }), /not HTTP/);
});
