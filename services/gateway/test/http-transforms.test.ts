import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { splitsOf } from "@shadowfleet/testkit";
import { FAILED, type StreamTransform } from "@shadowfleet/wire";
import { ChunkedBody, FixedBody } from "../src/front/http-body.ts";
import { MAX_RESPONSE_HEAD } from "../src/front/http-response.ts";
import { RequestBodyTransform } from "../src/tunnel/request-body-transform.ts";
import { ResponseHeadTransform } from "../src/tunnel/response-head-transform.ts";

/** Stands for a sealer or opener: copies, within exactly the room it asked for. */
const copying: StreamTransform = {
  failure: undefined,
  atBoundary: true,
  bound: (length) => length,
  push: (src, start, end, dst, dstStart) => src.copy(dst, dstStart, start, end),
};

/** Pushes every split through a fresh transform, each result within its bound; returns what all of them came to. */
function throughAllSplits(create: () => StreamTransform, bytes: Buffer): string {
  const results = [...splitsOf(bytes)].map(({ label, pieces }) => {
    const transform = create();
    const out: Buffer[] = [];
    for (const piece of pieces) {
      const dst = Buffer.alloc(transform.bound(piece.length) + 8, 0xee);
      const written = transform.push(piece, 0, piece.length, dst, 4);
      assert.notEqual(written, FAILED, label);
      assert.ok(written <= dst.length - 8, `${label}: beyond its bound`);
      assert.deepEqual(dst.subarray(0, 4), Buffer.alloc(4, 0xee), `${label}: before its place`);
      out.push(Buffer.from(dst.subarray(4, 4 + written)));
    }
    return Buffer.concat(out).toString("latin1");
  });
  assert.deepEqual(new Set(results).size, 1, "all splits give the same");
  return results[0]!;
}

describe("response head", () => {
  const rewritten = (text: string) => throughAllSplits(() => new ResponseHeadTransform(copying), Buffer.from(text, "latin1"));

  test("fields of the origin's hop go, Connection: close comes, the body stays", () => {
    const answer =
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nContent-Length: 3\r\n\r\nabc\r\n\r\nd";
    assert.equal(rewritten(answer), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc\r\n\r\nd");
  });

  test("interim answers pass first, without Connection: close", () => {
    const answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    assert.equal(
      rewritten(answer),
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    );
  });

  test("framing fields stay even if Connection names them", () => {
    const answer = "HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 1\r\n\r\nx";
    assert.equal(rewritten(answer), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
  });

  for (const [what, answer] of [
    ["not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\nmore"],
    ["bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx"],
    ["a folded field", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\nx"],
  ] as const) {
    test(`${what} passes unchanged`, () => assert.equal(rewritten(answer), answer));
  }

  test("an endless head passes unchanged once the limit is reached", () => {
    const transform = new ResponseHeadTransform(copying);
    const piece = Buffer.alloc(MAX_RESPONSE_HEAD / 4, "h");
    let written = 0;
    for (let n = 0; n < 6; n++) {
      const dst = Buffer.alloc(transform.bound(piece.length));
      written += transform.push(piece, 0, piece.length, dst, 0);
    }
    assert.equal(written, 6 * piece.length);
  });

  test("a failing opener is passed on", () => {
    const broken = { ...copying, failure: "AUTH_FAILED" as const, push: () => FAILED };
    const transform = new ResponseHeadTransform(broken);
    assert.equal(transform.push(Buffer.from("x"), 0, 1, Buffer.alloc(100), 0), FAILED);
    assert.equal(transform.failure, "AUTH_FAILED");
  });
});

describe("request body", () => {
  test("what follows a body of known length is dropped", () => {
    const create = () => new RequestBodyTransform(new FixedBody(5), copying);
    assert.equal(throughAllSplits(create, Buffer.from("helloGET / HTTP/1.1\r\n\r\n")), "hello");
  });

  test("what follows a chunked body is dropped", () => {
    const create = () => new RequestBodyTransform(new ChunkedBody(), copying);
    const body = "5\r\nhello\r\n0\r\nX: y\r\n\r\n";
    assert.equal(throughAllSplits(create, Buffer.from(`${body}GET / HTTP/1.1\r\n\r\n`)), body);
  });

  test("a malformed chunk fails, then and ever after", () => {
    const transform = new RequestBodyTransform(new ChunkedBody(), copying);
    const dst = Buffer.alloc(100);
    assert.equal(transform.push(Buffer.from("5\r\nhello\r\n"), 0, 10, dst, 0), 10);
    assert.equal(transform.push(Buffer.from("zz"), 0, 2, dst, 0), FAILED);
    assert.equal(transform.push(Buffer.from("0\r\n\r\n"), 0, 5, dst, 0), FAILED);
    assert.equal(transform.failure, "BAD_HEADER");
  });
});
