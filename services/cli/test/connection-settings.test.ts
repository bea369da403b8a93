import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "@shadowfleet/runtime";
import { UsageError } from "../src/arguments/usage-error.ts";
import type { ConnectionFlags } from "../src/connection/connection-flags.ts";
import { type ConnectionSettings, connectionSettings } from "../src/connection/connection-settings.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const NO_FLAGS: ConnectionFlags = {
  server: [],
  tokenFile: undefined,
  ca: undefined,
  cert: undefined,
  certKey: undefined,
  serverName: undefined,
  insecure: false,
  timeout: undefined,
  context: undefined,
  config: undefined,
};
const NO_TLS_FILES = { caFile: undefined, certFile: undefined, keyFile: undefined, serverName: undefined };

const at = (host: string, port = 9190) => ({ host, port });

async function settings(
  flags: Partial<ConnectionFlags> = {},
  environment: Record<string, string> = {},
  homeFolder = "/nonexistent",
): Promise<ConnectionSettings> {
  return await connectionSettings({ ...NO_FLAGS, ...flags }, { environment, homeFolder });
}

describe("connection settings", () => {
  test("without any: the management of this machine, in plaintext, for 10 s", async () => {
    assert.deepEqual(await settings(), {
      target: { addresses: [at("127.0.0.1")], tls: undefined, tokenFile: undefined },
      timeoutMs: 10_000,
    });
  });

  test("the environment says all there is to say", async () => {
    const { target } = await settings(
      {},
      {
        SHADOWFLEET_SERVER: "a.example:1, [2001:db8::1]:2",
        SHADOWFLEET_TOKEN_FILE: "token",
        SHADOWFLEET_CA: "ca.pem",
        SHADOWFLEET_CERT: "cert.pem",
        SHADOWFLEET_CERT_KEY: "key.pem",
        SHADOWFLEET_SERVER_NAME: "fleet",
      },
    );
    assert.deepEqual(target, {
      addresses: [at("a.example", 1), at("2001:db8::1", 2)],
      tls: { caFile: "ca.pem", certFile: "cert.pem", keyFile: "key.pem", serverName: "fleet" },
      tokenFile: "token",
    });
  });

  test("flags go before the environment, the environment before the file, each setting on its own", async () => {
    using folder = new ScratchFolder();
    folder.write(".config/shadowfleet/config.yaml", "server: file.example:1\ntokenFile: ~/token\nca: certs/ca.pem\nserverName: of-file\n");
    const environment = { SHADOWFLEET_SERVER: "env.example:2", SHADOWFLEET_SERVER_NAME: "of-environment" };
    const { target } = await settings({ server: [at("flag.example", 3)] }, environment, folder.path);
    assert.deepEqual(target, {
      addresses: [at("flag.example", 3)],
      tls: { ...NO_TLS_FILES, caFile: `${folder.path}/.config/shadowfleet/certs/ca.pem`, serverName: "of-environment" },
      tokenFile: `${folder.path}/token`,
    });
  });

  test("empty variables say nothing", async () => {
    const { target } = await settings({}, { SHADOWFLEET_SERVER: "", SHADOWFLEET_INSECURE: "", SHADOWFLEET_CONFIG: "" });
    assert.deepEqual(target.addresses, [at("127.0.0.1")]);
  });

  test("the file may be elsewhere, and must then be there", async () => {
    using folder = new ScratchFolder();
    folder.write("xdg/shadowfleet/config.yaml", "server: [xdg.example:1, xdg.example:2]\n");
    const named = folder.write("named.yaml", "server: named.example:1\n");
    assert.deepEqual((await settings({}, { XDG_CONFIG_HOME: `${folder.path}/xdg` })).target.addresses, [
      at("xdg.example", 1),
      at("xdg.example", 2),
    ]);
    assert.deepEqual((await settings({}, { SHADOWFLEET_CONFIG: named })).target.addresses, [at("named.example", 1)]);
    assert.deepEqual((await settings({ config: named })).target.addresses, [at("named.example", 1)]);
    await assert.rejects(settings({ config: `${folder.path}/none.yaml` }), { name: "ConfigError", message: /there is no such file/ });
  });

  test("contexts stand alone: nothing of the settings beside them goes to their server", async () => {
    using folder = new ScratchFolder();
    const config = folder.write(
      "config.yaml",
      "server: home.example:1\ntokenFile: home.token\ncontext: lab\ncontexts:\n  lab: { server: '127.0.0.1:2' }\n  shop: { server: shop.example:3, tokenFile: shop.token }\n",
    );
    assert.deepEqual((await settings({ config })).target, { addresses: [at("127.0.0.1", 2)], tls: undefined, tokenFile: undefined });
    assert.deepEqual((await settings({ config, context: "shop" })).target.tokenFile, `${folder.path}/shop.token`);
    assert.deepEqual((await settings({ config }, { SHADOWFLEET_CONTEXT: "shop" })).target.addresses, [at("shop.example", 3)]);
    await assert.rejects(settings({ config, context: "attic" }), { name: "UsageError", message: /no context "attic"; it has lab, shop/ });
  });

  test("a wrong file is refused with every problem", async () => {
    using folder = new ScratchFolder();
    const config = folder.write("config.yaml", "servr: a.example:1\ntokenFile: 7\ncontexts: { lab: { server: nowhere } }\n");
    await assert.rejects(settings({ config }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /3 problems/);
      assert.match(error.message, /servr: unknown key, did you mean "server"\?/);
      return true;
    });
  });

  describe("TLS", () => {
    test("is used for every address that is not loopback, with the system's authorities", async () => {
      assert.deepEqual((await settings({ server: [at("fleet.example")] })).target.tls, NO_TLS_FILES);
      assert.deepEqual((await settings({ server: [at("127.0.0.1"), at("192.0.2.1")] })).target.tls, NO_TLS_FILES);
    });

    test("is used on loopback when there is a file for it, or when the file says so", async () => {
      for (const host of ["127.0.0.1", "127.8.8.8", "::1", "localhost"]) {
        assert.equal((await settings({ server: [at(host)] })).target.tls, undefined, host);
        assert.deepEqual((await settings({ server: [at(host)], ca: "ca.pem" })).target.tls, { ...NO_TLS_FILES, caFile: "ca.pem" }, host);
      }
      assert.deepEqual((await settings({}, { SHADOWFLEET_INSECURE: "0" })).target.tls, NO_TLS_FILES);
    });

    const REFUSED: readonly (readonly [flags: Partial<ConnectionFlags>, environment: Record<string, string>, reason: RegExp])[] = [
      [{ insecure: true, server: [at("localhost"), at("fleet.example")] }, {}, /loopback addresses only, which fleet\.example is not/],
      [{ insecure: true, server: [at("127.0.0.1.example")] }, {}, /loopback addresses only/],
      [{ server: [at("fleet.example")] }, { SHADOWFLEET_INSECURE: "1" }, /loopback addresses only/],
      [{ insecure: true, ca: "ca.pem" }, {}, /--insecure means no TLS/],
      [{ cert: "cert.pem" }, {}, /--cert and --cert-key need each other/],
      [{ certKey: "key.pem" }, {}, /need each other/],
      [{}, { SHADOWFLEET_INSECURE: "maybe" }, /SHADOWFLEET_INSECURE: expected 1 or 0/],
      [{}, { SHADOWFLEET_SERVER: "nowhere" }, /SHADOWFLEET_SERVER: must be host:port/],
    ];
    for (const [flags, environment, reason] of REFUSED) {
      test(`is not given up lightly: ${reason.source}`, async () => {
        await assert.rejects(settings(flags, environment), (error) => error instanceof UsageError && reason.test(error.message));
      });
    }
  });
});
