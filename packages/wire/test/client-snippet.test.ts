import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatClashProxies, formatSingBoxOutbounds } from "../src/index.ts";

const SERVER = { remarks: 'Ann "A": #1', host: "2001:db8::1", port: 8388, method: "2022-blake3-aes-128-gcm", password: "AAECAw==:BBB'\\{" };

describe("snippets for other clients", () => {
  it("quote every scalar of Clash's YAML", () => {
    const text = formatClashProxies([SERVER]);
    assert.deepEqual(text.split("\n"), [
      "proxies:",
      '  - name: "Ann \\"A\\": #1"',
      "    type: ss",
      '    server: "2001:db8::1"',
      "    port: 8388",
      '    cipher: "2022-blake3-aes-128-gcm"',
      '    password: "AAECAw==:BBB\'\\\\{"',
      "    udp: true",
      "",
    ]);
  });

  it("give sing-box its outbounds", () => {
    assert.deepEqual(JSON.parse(formatSingBoxOutbounds([SERVER])), {
      outbounds: [
        {
          type: "shadowsocks",
          tag: SERVER.remarks,
          server: SERVER.host,
          server_port: 8388,
          method: SERVER.method,
          password: SERVER.password,
        },
      ],
    });
  });

  it("name every server differently, by its host where it has no name", () => {
    const servers = [SERVER, SERVER, { ...SERVER, remarks: "" }];
    const { outbounds } = JSON.parse(formatSingBoxOutbounds(servers)) as { outbounds: { tag: string }[] };
    assert.deepEqual(
      outbounds.map(({ tag }) => tag),
      [SERVER.remarks, `${SERVER.remarks} 2`, SERVER.host],
    );
  });
});
