import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EVENT_TYPES } from "@shadowfleet/store";
import { runProgram } from "@shadowfleet/testkit";

const page = readFileSync(join(import.meta.dirname, "../../docs/events.md"), "utf8");

function block(language: string, containing: string): string {
  const found = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].find(
    ([, name, text]) => name === language && text?.includes(containing),
  );
  assert.ok(found?.[2], `no ${language} block with ${containing}`);
  return found[2];
}

test("every type of event has its row on the page", () => {
  const rows = [...page.matchAll(/^\| (`[^|]*`) \| /gm)].map(([, types = ""]) => types).join(", ");
  for (const type of EVENT_TYPES) {
    const last = type.split(".").at(-1)!;
    assert.ok(rows.includes(`\`${type}\``) || rows.includes(`\`.${last}\``), type);
  }
});

test("the page's shell says of the page's own event that it is genuine, and of another one that it is forged", async () => {
  const shell = block("sh", "openssl dgst");
  const say = async (text: string): Promise<string> =>
    (await runProgram("sh", ["-c", text], { deadlineMs: 10_000 })).stdout.toString().trim();
  assert.equal(await say(shell), "genuine");
  assert.equal(await say(shell.replace('"subject":"bob"', '"subject":"eve"')), "forged");
});

test("the page's JavaScript agrees, and minds the time", async (t) => {
  const [, signature = ""] = /^webhook-signature: (.*)$/m.exec(page) ?? [];
  const [, body = ""] = /^body='(.*)'$/m.exec(page) ?? [];
  const [, secret = ""] = /^secret=(.*)$/m.exec(page) ?? [];
  const script = `${block("js", "createHmac")}export default isGenuine;`;
  const module = (await import(`data:text/javascript,${encodeURIComponent(script)}`)) as {
    default: (secret: string, headers: object, body: string) => boolean;
  };
  const headers = { "webhook-id": "6", "webhook-timestamp": "1795716292", "webhook-signature": `v1,AAAA ${signature}` };
  t.mock.timers.enable({ apis: ["Date"], now: 1_795_716_300_000 });
  assert.equal(module.default(secret, headers, body), true);
  assert.equal(module.default(secret, headers, body.replace("bob", "eve")), false);
  t.mock.timers.setTime(1_795_716_900_000);
  assert.equal(module.default(secret, headers, body), false);
});
