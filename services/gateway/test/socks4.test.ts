import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { protocolOf } from "../src/front/first-byte.ts";
import { ProxyUsers } from "../src/front/proxy-users.ts";
import { Socks4Door } from "../src/front/socks4.ts";
import { driveAllSplits, driveJunk } from "./front-driver.ts";

const nobody = () => new Socks4Door(new ProxyUsers([]));
const people = new ProxyUsers([
  { name: "alice", password: "wonderland" },
  { name: "printer", password: "" },
]);
const locked = () => new Socks4Door(people);

const fixed = (command: number, port: number, ip: number[]) => Buffer.of(4, command, port >> 8, port & 255, ...ip);
const connect4 = (ip: number[], user: string, rest = "") => Buffer.concat([fixed(1, 80, ip), Buffer.from(`${user}\0${rest}`)]);

describe("SOCKS4 at every split", () => {
  test("CONNECT by address, payload pipelined", () => {
    const result = driveAllSplits(nobody, connect4([192, 0, 2, 1], "me", "first bytes"));
    assert.deepEqual(
      [result.kind, result.target, String(result.payload), result.user],
      ["request", "192.0.2.1:80", "first bytes", undefined],
    );
    assert.equal(result.reply.length, 0);
  });

  test("4a: CONNECT by name, user id empty", () => {
    const result = driveAllSplits(nobody, connect4([0, 0, 0, 7], "", "example.com\0GET"));
    assert.deepEqual([result.kind, result.target, String(result.payload)], ["request", "example.com:80", "GET"]);
  });

  test("0.0.0.0 is an address, not a name to come", () => {
    assert.equal(driveAllSplits(nobody, connect4([0, 0, 0, 0], "")).target, "0.0.0.0:80");
  });

  const refusals: [string, () => Socks4Door, Buffer, string, number][] = [
    ["BIND", nobody, fixed(2, 80, [192, 0, 2, 1]), "SOCKS_COMMAND_NOT_SUPPORTED", 91],
    ["an unknown command", nobody, fixed(9, 80, [192, 0, 2, 1]), "SOCKS_COMMAND_NOT_SUPPORTED", 91],
    ["an endless user id", nobody, connect4([192, 0, 2, 1], "u".repeat(256)), "SOCKS_BAD_REQUEST", 91],
    ["an endless name", nobody, connect4([0, 0, 0, 1], "", "n".repeat(256)), "SOCKS_BAD_REQUEST", 91],
    ["an empty name", nobody, connect4([0, 0, 0, 1], "", "\0"), "SOCKS_BAD_REQUEST", 91],
    ["a name that is no UTF-8", nobody, Buffer.concat([connect4([0, 0, 0, 1], ""), Buffer.of(0xff, 0xfe, 0)]), "SOCKS_BAD_REQUEST", 91],
    ["a user who has a password", locked, connect4([192, 0, 2, 1], "alice"), "PROXY_AUTH_FAILED", 93],
    ["a stranger", locked, connect4([192, 0, 2, 1], ""), "PROXY_AUTH_FAILED", 93],
  ];
  for (const [what, create, bytes, code, reply] of refusals) {
    test(`${what} is refused with ${reply}`, () => {
      const result = driveAllSplits(create, bytes);
      assert.deepEqual([result.kind, result.code, [...result.reply]], ["refused", code, [0, reply, 0, 0, 0, 0, 0, 0]]);
    });
  }

  test("a user without a password gets in by user id", () => {
    assert.equal(driveAllSplits(locked, connect4([192, 0, 2, 1], "printer")).user, "printer");
  });
});

test("replies", () => {
  assert.deepEqual([...nobody().granted()], [0, 90, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...nobody().failed("DIAL_REFUSED")], [0, 91, 0, 0, 0, 0, 0, 0]);
});

test("junk never throws and does not depend on the split", () => {
  driveJunk(nobody, Buffer.of(4), 60);
  driveJunk(nobody, Buffer.of(4, 1, 0, 80, 0, 0, 0, 1), 60);
});

test("the first byte tells the protocol, for all 256", () => {
  for (let byte = 0; byte < 256; byte++) {
    const letter = /^[A-Za-z]$/.test(String.fromCharCode(byte));
    assert.equal(protocolOf(byte), byte === 5 ? "socks5" : byte === 4 ? "socks4" : letter ? "http" : undefined, `byte ${byte}`);
  }
});
