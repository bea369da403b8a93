import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError, FleetError, LOG_THRESHOLDS } from "../src/index.ts";
import { memoryLog, records } from "./memory-log.ts";

const PASSWORD = "correct-horse-battery";
const SIP002 = `ss://${Buffer.from(`aes-256-gcm:${PASSWORD}`).toString("base64url")}@192.0.2.1:8388/#home`;
const PLAIN = `ss://2022-blake3-aes-128-gcm:${PASSWORD}@[2001:db8::1]:8388`;
const LEGACY = `ss://${Buffer.from(`aes-256-gcm:${PASSWORD}@192.0.2.1:8388`).toString("base64")}#home`;

/** Everything by which the password could be recognised in a line. */
const TRACES = [PASSWORD, SIP002.slice(5, 30), LEGACY.slice(5, 30), Buffer.from(PASSWORD).join(",")];

function assertNoTrace(text: string): void {
  for (const trace of TRACES) assert.ok(!text.includes(trace), `${trace} in ${text}`);
}

describe("createLogger", () => {
  it("writes one JSON object a line with ISO time, level as a word and the service", () => {
    const { logger, lines } = memoryLog();
    logger.child({ room: "listener" }).warn({ port: 8388, code: "BIND_FAILED" }, "cannot bind");
    assert.equal(lines.length, 1);
    assert.ok(lines[0]!.endsWith("}\n"));
    const [{ time, ...rest } = {}] = records(lines);
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, { level: "warn", service: "test", room: "listener", port: 8388, code: "BIND_FAILED", msg: "cannot bind" });
  });

  it("lets through its level and above, and nothing when silent", () => {
    for (const [index, level] of LOG_THRESHOLDS.entries()) {
      const { logger, lines } = memoryLog(level);
      for (const name of ["trace", "debug", "info", "warn", "error"] as const) logger[name]("x");
      assert.deepEqual(
        records(lines).map((record) => record.level),
        LOG_THRESHOLDS.slice(index).filter((name) => name !== "silent"),
      );
    }
  });

  it("redacts access URIs in messages, format arguments, fields and child bindings, and keeps where they point", () => {
    const { logger, lines, text } = memoryLog();
    for (const uri of [SIP002, PLAIN, LEGACY]) {
      logger.info(`serving ${uri}`);
      logger.info("serving %s and %o", uri, { uri, nested: { password: PASSWORD } });
      logger.info({ uri, list: [uri] }, "serving");
      logger.child({ uri }).info({ json: JSON.stringify({ uri }) });
      logger.info(`in quotes: "${uri}"`);
    }
    assert.equal(records(lines).length, 15);
    assertNoTrace(text());
    assert.match(lines[0]!, /serving ss:\/\/<redacted>@192\.0\.2\.1:8388\/#home/);
    assert.match(text(), /ss:\/\/<redacted>@\[2001:db8::1\]:8388/);
  });

  it("redacts configuration objects by field name at any depth, maps, buffers and credentials included", () => {
    const key = Buffer.from(PASSWORD);
    const config = {
      ports: [
        { port: 8388, keys: [{ id: "alice", name: "Alice", secret: PASSWORD, credential: { method: { name: "aes-256-gcm" }, key } }] },
      ],
      port_password: { 8001: PASSWORD },
      server_password: [["127.0.0.1:8387", PASSWORD]],
      identityKeys: [key],
      uPSK: PASSWORD,
      adminToken: PASSWORD,
      headers: { Authorization: `Bearer ${PASSWORD}`, "proxy-authorization": `Basic ${PASSWORD}` },
      redis: `redis://:${PASSWORD}@redis:6379/0`,
      raw: key,
      bytes: new Uint8Array(key),
      byPort: new Map([[8001, { password: PASSWORD }]]),
    };
    const { logger, lines, text } = memoryLog();
    logger.info({ config }, "loaded");
    logger.info(config);
    logger.child({ config }).child(config).info("from a child");
    logger.info(`GET / HTTP/1.1\r\nProxy-Authorization: Basic ${PASSWORD}\r\n\r\n`);
    assertNoTrace(text());
    const [first] = records(lines) as [{ config: typeof config }];
    assert.equal(first.config.ports[0]!.keys[0]!.id, "alice");
    assert.deepEqual(first.config.ports[0]!.keys[0]!.credential, { method: "aes-256-gcm", key: "<redacted>" });
    assert.equal(first.config.redis, "redis://<redacted>@redis:6379/0");
    assert.deepEqual(first.config.byPort, { "8001": { password: "<redacted>" } });
  });

  it("redacts errors: message, stack, cause and own fields", () => {
    const cause = Object.assign(new Error(`refused ${PLAIN}`), { password: PASSWORD });
    const error = new FleetError("DIAL_REFUSED", `cannot use ${SIP002}`, { cause });
    const { logger, lines, text } = memoryLog();
    logger.error(error);
    logger.error({ err: error }, "failed");
    logger.error({ err: error });
    logger.error({ nested: { reason: error } }, "failed");
    assertNoTrace(text());
    for (const record of records(lines).slice(0, 3)) {
      const { err } = record as { err: Record<string, unknown> };
      assert.equal(err.type, "FleetError");
      assert.equal(err.code, "DIAL_REFUSED");
      assert.match(String(err.stack), /logger\.test\.ts/);
      assert.match(String((err.cause as { message: string }).message), /refused ss:\/\/<redacted>@/);
    }
    assert.match(String(records(lines)[0]!.msg), /^cannot use ss:\/\/<redacted>@192/);
  });

  it("survives what cannot be written as JSON", () => {
    const circular: Record<string, unknown> = { big: 12n, when: new Date(0), url: new URL("https://u:pw@example.com/") };
    circular.self = circular;
    const { logger, lines } = memoryLog();
    logger.info(circular, "x");
    const [record] = records(lines);
    assert.equal(record!.self, "<circular>");
    assert.equal(record!.when, "1970-01-01T00:00:00.000Z");
    assert.equal(record!.url, "https://<redacted>@example.com/");
    assert.equal(String(record!.big), "12");
  });
});

describe("text format", () => {
  it("is one short line with local time, level, service, message and fields", () => {
    const { logger, lines } = memoryLog("info", "text");
    logger.info({ port: 8388, host: "::", note: "two words", list: [1, 2], secret: PASSWORD }, "listening");
    assert.match(lines[0]!, /^\d\d:\d\d:\d\d INFO {2}test listening port=8388 host=:: note="two words" list=\[1,2\] secret=<redacted>\n$/);
  });

  it("puts problems and stacks on lines of their own", () => {
    const { logger, lines } = memoryLog("info", "text");
    const { problems } = new ConfigError("f", [{ path: "ports[0]", reason: "required" }]);
    logger.error({ problems, err: new Error("boom") }, "refused");
    const [head, problem, message, ...stack] = lines[0]!.split("\n");
    assert.match(head!, /ERROR test refused$/);
    assert.equal(problem, "  ports[0]: required");
    assert.equal(message, "  Error: boom");
    assert.match(stack[0]!, /^ {6}at .*logger\.test\.ts/);
  });

  it("lets nothing from outside control the terminal", () => {
    const { logger, lines } = memoryLog("info", "text");
    logger.info({ target: "a\u001b[2Jb\nc\u009b31m", "\u001bkey": 1 }, "x\u001b]0;title\u0007\nforged line");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the assertion
    assert.doesNotMatch(lines[0]!.slice(0, -1), /[\u0000-\u001f\u007f-\u009f]/);
    assert.match(lines[0]!, /\\x0aforged line/);
  });
});
