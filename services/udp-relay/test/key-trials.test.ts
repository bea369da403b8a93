import assert from "node:assert/strict";
import { test } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { bindEcho, bindPeer, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

const KEYS = 20;

test("datagrams that no key opens have a budget of key trials; known clients of the same address get through", async (t) => {
  const keys = Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [`key-${n}`, secretFor("aes-128-gcm", n + 1)]));
  const limits = { keyTrialsPerSource: 50, keyTrials: 1000 };
  const { port, clock, app, log } = await startRelay(t, relayConfig([{ keys }], limits));
  const echo = await bindEcho(t);
  const known = await openClient(t, { secret: keys["key-7"]!, port: port(), clock });
  await known.ask("127.0.0.1", echo.address().port, "before");

  const flooder = await bindPeer(t);
  const random = new PseudoRandom(1);
  for (let n = 0; n < 50; n++) flooder.send(random.bytes(100), port(), "127.0.0.1");
  await until(() => app.counts.count("up", "AUTH_FAILED") + app.counts.count("up", "TRIAL_LIMIT") === 50);
  // Two seconds' worth, 19 keys a datagram: the last search may overdraw it.
  assert.equal(app.counts.count("up", "AUTH_FAILED"), 6);
  assert.equal(app.counts.count("up", "TRIAL_LIMIT"), 44);
  const lines = log.lines.filter(({ code }) => code === "TRIAL_LIMIT");
  assert.equal(lines.length, 44);
  assert.ok(lines.every(({ level }) => level === "debug"));

  assert.equal(String((await known.ask("127.0.0.1", echo.address().port, "after")).payload), "after");
  const stranger = await openClient(t, { secret: keys["key-9"]!, port: port(), clock });
  stranger.send("127.0.0.1", echo.address().port, "a key not shown from here");
  await until(() => app.counts.count("up", "TRIAL_LIMIT") === 45);
  assert.equal(stranger.answers.length, 0);
  clock.advance(2000);
  assert.equal(String((await stranger.ask("127.0.0.1", echo.address().port, "later")).payload), "later");
});
