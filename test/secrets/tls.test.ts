import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { freePort, missingProgramsReason, runProgram, SecretFolder, withDeadline } from "@shadowfleet/testkit";
import { type FleetProcess, startService } from "../fleet-process.ts";

const reason = missingProgramsReason(["openssl"], "openssl");
/** By an alert, or by the end of the connection while the client still stays. */
const REFUSED = /alert (handshake failure|certificate required|bad certificate|unknown ca)|unexpected eof|errno=(0|104)/;
const HANDSHAKE_DEADLINE_MS = 40_000;

/** The management API as a scanner sees it: OpenSSL's own client against a running process that asks for certificates. */
describe("TLS of the management API", reason === undefined ? { concurrency: 4 } : { skip: reason }, () => {
  const files = new SecretFolder();
  let management: FleetProcess;
  let port: number;

  before(async () => {
    port = await freePort();
    for (const authority of ["ca", "stranger"]) files.authority(authority);
    files.certificate("server", "ca");
    files.certificate("member", "ca");
    files.certificate("intruder", "stranger");
    const path = (name: string) => `${files.path}/${name}`;
    const tls = { certFile: path("server.crt"), keyFile: path("server.key"), clientCaFile: path("ca.crt") };
    const tokens = [{ name: "ops", role: "admin", tokenFile: files.file("token", "a token of this test 0123".replaceAll(" ", "-")) }];
    management = await startService("management", { grpc: { port, tls, tokens } });
  });
  after(async () => {
    await management?.[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** What `openssl s_client` says and how it ends; it stays until the server has had time to refuse its certificate. */
  async function client(...args: string[]): Promise<string> {
    const command = `(sleep 1; echo Q) | openssl s_client -connect 127.0.0.1:${port} -CAfile ca.crt -alpn h2 ${args.join(" ")} 2>&1`;
    const { stdout } = await runProgram("sh", ["-c", command], { cwd: files.path, deadlineMs: 30_000 });
    return stdout.toString();
  }
  const MEMBER = ["-cert", "member.crt", "-key", "member.key"];
  const negotiated = (said: string) => /^ *(?:New, )?(TLSv1\.[0-3]|SSLv3)[^\n]*Cipher is (\S+)/m.exec(said)?.slice(1);

  test("1.3 and 1.2 are spoken, with HTTP/2 and a certificate that the authority signed", async () => {
    for (const [flag, version] of [
      ["-tls1_3", "TLSv1.3"],
      ["-tls1_2", "TLSv1.2"],
    ] as const) {
      const said = await client(flag, ...MEMBER);
      assert.equal(negotiated(said)?.[0], version, said);
      assert.match(said, /Verify return code: 0 \(ok\)/);
      assert.match(said, /ALPN protocol: h2/);
      assert.doesNotMatch(said, /alert/);
    }
  });

  test("older versions are refused", async () => {
    for (const flag of ["-tls1_1", "-tls1"]) {
      const said = await client(flag, "-cipher", "DEFAULT@SECLEVEL=0", ...MEMBER);
      assert.equal(negotiated(said)?.[1] ?? "(NONE)", "(NONE)", said);
      assert.match(said, /protocol version|no protocols available|unsupported protocol/i);
    }
  });

  test("ciphers without forward secrecy or authentication of their own are refused", async () => {
    for (const cipher of [
      "AES128-GCM-SHA256",
      "AES256-SHA256",
      "ECDHE-RSA-AES128-SHA256",
      "ECDHE-RSA-AES256-SHA",
      "DHE-RSA-AES128-GCM-SHA256",
    ]) {
      const said = await client("-tls1_2", "-cipher", `${cipher}:@SECLEVEL=0`, ...MEMBER);
      assert.equal(negotiated(said)?.[1] ?? "(NONE)", "(NONE)", `${cipher}: ${said}`);
      assert.match(said, /handshake failure/, cipher);
    }
    const modern = await client("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", ...MEMBER);
    assert.equal(negotiated(modern)?.[1], "ECDHE-RSA-AES128-GCM-SHA256", modern);
  });

  test("who shows no certificate, or another authority's, is refused", async () => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      assert.match(await client(version), REFUSED, `${version} without`);
      const intruder = await client(version, "-cert", "intruder.crt", "-key", "intruder.key");
      assert.match(intruder, REFUSED, `${version} with another's`);
      assert.doesNotMatch(await client(version, ...MEMBER), REFUSED, `${version} with a member's`);
    }
  });

  test("renegotiation, compression and what is no HTTP/2 are refused", async () => {
    const said = await client("-tls1_2", "-comp", ...MEMBER);
    assert.match(said, /Compression: NONE/);
    const plain = await client("-tls1_2", "-alpn", "http/1.0", ...MEMBER);
    assert.doesNotMatch(plain, /ALPN protocol: h/);
  });

  test("a handshake that does not begin is given up", { timeout: 60_000 }, async () => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {}).resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await withDeadline(closed, HANDSHAKE_DEADLINE_MS, "the end of a connection that says nothing");
  });
});
