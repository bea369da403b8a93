import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { DeadlineError } from "../src/deadline.ts";
import { startTcpTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { ConnectionEndedError, readExactly, readThrough } from "../src/socket-reader.ts";
import { openSocket } from "../src/socks-client.ts";

expectNoOpenHandles();

/** A socket whose peer says `pieces`, a while apart, and then ends, resets, or keeps the line. */
async function hearing(t: TestContext, pieces: readonly string[], ending: "fin" | "rst" | "none") {
  const target = await startTcpTarget((socket) => {
    socket.resume();
    for (const [i, piece] of pieces.entries()) setTimeout(() => socket.write(piece), 10 * i);
    setTimeout(() => (ending === "fin" ? socket.end() : ending === "rst" && socket.resetAndDestroy()), 10 * pieces.length);
  });
  t.after(() => target.close());
  const socket = await openSocket(target);
  t.after(() => socket.destroy());
  return socket;
}

test("exactly so many bytes, however they come; the rest stays for the next reader", async (t) => {
  const socket = await hearing(t, ["ab", "c", "defgh", "ij\r", "\nrest"], "fin");
  const read = async (length: number) => (await readExactly(socket, length, 1_000, "it")).toString();
  assert.deepEqual([await read(1), await read(0), await read(4), await read(2)], ["a", "", "bcde", "fg"]);
  assert.equal((await readThrough(socket, "\r\n", 1_000, "a line")).toString(), "hij\r\n");
  let rest = "";
  socket.on("data", (chunk) => (rest += chunk));
  await once(socket, "end");
  assert.equal(rest, "rest");
});

test("an end, a reset and silence each reject in their own way", async (t) => {
  await assert.rejects(readExactly(await hearing(t, ["ab"], "fin"), 3, 1_000, "three bytes"), ConnectionEndedError);
  await assert.rejects(readExactly(await hearing(t, ["ab"], "rst"), 3, 1_000, "three bytes"), (error: Error) => {
    assert.ok(error instanceof ConnectionEndedError);
    assert.equal((error.cause as NodeJS.ErrnoException).code, "ECONNRESET");
    return true;
  });
  await assert.rejects(readExactly(await hearing(t, ["ab"], "none"), 3, 60, "three bytes"), DeadlineError);
  await assert.rejects(readThrough(await hearing(t, ["ab"], "none"), "\n", 60, "a line"), DeadlineError);
});
