import assert from "node:assert/strict";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { formatAccessUri, formatOnlineConfig, parseAccessUri, parseOnlineConfig } from "@shadowfleet/wire";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";
import { JSON_TOKENS, mutateData } from "../models/json.ts";

const METHODS = ["aes-256-gcm", "2022-blake3-aes-128-gcm", "chacha20-ietf-poly1305", "none"];
const PASSWORDS = ["barfoo!", "p@ss:w/ö?#", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAA==", " ", "\u0001"];
const HOSTS = ["192.168.100.1", "example.com", "2001:db8::1", "xn--bcher-kva.example"];
const SECRET = "hunter2-in-the-password";

function generateUri(random: PseudoRandom): Buffer[] {
  const uri = formatAccessUri({
    method: pick(METHODS, random),
    password: pick([...PASSWORDS, SECRET], random),
    host: pick(HOSTS, random),
    port: 1 + random.below(0xffff),
    ...(random.below(3) === 0 && {
      plugin: { name: pick(["obfs-local", "a\\;b"], random), opts: pick(["", "obfs=http;mode=x", "\\="], random) },
    }),
    ...(random.below(2) === 0 && { tag: pick(["home", "ü #%", "\u{1f600}"], random) }),
  });
  if (random.below(4) > 0) return [Buffer.from(uri)];
  const old = `${pick(METHODS, random)}:${pick(PASSWORDS, random)}@${pick(HOSTS.slice(0, 2), random)}:${random.below(0x1_0000)}`;
  return [Buffer.from(`ss://${Buffer.from(old).toString(pick(["base64", "base64url"], random))}#tag`)];
}

/** What is accepted says the same when it is written out again; no reason quotes anything. */
const accessUri: FuzzTarget = {
  name: "access-uri",
  reaches: ["ok", "refused"],
  tokens: ["ss://", "@", ":", "#", "?", "/", "%", "%00", "%ff", "plugin=", "&", ";", "\\", "[", "]", "=", "+", "-", "_"],
  unit: 15_000,
  generate: generateUri,
  execute(parts) {
    const result = parseAccessUri(Buffer.concat(parts).toString("utf8"));
    if (!result.ok) {
      assert.ok(!result.reason.includes("hunter2"), "a reason quotes nothing");
      return "refused";
    }
    const { uri } = result;
    assert.ok(uri.port >= 1 && uri.port <= 0xffff && uri.method !== "" && uri.password !== "");
    const text = [uri.method, uri.password, uri.plugin?.name ?? "", uri.plugin?.opts ?? "", uri.tag ?? ""];
    if (!text.every((part) => part.isWellFormed())) return "ok, not to be written";
    const again = parseAccessUri(formatAccessUri(uri));
    assert.deepEqual(again, result);
    return "ok";
  },
};

const DOCUMENT = {
  version: 1,
  servers: [
    {
      id: "27b8a625-4f4b-4428-9f0f-8a2317db7c79",
      remarks: "one",
      server: "example.com",
      server_port: 8388,
      password: SECRET,
      method: "aes-256-gcm",
    },
    {
      id: "7842c068-c667-41f2-8f7d-04feece3cb67",
      remarks: "",
      server: "2001:db8::1",
      server_port: 1,
      password: "x",
      method: "chacha20-ietf-poly1305",
      plugin: "obfs-local",
      plugin_opts: "obfs=http",
      custom_field: { a: [1] },
    },
  ],
  bytes_used: 274_877_906_944,
  bytes_remaining: 824_633_720_832,
  username: "anna",
};

const onlineConfig: FuzzTarget = {
  name: "online-config",
  reaches: ["ok", "refused"],
  tokens: JSON_TOKENS,
  isStructured: true,
  unit: 12_000,
  generate: (random) => [Buffer.from(JSON.stringify(mutateData(DOCUMENT, random)))],
  execute(parts) {
    const result = parseOnlineConfig(Buffer.concat(parts).toString("utf8"));
    if (!result.ok) {
      assert.ok(result.problems.length > 0, "a refusal says why");
      assert.ok(!JSON.stringify(result.problems).includes("hunter2"), "a reason quotes nothing");
      return "refused";
    }
    assert.deepEqual(parseOnlineConfig(formatOnlineConfig(result.config)), result);
    return "ok";
  },
};

export const documents: readonly FuzzTarget[] = [accessUri, onlineConfig];
