import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ERROR_CODES, type ErrorCode, errorEntry } from "@shadowfleet/runtime";
import { gatewayFileSchema } from "../src/formats/settings-schema.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("every link leads to a file", () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path!);
  assert.ok(links.length > 10);
  for (const path of links) assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), path);
});

test("the replies it promises are those of the registry", () => {
  const rows = [...readme.matchAll(/^\| [^|]+ \| `([A-Z_]+)` \| ([^|]*)\| ([^|]*)\|$/gm)];
  assert.ok(rows.length > 15);
  for (const [, code = "", socks = "", http = ""] of rows) {
    assert.ok(code in ERROR_CODES, code);
    const entry = errorEntry(code as ErrorCode);
    if (/^\d+ *$/.test(socks)) assert.equal(Number(socks), entry.socksReply, `${code}: SOCKS5 reply`);
    if (/^\d/.test(http)) assert.equal(Number.parseInt(http, 10), entry.httpStatus, `${code}: HTTP status`);
  }
});

test("every setting is described", () => {
  for (const key of Object.keys(gatewayFileSchema.shape)) assert.ok(readme.includes(`\`${key}`), key);
});
