import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { byteByByte } from "@shadowfleet/testkit";
import { addressFrom } from "@shadowfleet/wire";
import { ProxyUsers } from "../src/front/proxy-users.ts";
import { Socks5Door } from "../src/front/socks5.ts";
import { formatDatagram, openDatagram } from "../src/front/socks5-datagram.ts";
import { drive, driveAllSplits, driveJunk } from "./front-driver.ts";

const nobody = new ProxyUsers([]);
const people = new ProxyUsers([
  { name: "alice", password: "wonderland" },
  { name: "bøb", password: "ünïcode" },
]);
const open = () => new Socks5Door(nobody);
const locked = () => new Socks5Door(people);

const greeting = (...methods: number[]) => Buffer.of(5, methods.length, ...methods);
const credentials = (name: string, password: string) => {
  const [n, p] = [Buffer.from(name), Buffer.from(password)];
  return Buffer.concat([Buffer.of(1, n.length), n, Buffer.of(p.length), p]);
};
const ipv4 = Buffer.of(1, 192, 0, 2, 1, 0, 80);
const ipv6 = Buffer.of(4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xbb);
const domain = (name: string, port = 443) =>
  Buffer.concat([Buffer.of(3, name.length), Buffer.from(name), Buffer.of(port >> 8, port & 255)]);
const request = (command: number, address: Buffer) => Buffer.concat([Buffer.of(5, command, 0), address]);
const all = (...parts: Buffer[]) => Buffer.concat(parts);

describe("SOCKS5 at every split", () => {
  for (const [address, target] of [
    [ipv4, "192.0.2.1:80"],
    [ipv6, "[2001:db8::1]:443"],
    [domain("example.com"), "example.com:443"],
    [domain("a".repeat(255), 65535), `${"a".repeat(255)}:65535`],
    [domain("127.0.0.1", 1), "127.0.0.1:1"],
  ] as const) {
    test(`CONNECT ${target.slice(0, 30)}, payload pipelined behind the request`, () => {
      const result = driveAllSplits(open, all(greeting(0), request(1, address), Buffer.from("first bytes")));
      assert.deepEqual(
        { ...result, payload: String(result.payload) },
        { kind: "request", reply: Buffer.of(5, 0), command: "connect", target, user: undefined, payload: "first bytes" },
      );
    });
  }

  test("greeting, credentials, request and payload sent at once are answered in order", () => {
    const bytes = all(greeting(0, 1, 2), credentials("alice", "wonderland"), request(1, ipv4), Buffer.from("x"));
    const result = driveAllSplits(locked, bytes);
    assert.deepEqual([result.kind, result.user, String(result.payload)], ["request", "alice", "x"]);
    assert.deepEqual(result.reply, Buffer.of(5, 2, 1, 0));
  });

  test("names and passwords are compared as UTF-8 bytes", () => {
    const result = driveAllSplits(locked, all(greeting(2), credentials("bøb", "ünïcode"), request(1, ipv4)));
    assert.deepEqual([result.kind, result.user], ["request", "bøb"]);
  });

  test("UDP ASSOCIATE carries where the client will send from", () => {
    const result = driveAllSplits(open, all(greeting(0), request(3, Buffer.of(1, 0, 0, 0, 0, 0x12, 0x34))));
    assert.deepEqual([result.kind, result.command, result.target], ["request", "associate", "0.0.0.0:4660"]);
  });
});

describe("SOCKS5 refusals at every split", () => {
  const failure = (code: number) => [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0];
  const cases: [string, () => Socks5Door, Buffer, string, number[]][] = [
    ["BIND", open, all(greeting(0), request(2, ipv4)), "SOCKS_COMMAND_NOT_SUPPORTED", failure(7)],
    ["command 0", open, all(greeting(0), request(0, ipv4)), "SOCKS_COMMAND_NOT_SUPPORTED", failure(7)],
    ["command 255", open, all(greeting(0), request(255, ipv4)), "SOCKS_COMMAND_NOT_SUPPORTED", failure(7)],
    ["address type 2", open, all(greeting(0), request(1, Buffer.of(2, 1, 1))), "SOCKS_ADDRESS_NOT_SUPPORTED", failure(8)],
    ["address type 0", open, all(greeting(0), request(1, Buffer.of(0))), "SOCKS_ADDRESS_NOT_SUPPORTED", failure(8)],
    ["empty domain", open, all(greeting(0), request(1, Buffer.of(3, 0, 0, 80))), "SOCKS_BAD_REQUEST", failure(1)],
    ["NUL in a domain", open, all(greeting(0), request(1, domain("a\0b"))), "SOCKS_BAD_REQUEST", failure(1)],
    ["version 4 in the request", open, all(greeting(0), Buffer.of(4, 1, 0), ipv4), "SOCKS_BAD_REQUEST", failure(1)],
    ["no method", open, Buffer.of(5, 0), "PROXY_AUTH_FAILED", [5, 255]],
    ["only GSSAPI", open, greeting(1), "PROXY_AUTH_FAILED", [5, 255]],
    ["no credentials offered", locked, greeting(0, 1), "PROXY_AUTH_FAILED", [5, 255]],
    ["wrong password", locked, all(greeting(2), credentials("alice", "Wonderland")), "PROXY_AUTH_FAILED", [5, 2, 1, 1]],
    ["unknown name", locked, all(greeting(2), credentials("mallory", "wonderland")), "PROXY_AUTH_FAILED", [5, 2, 1, 1]],
    ["empty name and password", locked, all(greeting(2), credentials("", "")), "PROXY_AUTH_FAILED", [5, 2, 1, 1]],
    ["wrong credentials version", locked, all(greeting(2), Buffer.of(5, 1, 0, 1)), "SOCKS_BAD_REQUEST", [5, 2, 1, 1]],
  ];
  for (const [what, create, bytes, code, reply] of cases) {
    test(`${what} is ${code}`, () => {
      const result = driveAllSplits(create, bytes);
      assert.deepEqual([result.kind, result.code, [...result.reply]], ["refused", code, reply]);
    });
  }

  test("a request behind wrong credentials is never looked at", () => {
    const result = driveAllSplits(locked, all(greeting(2), credentials("alice", "no"), request(1, ipv4)));
    assert.deepEqual([result.kind, result.code], ["refused", "PROXY_AUTH_FAILED"]);
  });
});

