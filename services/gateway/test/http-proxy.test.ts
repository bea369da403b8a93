import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { byteByByte } from "@shadowfleet/testkit";
import { HttpDoor, MAX_REQUEST_HEAD } from "../src/front/http-proxy.ts";
import { ProxyUsers } from "../src/front/proxy-users.ts";
import { drive, driveAllSplits, driveJunk } from "./front-driver.ts";

const open = () => new HttpDoor(new ProxyUsers([]));
const locked = () => new HttpDoor(new ProxyUsers([{ name: "alice", password: "wonder:land" }]));
const http = (...lines: string[]) => Buffer.from(lines.join("\r\n"), "latin1");
const get = (...fields: string[]) => http("GET http://example.com/ HTTP/1.1", ...fields, "", "");
const basic = (pair: string) => `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}`;

function statusOf(reply: Buffer): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply.toString("latin1"))?.[1]);
}

describe("CONNECT at every split", () => {
  for (const [target, expected] of [
    ["example.com:443", "example.com:443"],
    ["192.0.2.1:8443", "192.0.2.1:8443"],
    ["[2001:db8::1]:443", "[2001:db8::1]:443"],
  ] as const) {
    test(`${target}, payload pipelined behind the head`, () => {
      const result = driveAllSplits(open, http(`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, "", "\x16\x03\x01 hello"));
      assert.deepEqual([result.kind, result.target, result.payload?.toString("latin1")], ["request", expected, "\x16\x03\x01 hello"]);
      assert.equal(result.reply.length, 0);
    });
  }

  test("HTTP/1.0, no Host, an empty Content-Length of zero", () => {
    assert.equal(driveAllSplits(open, http("CONNECT h:1 HTTP/1.0", "Content-Length: 0", "", "")).target, "h:1");
  });

  for (const [what, head] of [
    ["no port", ["CONNECT example.com HTTP/1.1"]],
    ["an empty port", ["CONNECT example.com: HTTP/1.1"]],
    ["port 65536", ["CONNECT example.com:65536 HTTP/1.1"]],
    ["a URI", ["CONNECT http://example.com/ HTTP/1.1"]],
    ["a bare IPv6 address", ["CONNECT ::1:443 HTTP/1.1"]],
    ["a body", ["CONNECT h:1 HTTP/1.1", "Content-Length: 5"]],
    ["a chunked body", ["CONNECT h:1 HTTP/1.1", "Transfer-Encoding: chunked"]],
  ] as const) {
    test(`${what} is 400`, () => {
      const result = driveAllSplits(open, http(...head, "", ""));
      assert.deepEqual([result.kind, result.code, statusOf(result.reply)], ["refused", "HTTP_BAD_REQUEST", 400]);
    });
  }
});

describe("absolute form is rewritten for the origin", () => {
  const rewritten = (bytes: Buffer) => driveAllSplits(open, bytes).payload?.toString("latin1");

  for (const [uri, target, line, host] of [
    ["http://example.com/a?b=c", "example.com:80", "/a?b=c", "example.com"],
    ["HTTP://Example.com:8080/", "Example.com:8080", "/", "Example.com:8080"],
    ["http://example.com", "example.com:80", "/", "example.com"],
    ["http://example.com?q=/x", "example.com:80", "/?q=/x", "example.com"],
    ["http://[2001:db8::1]:81/x", "[2001:db8::1]:81", "/x", "[2001:db8::1]:81"],
    ["http://[2001:db8::1]/x", "[2001:db8::1]:80", "/x", "[2001:db8::1]"],
    ["http://example.com:/x", "example.com:80", "/x", "example.com:"],
  ] as const) {
    test(uri, () => {
      const result = driveAllSplits(open, http(`GET ${uri} HTTP/1.1`, "Host: other.example", "Accept: */*", "", ""));
      assert.equal(result.target, target);
      assert.equal(result.payload?.toString("latin1"), `GET ${line} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\nConnection: close\r\n\r\n`);
    });
  }

  test("OPTIONS without a path becomes OPTIONS *", () => {
    assert.match(rewritten(http("OPTIONS http://h HTTP/1.1", "", ""))!, /^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  test("HTTP/1.0 stays HTTP/1.0", () => {
    assert.equal(rewritten(http("GET http://h/ HTTP/1.0", "", "")), "GET / HTTP/1.0\r\nHost: h\r\nConnection: close\r\n\r\n");
  });

  test("fields of this hop go, with what Connection names; everything else stays in order and spelling", () => {
    const head = get(
      "X-First:  1 ",
      "Connection: keep-alive, X-Mine",
      "Proxy-Connection: Keep-Alive",
      "Keep-Alive: timeout=5",
      "x-mine: secret",
      "TE: trailers",
      "Upgrade: h2c",
      basic("alice:x"),
      "ACCEPT: */*",
    );
    assert.equal(rewritten(head), "GET / HTTP/1.1\r\nHost: example.com\r\nX-First:  1 \r\nACCEPT: */*\r\nConnection: close\r\n\r\n");
  });

  for (const [what, field] of [
    ["origin form", "GET / HTTP/1.1"],
    ["https without CONNECT", "GET https://example.com/ HTTP/1.1"],
    ["a user name in the URI", "GET http://me@example.com/ HTTP/1.1"],
    ["a fragment", "GET http://example.com/#x HTTP/1.1"],
    ["no host", "GET http:///x HTTP/1.1"],
    ["HTTP/2", "PRI * HTTP/2.0"],
    ["two spaces", "GET  http://example.com/ HTTP/1.1"],
    ["a tab for a space", "GET\thttp://example.com/ HTTP/1.1"],
    ["no version", "GET http://example.com/"],
    ["a host that is no name", "GET http://127.1/ HTTP/1.1"],
    ["a host in another alphabet", "GET http://ex\xe4mple.com/ HTTP/1.1"],
  ] as const) {
    test(`${what} is 400`, () => {
      const result = driveAllSplits(open, http(field, "Host: example.com", "", ""));
      assert.deepEqual([result.kind, result.code, statusOf(result.reply)], ["refused", "HTTP_BAD_REQUEST", 400]);
    });
  }
});

describe("request bodies end where they say, and nothing behind them is passed on", () => {
  const post = (fields: string[], body: string) => http("POST http://h/ HTTP/1.1", ...fields, "", body);
  const bodyOf = (bytes: Buffer) => driveAllSplits(open, bytes).payload?.toString("latin1").split("\r\n\r\n").slice(1).join("\r\n\r\n");
  const smuggled = "GET http://evil/ HTTP/1.1\r\n\r\n";

  test("Content-Length", () => assert.equal(bodyOf(post(["Content-Length: 5"], `hello${smuggled}`)), "hello"));
  test("no body", () => assert.equal(bodyOf(post([], smuggled)), ""));
  test("Content-Length: 0", () => assert.equal(bodyOf(post(["Content-Length: 0"], smuggled)), ""));

  for (const [what, body] of [
    ["plain", "5\r\nhello\r\n0\r\n\r\n"],
    ["extensions, hexadecimal in both cases, leading zeros", '000A;x="y"\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n'],
    ["trailers", "1\r\nx\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"],
    ["empty", "0\r\n\r\n"],
  ] as const) {
    test(`chunked: ${what}`, () => assert.equal(bodyOf(post(["Transfer-Encoding: Chunked"], body + smuggled)), body));
  }

  for (const [what, body] of [
    ["a size that is no number", "x\r\n"],
    ["no size", "\r\nhello"],
    ["a negative size", "-1\r\n"],
    ["0x", "0x5\r\nhello\r\n"],
    ["a size of 16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n"],
    ["a bare LF behind a size", "5\nhello\r\n0\r\n\r\n"],
    ["a bare LF in an extension", "5;\nhello\r\n0\r\n\r\n"],
    ["a CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
    ["data longer than its size", "2\r\nhello\r\n0\r\n\r\n"],
    ["a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"],
    ["an endless extension", `1;${"e".repeat(5000)}\r\nx\r\n`],
    ["endless trailers", `0\r\n${"X-Y: z\r\n".repeat(3000)}\r\n`],
  ] as const) {
    test(`chunked: ${what} is refused`, () => {
      const result = drive(open(), { label: "whole", pieces: [post(["Transfer-Encoding: chunked"], body)] });
      assert.deepEqual([result.kind, result.code, statusOf(result.reply)], ["refused", "HTTP_BAD_REQUEST", 400]);
    });
  }

  for (const fields of [
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Content-Length: 5", "Content-Length: 6"],
    ["Content-Length: 5", "Content-Length: 5"],
    ["Content-Length: 5, 5"],
    ["Content-Length: +5"],
    ["Content-Length: -1"],
    ["Content-Length: 0x5"],
    ["Content-Length:"],
    ["Content-Length: 5 5"],
    ["Content-Length: 9007199254740993"],
    ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: identity"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ["Transfer-Encoding: chunked, chunked"],
    ["Content-Length : 5"],
    ["Transfer-Encoding : chunked"],
    [" Transfer-Encoding: chunked"],
    ["X: y", " Transfer-Encoding: chunked"],
    ["X: y", "\tfolded"],
    ["Transfer-Encoding\0: chunked"],
    ["Transfer-Encoding: chun\0ked"],
    ["X: a\rTransfer-Encoding: chunked"],
    ["X: a\nTransfer-Encoding: chunked"],
    ["no colon"],
    [": no name"],
    ["Bad Name: x"],
    ["Connection: Content-Length", "Content-Length: 5"],
    ["Connection: close, transfer-encoding", "Transfer-Encoding: chunked"],
    ["Connection: Host"],
    ["Host: a", "Host: b"],
  ]) {
    test(`refused as ambiguous or malformed: ${JSON.stringify(fields.join(" | "))}`, () => {
      const result = driveAllSplits(open, post(fields, "hello"));
      assert.deepEqual([result.kind, result.code, statusOf(result.reply)], ["refused", "HTTP_BAD_REQUEST", 400]);
    });
  }

  test("chunked from an HTTP/1.0 client is refused", () => {
    const result = driveAllSplits(open, http("POST http://h/ HTTP/1.0", "Transfer-Encoding: chunked", "", "0\r\n\r\n"));
    assert.equal(result.code, "HTTP_BAD_REQUEST");
  });
});

describe("credentials", () => {
  const refused = (bytes: Buffer) => {
    const result = driveAllSplits(locked, bytes);
    assert.deepEqual([result.kind, result.code, statusOf(result.reply)], ["refused", "PROXY_AUTH_FAILED", 407]);
    assert.match(result.reply.toString("latin1"), /\r\nProxy-Authenticate: Basic realm="shadowfleet"/);
  };
  test("missing: 407", () => refused(get()));
  test("wrong: 407", () => refused(get(basic("alice:nope"))));
  test("no colon: 407", () => refused(get(basic("alice"))));
  test("another scheme: 407", () => refused(get("Proxy-Authorization: Bearer x")));
  test("two of them: 407", () => refused(get(basic("alice:wonder:land"), basic("alice:wonder:land"))));
  test("missing on CONNECT: 407", () => refused(http("CONNECT h:1 HTTP/1.1", "", "")));

  test("right: the user is known, the field does not go on, the scheme's case does not matter", () => {
    const result = driveAllSplits(locked, get(basic("alice:wonder:land").replace("Basic", "bAsIc")));
    assert.deepEqual([result.kind, result.user], ["request", "alice"]);
    assert.doesNotMatch(result.payload!.toString("latin1"), /authorization/i);
  });
});

describe("head size", () => {
  const padded = (length: number) => {
    const bare = get("X-Pad: ").length;
    return get(`X-Pad: ${"p".repeat(length - bare)}`);
  };

  test(`${MAX_REQUEST_HEAD} bytes pass, one more is 431`, () => {
    const fits = drive(open(), { label: "whole", pieces: [padded(MAX_REQUEST_HEAD)] });
    assert.equal(fits.kind, "request");
    const tooLarge = drive(open(), { label: "whole", pieces: [padded(MAX_REQUEST_HEAD + 1)] });
    assert.deepEqual([tooLarge.kind, tooLarge.code, statusOf(tooLarge.reply)], ["refused", "HTTP_BAD_REQUEST", 431]);
  });

  test("an endless line is 431 once the limit is reached, also byte by byte", () => {
    const result = drive(open(), byteByByte(Buffer.alloc(MAX_REQUEST_HEAD + 10, "A")));
    assert.deepEqual([result.kind, statusOf(result.reply)], ["refused", 431]);
  });
});

describe("answers", () => {
  test("a failure names its code in header and body, with the registry's status", () => {
    const door = open();
    drive(door, { label: "whole", pieces: [get()] });
    const statuses = { DIAL_TIMEOUT: 504, DIAL_REFUSED: 502, TARGET_FORBIDDEN: 403, NO_UPSTREAM: 503, UPSTREAM_CLOSED_EARLY: 502 } as const;
    for (const [code, status] of Object.entries(statuses)) {
      const [head, body] = door
        .failed(code as keyof typeof statuses)
        .toString("latin1")
        .split("\r\n\r\n");
      assert.match(head!, new RegExp(`^HTTP/1.1 ${status} .*\r\n`));
      assert.match(head!, new RegExp(`\r\nX-Shadowfleet-Error: ${code}(\r\n|$)`));
      assert.match(head!, /\r\nConnection: close\r\n/);
      assert.match(body!, new RegExp(`^${code}: .+\n$`));
      assert.equal(Number(/Content-Length: (\d+)/.exec(head!)?.[1]), body!.length);
    }
  });

  test("the answer to HEAD has no body", () => {
    const door = open();
    drive(door, { label: "whole", pieces: [http("HEAD http://h/ HTTP/1.1", "", "")] });
    assert.match(door.failed("DIAL_REFUSED").toString("latin1"), /\r\n\r\n$/);
  });

  test("CONNECT is granted with 200, a plain request with silence", () => {
    const tunnel = open();
    drive(tunnel, { label: "whole", pieces: [http("CONNECT h:1 HTTP/1.1", "", "")] });
    assert.equal(String(tunnel.granted()), "HTTP/1.1 200 Connection established\r\n\r\n");
    const plain = open();
    drive(plain, { label: "whole", pieces: [get()] });
    assert.equal(plain.granted().length, 0);
  });
});

test("junk never throws and does not depend on the split", () => {
  driveJunk(open, Buffer.from("GET "), 60);
  driveJunk(open, http("GET http://h/ HTTP/1.1", ""), 60);
  driveJunk(open, http("POST http://h/ HTTP/1.1", "Content-Length: 10", "", ""), 60);
});
