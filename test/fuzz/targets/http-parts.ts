import assert from "node:assert/strict";
import { feed, type PseudoRandom, type Split } from "@shadowfleet/testkit";
import type { StreamTransform } from "@shadowfleet/wire";
import { ChunkedBody, FixedBody, MALFORMED } from "../../../services/gateway/src/front/http-body.ts";
import { ResponseHeadTransform } from "../../../services/gateway/src/tunnel/response-head-transform.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { payloadBytes, pick } from "../models/addresses.ts";
import { deliver, randomSplit, whole } from "../models/delivery.ts";
import { chunkedBody, HTTP_TOKENS, headerLines, httpBody } from "../models/http.ts";

/** How many bytes belong to the body, or MALFORMED; and whether it ended. */
function bodyLength(create: () => ChunkedBody | FixedBody, split: Split): { readonly taken: number; readonly isOver: boolean } {
  const body = create();
  let taken = 0;
  const verdict = feed(split, (src, start, end) => {
    const step = body.take(src, start, end);
    if (step === MALFORMED) return { taken: MALFORMED, isOver: true };
    assert.ok(step >= 0 && step <= end - start);
    taken += step;
    return step < end - start ? { taken, isOver: true } : undefined;
  });
  return verdict ?? { taken, isOver: false };
}

const body: FuzzTarget = {
  name: "http-body",
  reaches: ["ok, ended", "ok, goes on", "malformed"],
  tokens: HTTP_TOKENS,
  unit: 40_000,
  generate: (random) => [chunkedBody(random), payloadBytes(random).subarray(0, 100)],
  execute(parts, random) {
    const bytes = Buffer.concat(parts);
    const fixed = random.below(2_000);
    const create = random.below(8) === 0 ? () => new FixedBody(fixed) : () => new ChunkedBody();
    const all = bodyLength(create, whole(bytes));
    assert.deepEqual(bodyLength(create, randomSplit(bytes, random)), all);
    if (all.taken === MALFORMED) return "malformed";
    // What is taken is a body by itself, and ends in the same place when other bytes come behind it.
    const behind = Buffer.concat([bytes.subarray(0, all.taken), Buffer.from("GET / HTTP/1.1\r\n\r\n")]);
    if (all.isOver) assert.deepEqual(bodyLength(create, whole(behind)), all);
    return all.isOver ? "ok, ended" : "ok, goes on";
  },
};

/** Opens nothing: the bytes are clear already. */
class Clear implements StreamTransform {
  readonly failure = undefined;
  readonly atBoundary = true;

  bound(length: number): number {
    return length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    return src.copy(dst, dstStart, start, end);
  }
}

function responseHead(random: PseudoRandom, status: string): Buffer {
  const lines = [`HTTP/1.1 ${status}`, ...headerLines(random), ...httpBody(random).fields, "Keep-Alive: timeout=5"];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

const response: FuzzTarget = {
  name: "http-response",
  reaches: ["ok, head", "ok, opaque", "more"],
  tokens: HTTP_TOKENS,
  unit: 20_000,
  generate: (random) => [
    ...(random.below(4) === 0 ? [responseHead(random, "100 Continue")] : []),
    responseHead(random, pick(["200 OK", "404 Not Found", "304 Not Modified", "101 Switching Protocols"], random)),
    payloadBytes(random),
  ],
  execute(parts, random) {
    const bytes = Buffer.concat(parts);
    const all = deliver(new ResponseHeadTransform(new Clear()), whole(bytes));
    const cut = deliver(new ResponseHeadTransform(new Clear()), randomSplit(bytes, random));
    assert.deepEqual(cut, all);
    if (all.plain.equals(bytes) && bytes.length > 0) return "ok, opaque";
    if (all.plain.length === 0) return "more";
    const text = all.plain.toString("latin1");
    const head = text.slice(0, text.indexOf("\r\n\r\n"));
    assert.ok(!/^(keep-alive|upgrade|proxy-connection|proxy-authenticate):/im.test(head), "fields of that hop stay there");
    return "ok, head";
  },
};

export const httpParts: readonly FuzzTarget[] = [body, response];