test("every beginning of a conversation waits for more", () => {
  const bytes = all(greeting(2), credentials("alice", "wonderland"), request(1, domain("example.com")));
  for (let length = 1; length < bytes.length; length++) {
    assert.equal(drive(locked(), byteByByte(bytes.subarray(0, length))).kind, "more", `after ${length} bytes`);
  }
});

test("junk is answered the same way however it is split, and never throws", () => {
  driveJunk(open, Buffer.of(5), 60);
  driveJunk(open, all(greeting(0)), 60);
  driveJunk(locked, all(greeting(2)), 60);
  driveJunk(open, all(greeting(0), Buffer.of(5, 1, 0, 3)), 60);
});

test("replies: success with and without a bound address, failures from the registry", () => {
  const door = open();
  assert.deepEqual([...door.granted(undefined)], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...door.granted(addressFrom("127.0.0.1", 1080))], [5, 0, 0, 1, 127, 0, 0, 1, 4, 56]);
  assert.deepEqual([...door.granted(addressFrom("::1", 1080))], [5, 0, 0, 4, ...Array(15).fill(0), 1, 4, 56]);
  const replies = {
    DIAL_REFUSED: 5,
    DIAL_TIMEOUT: 6,
    DIAL_HOST_UNREACHABLE: 4,
    DIAL_NETWORK_UNREACHABLE: 3,
    DNS_FAILED: 4,
    NO_UPSTREAM: 1,
  };
  for (const [code, reply] of Object.entries(replies)) assert.equal(door.failed(code as keyof typeof replies)[1], reply, code);
});

describe("SOCKS5 datagrams", () => {
  for (const [host, header] of [
    ["192.0.2.1", Buffer.of(0, 0, 0, 1, 192, 0, 2, 1, 0, 53)],
    ["2001:db8::1", Buffer.concat([Buffer.of(0, 0, 0), ipv6.subarray(0, -2), Buffer.of(0, 53)])],
    ["example.com", all(Buffer.of(0, 0, 0), domain("example.com", 53))],
  ] as const) {
    test(`${host}, there and back`, () => {
      const payload = Buffer.from("dnsq");
      const datagram = formatDatagram(addressFrom(host, 53)!, payload);
      assert.deepEqual(datagram, all(header, payload));
      const opened = openDatagram(datagram);
      assert.ok(opened.ok);
      assert.deepEqual([opened.target.host, opened.target.port, String(opened.payload)], [host, 53, "dnsq"]);
    });
  }

  test("fragments, truncations at every length and bad addresses are told apart", () => {
    const datagram = formatDatagram(addressFrom("example.com", 53)!, Buffer.from("x"));
    const headerLength = datagram.length - 1;
    for (let length = 0; length < headerLength; length++) {
      assert.deepEqual(openDatagram(datagram.subarray(0, length)), { ok: false, code: "TOO_SHORT" }, `${length} bytes`);
    }
    assert.ok(openDatagram(datagram.subarray(0, headerLength)).ok, "an empty payload is a datagram");
    for (const fragment of [1, 127, 128, 255]) {
      const fragmented = Buffer.from(datagram);
      fragmented[2] = fragment;
      assert.deepEqual(openDatagram(fragmented), { ok: false, code: "FRAGMENT_NOT_SUPPORTED" });
    }
    const badType = Buffer.from(datagram);
    badType[3] = 9;
    assert.deepEqual(openDatagram(badType), { ok: false, code: "BAD_ADDRESS" });
  });
});
