import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import fc from "fast-check";
import { readParameters, trimPayload } from "../src/udp-management/command-text.ts";
import { ReportSet } from "../src/udp-management/report-set.ts";
import { statMessages } from "../src/udp-management/stat-text.ts";

describe("stat", () => {
  it("is one datagram where it fits", () => {
    assert.deepEqual(statMessages([]), ["stat: {}"]);
    assert.deepEqual(
      statMessages([
        { port: 8001, bytes: 11_370 },
        { port: 8002, bytes: 0 },
      ]),
      ['stat: {"8001":11370,"8002":0}'],
    );
  });

  it("in however many datagrams has each port once, each datagram whole and within its size", () => {
    const totals = fc.uniqueArray(fc.record({ port: fc.integer({ min: 1, max: 65_535 }), bytes: fc.maxSafeNat() }), {
      selector: ({ port }) => port,
    });
    fc.assert(
      fc.property(totals, fc.integer({ min: 64, max: 300 }), (ports, maxBytes) => {
        const messages = statMessages(ports, maxBytes);
        for (const message of messages) assert.ok(message.startsWith("stat: {") && message.length <= maxBytes);
        const read = messages.flatMap((message) => Object.entries(JSON.parse(message.slice("stat: ".length)) as Record<string, number>));
        assert.deepEqual(new Map(read), new Map(ports.map(({ port, bytes }) => [String(port), bytes])));
        assert.equal(read.length, ports.length);
      }),
    );
  });
});

describe("what a command says", () => {
  it("is read from any JSON without throwing", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{"server_port":${text}}`),
        ),
        (text) => {
          const { port } = readParameters(text);
          assert.ok(port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65_535));
        },
      ),
    );
  });

  it("is trimmed of what a receive buffer leaves around it", () => {
    assert.equal(trimPayload("\0 \r\n\tx y\0\0\r\n "), "x y");
  });
});

describe("the report set", () => {
  it("keeps those who pinged within the hour, the newest when there are too many, each once", () => {
    const clock = new ManualClock();
    const set = new ReportSet(clock);
    set.join({ address: "192.0.2.1", port: 1 });
    set.join({ address: "192.0.2.1", port: 1 });
    clock.advance(50 * 60_000);
    set.join({ address: "192.0.2.2", port: 2 });
    assert.equal(set.list().length, 2);
    clock.advance(11 * 60_000);
    assert.deepEqual(
      set.list().map(({ address }) => address),
      ["192.0.2.2"],
    );
    for (let port = 1; port <= 1_000; port++) set.join({ address: "192.0.2.3", port });
    assert.equal(set.list().length, 256);
    assert.deepEqual(set.list().at(-1), { address: "192.0.2.3", port: 1_000, seenAtMs: clock.monotonic() });
    set.leave({ address: "192.0.2.3", port: 1_000 });
    set.leave({ address: "192.0.2.3", port: 1 });
    assert.equal(set.list().length, 255);
  });
});
