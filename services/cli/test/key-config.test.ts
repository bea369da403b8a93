import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { GetAccessConfigResponse, AccessKeyServiceService as Keys, QrFormat, RotateAccessLinkResponse } from "@shadowfleet/control-api";
import { URI } from "./alice.ts";
import { documentOf, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const CONFIG = {
  accessUri: URI,
  sip008Url: "https://fleet.example/sip008/alice.token",
  ssconfUrl: "ssconf://fleet.example/ssconf/alice.token#Alice",
  sip008: '{\n  "version": 1\n}',
  clash: "proxies:\n",
  singBox: '{"outbounds":[]}\n',
};
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);

describe("key config and key link", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Keys.getAccessConfig, ({ qrFormat }) => {
      const qr = { [QrFormat.QR_FORMAT_SVG]: Buffer.from("<svg/>\n"), [QrFormat.QR_FORMAT_PNG]: PNG }[qrFormat as 1 | 2];
      return GetAccessConfigResponse.fromPartial({ ...CONFIG, ...(qr && { qr }) });
    });
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("prints the form that is asked for, and the URI by itself", async () => {
    for (const [format, text] of [
      ["uri", `${URI}\n`],
      ["link", `${CONFIG.sip008Url}\n`],
      ["ssconf", `${CONFIG.ssconfUrl}\n`],
      ["sip008", `${CONFIG.sip008}\n`],
      ["clash", CONFIG.clash],
      ["sing-box", CONFIG.singBox],
      ["svg", "<svg/>\n"],
    ] as const)
      assert.equal((await runAgainst(fleet, ["key", "config", "alice", "--format", format])).out, text, format);
    assert.equal((await runAgainst(fleet, ["key", "config", "alice", "--host", "h.example"])).out, `${URI}\n`);
    assert.equal(fleet.requestsOf(Keys.getAccessConfig).at(-1)?.host, "h.example");
    assert.deepEqual(documentOf(await runAgainst(fleet, ["key", "config", "alice", "--format", "link", "-o", "json"])), {
      id: "alice",
      format: "link",
      content: `${CONFIG.sip008Url}\n`,
    });
  });

  test("writes images to files alone, byte by byte", async () => {
    using folder = new ScratchFolder();
    const file = join(folder.path, "alice.png");
    const nowhere = await runAgainst(fleet, ["key", "config", "alice", "--format", "png"]);
    assert.equal(nowhere.exitCode, 2);
    assert.match(nowhere.err, /--output-file FILE/);
    assert.equal((await runAgainst(fleet, ["key", "config", "alice", "--format", "png", "--output-file", file])).exitCode, 0);
    assert.deepEqual(readFileSync(file), PNG);
  });

  test("shows links, and replaces them after asking", async () => {
    assert.equal((await runAgainst(fleet, ["key", "link", "alice"])).out, `${CONFIG.sip008Url}\n${CONFIG.ssconfUrl}\n`);
    const sip008Url = "http://127.0.0.1:9191/sip008/alice.other";
    fleet.answer(Keys.rotateAccessLink, () => RotateAccessLinkResponse.fromPartial({ sip008Url }));
    assert.equal((await runAgainst(fleet, ["key", "link", "alice", "--replace", "--yes"])).out, `${sip008Url}\n`);
    assert.equal(fleet.requestsOf(Keys.rotateAccessLink).length, 1);
  });

  test("says where links come from when there are none", async () => {
    fleet.answer(Keys.getAccessConfig, () => GetAccessConfigResponse.fromPartial({ accessUri: URI }));
    for (const argv of [
      ["key", "link", "alice"],
      ["key", "config", "alice", "--format", "ssconf"],
    ]) {
      const { exitCode, err } = await runAgainst(fleet, argv);
      assert.notEqual(exitCode, 0);
      assert.match(err, /see http in its configuration/);
    }
  });
});
