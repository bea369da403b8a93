import assert from "node:assert/strict";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { addressFrom, formatHostPort } from "@shadowfleet/wire";
import type { FrontDoor } from "../../../services/gateway/src/front/front-door.ts";
import { HttpDoor } from "../../../services/gateway/src/front/http-proxy.ts";
import { ProxyUsers } from "../../../services/gateway/src/front/proxy-users.ts";
import { Socks4Door } from "../../../services/gateway/src/front/socks4.ts";
import { Socks5Door } from "../../../services/gateway/src/front/socks5.ts";
import { drive, type FrontResult } from "../../../services/gateway/test/front-driver.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { addressBytes, payloadBytes, pick } from "../models/addresses.ts";
import { randomSplit, whole } from "../models/delivery.ts";
import { HTTP_TOKENS, headerLines, httpBody, requestLine } from "../models/http.ts";

const NOBODY = new ProxyUsers([]);
const USERS = new ProxyUsers([
  { name: "anna", password: "secret" },
  { name: "boris", password: "" },
]);
const LONGEST_REPLY = 2_000;

function summary({ kind, reply, code, command, target, user, payload }: FrontResult): string {
  return [kind, code, command, target, user, reply.toString("latin1"), payload?.toString("latin1")].join(" | ");
}

type Check = (result: FrontResult, bytes: Buffer) => void;

/** A door comes to the same however the bytes are cut, answers briefly, lets nobody in unnamed, and passes on what was behind the request. */
function doorTarget(
  name: string,
  create: (users: ProxyUsers) => FrontDoor,
  generate: (random: PseudoRandom) => Buffer[],
  check: Check,
  more: Pick<FuzzTarget, "reaches" | "tokens">,
): FuzzTarget {
  return {
    name,
    ...more,
    unit: 30_000,
    generate,
    execute(parts, random) {
      const bytes = Buffer.concat(parts);
      const users = random.below(2) === 0 ? NOBODY : USERS;
      const result = drive(create(users), whole(bytes));
      const again = drive(create(users), randomSplit(bytes, random));
      // A body that is malformed in the read that ends the head refuses the request; in a later one it ends the tunnel.
      const isLate = again.kind === "request" && result.code === "HTTP_BAD_REQUEST" && /transfer-encoding:/i.test(bytes.toString("latin1"));
      if (!isLate) assert.equal(summary(again), summary(result), "how the bytes are cut makes no difference");
      assert.ok(result.reply.length <= LONGEST_REPLY, `${result.reply.length} bytes of answer`);
      if (result.kind === "request") {
        if (users === USERS) assert.ok(result.user === "anna" || result.user === "boris", "nobody gets in unnamed");
        const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(result.target ?? "") ?? [];
        const target = addressFrom(host, Number(port));
        assert.equal(target && formatHostPort(target), result.target, "a target that is an address");
        check(result, bytes);
      }
      return result.kind === "request" ? "ok" : (result.code ?? result.kind);
    },
  };
}

const isTail: Check = ({ payload }, bytes) => {
  assert.ok(payload?.equals(bytes.subarray(bytes.length - payload.length)), "the payload is what came last");
};

/** Plain HTTP: nothing of this hop goes on, and the head has one end. */
const isRewritten: Check = ({ payload }, bytes) => {
  if (/^CONNECT /i.test(bytes.toString("latin1", 0, 8))) return;
  const text = payload?.toString("latin1") ?? "";
  const head = text.slice(0, text.indexOf("\r\n\r\n"));
  assert.match(head, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/1\.[01]\r\nHost: /);
  assert.ok(!/^(proxy-authorization|proxy-connection|te|upgrade|keep-alive):/im.test(head), "fields of this hop stay here");
  assert.ok(!head.replaceAll("\r\n", "").includes("\n"), "one reader's line end is every reader's");
  assert.ok(!(/^content-length:/im.test(head) && /^transfer-encoding:/im.test(head)), "one framing");
};

const credentials = Buffer.from("\x01\x04anna\x06secret", "latin1");

function generateSocks5(random: PseudoRandom): Buffer[] {
  const greeting = pick([Buffer.of(5, 2, 0, 2), Buffer.of(5, 1, 0), Buffer.of(5, 1, 2), Buffer.of(5, 3, 0, 1, 2)], random);
  const named = greeting.includes(2) && random.below(2) === 0 ? [credentials] : [];
  const head = Buffer.of(5, random.below(4) === 0 ? 3 : 1, 0);
  return [greeting, ...named, Buffer.concat([head, addressBytes(random)]), payloadBytes(random).subarray(0, 600)];
}

function generateSocks4(random: PseudoRandom): Buffer[] {
  const user = Buffer.from(pick(["", "boris\0", "anna\0", "boris\0"], random) || "\0", "latin1");
  const isNamed = random.below(2) === 0;
  const address = isNamed ? Buffer.of(0, 0, 0, 1 + random.below(255)) : random.bytes(4);
  const name = isNamed ? Buffer.from(`${pick(["example.com", "bücher.example", "10.0.0.1", "x".repeat(255)], random)}\0`) : Buffer.alloc(0);
  return [Buffer.concat([Buffer.of(4, 1), random.bytes(2), address]), user, name, payloadBytes(random).subarray(0, 600)];
}

function generateHttp(random: PseudoRandom): Buffer[] {
  const body = httpBody(random);
  const lines = [requestLine(random), ...headerLines(random), ...body.fields];
  return [
    ...lines.map((line) => Buffer.from(`${line}\r\n`, "latin1")),
    Buffer.from("\r\n"),
    body.bytes,
    payloadBytes(random).subarray(0, 60),
  ];
}

export const frontDoors: readonly FuzzTarget[] = [
  doorTarget("socks5", (users) => new Socks5Door(users), generateSocks5, isTail, {
    reaches: ["ok", "more", "PROXY_AUTH_FAILED", "SOCKS_BAD_REQUEST", "SOCKS_COMMAND_NOT_SUPPORTED", "SOCKS_ADDRESS_NOT_SUPPORTED"],
  }),
  doorTarget("socks4", (users) => new Socks4Door(users), generateSocks4, isTail, {
    reaches: ["ok", "more", "PROXY_AUTH_FAILED", "SOCKS_BAD_REQUEST", "SOCKS_COMMAND_NOT_SUPPORTED"],
  }),
  doorTarget("http-request", (users) => new HttpDoor(users), generateHttp, isRewritten, {
    reaches: ["ok", "more", "PROXY_AUTH_FAILED", "HTTP_BAD_REQUEST"],
    tokens: HTTP_TOKENS,
  }),
];
