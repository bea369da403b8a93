import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ConsoleFleet } from "./console-fleet.ts";

const root = join(import.meta.dirname, "../..");

test("the type checker is content with the page, which the root's configuration leaves out", () => {
  for (const project of ["services/management/src/console/page", "test/console/in-page"]) {
    const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", project], { cwd: root, encoding: "utf8" });
    assert.equal(status, 0, stdout);
  }
});

test("the page's files: one policy without inline code, one type each, no types left in modules, 304 for what a browser has", async () => {
  await using fleet = await ConsoleFleet.start({ hasRelays: false });
  const toPage = await fetch(fleet.url.replace(/\/$/, ""), { redirect: "manual" });
  assert.deepEqual([toPage.status, toPage.headers.get("location")], [308, "/console/"]);
  const seen = new Set<string>();
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const url = new URL(path, fleet.url);
    const answer = await fetch(url);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'self';/);
    assert.doesNotMatch(answer.headers.get("content-security-policy") ?? "", /unsafe|data:|http/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    const text = await answer.text();
    assert.doesNotMatch(text.replaceAll("http://www.w3.org/2000/svg", ""), /https?:\/\//, `${path} names another place`);
    if (path.endsWith(".js")) {
      assert.match(answer.headers.get("content-type") ?? "", /^text\/javascript/);
      assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|^import type|^export (interface|type) /m, path);
      for (const [, target = ""] of text.matchAll(/from "(\.[^"]+)"/g))
        pending.push(new URL(target, url).pathname.replace("/console/", ""));
    }
    for (const [, target = ""] of path === "" ? text.matchAll(/(?:href|src)="([^"]+)"/g) : []) pending.push(target);
    const again = await fetch(url, { headers: { "if-none-match": answer.headers.get("etag") ?? "" } });
    assert.equal(again.status, 304, path);
  }
  assert.ok(seen.size > 35, `only ${seen.size} files were found`);
});
