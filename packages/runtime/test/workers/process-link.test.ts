import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { codeOf, FleetError } from "../../src/index.ts";
import { type Channel, type LinkHandlers, ProcessLink } from "../../src/workers/process-link.ts";

/** Two ends of a channel in one process. */
function pair(): readonly [End, End] {
  const a = new End();
  const b = new End();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class End extends EventEmitter implements Channel {
  connected = true;
  peer: End | undefined;

  send(message: unknown, callback: (error: Error | null) => void): boolean {
    setImmediate(() => {
      if (this.connected) this.peer?.emit("message", structuredClone(message));
      callback(this.connected ? null : new Error("closed"));
    });
    return true;
  }

  cut(): void {
    for (const end of [this, this.peer!]) {
      end.connected = false;
      end.emit("disconnect");
    }
  }
}

function link(handlers: LinkHandlers): { readonly asker: ProcessLink; readonly end: End } {
  const [a, b] = pair();
  new ProcessLink(b, handlers);
  return { asker: new ProcessLink(a, {}), end: a };
}

const rejectsWith = (code: string, pattern: RegExp) => (error: Error) => codeOf(error) === code && pattern.test(error.message);

describe("questions between the processes of a group", () => {
  it("are answered each with its own answer, whatever the order; bytes stay bytes", async () => {
    const { asker } = link({
      late: async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 20 - n));
        return n;
      },
      bytes: (bytes: Uint8Array) => bytes.length,
    });
    assert.deepEqual(await Promise.all([1, 9, 5].map((n) => asker.ask("late", n, 5_000))), [1, 9, 5]);
    assert.equal(await asker.ask("bytes", Buffer.alloc(7), 5_000), 7);
  });

  it("what a handler throws arrives with its code", async () => {
    const { asker } = link({
      bind: () => {
        throw new FleetError("BIND_FAILED", "taken");
      },
    });
    await assert.rejects(asker.ask("bind", undefined, 5_000), rejectsWith("BIND_FAILED", /taken/));
  });

  it("are given up when nobody answers, when the other end goes, and at once when it is gone", async () => {
    const { asker, end } = link({ never: () => new Promise(() => {}) });
    await assert.rejects(asker.ask("never", undefined, 20), rejectsWith("INTERNAL", /did not answer "never" within 20 ms/));
    const open = asker.ask("never", undefined, 60_000);
    end.cut();
    await assert.rejects(open, rejectsWith("INTERNAL", /gone/));
    await assert.rejects(asker.ask("never", undefined, 60_000), rejectsWith("INTERNAL", /gone/));
    asker.tell("never");
  });
});
