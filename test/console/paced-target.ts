import { startTcpTarget, type TcpTarget } from "@shadowfleet/testkit";

const TICK_MS = 50;
const REQUEST_LENGTH = 16;

/** Sends as many bytes a second as its client asks for, up to a total; reads whatever else comes. */
export function startPacedTarget(): Promise<TcpTarget> {
  return startTcpTarget((socket) => {
    socket.once("data", (request: Buffer) => {
      const bytesPerSecond = Number(request.readBigUInt64BE(0));
      const total = Number(request.readBigUInt64BE(8));
      const begun = performance.now();
      let sent = 0;
      const tick = setInterval(() => {
        const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * bytesPerSecond)) - sent;
        if (due <= 0) return;
        socket.write(Buffer.alloc(due, "shadowfleet"));
        sent += due;
      }, TICK_MS);
      socket.resume().on("close", () => clearInterval(tick));
    });
    socket.on("end", () => socket.end());
  });
}

/** What a client sends first. */
export function pacedRequest(bytesPerSecond: number, totalBytes: number): Buffer {
  const request = Buffer.alloc(REQUEST_LENGTH);
  request.writeBigUInt64BE(BigInt(bytesPerSecond), 0);
  request.writeBigUInt64BE(BigInt(totalBytes), 8);
  return request;
}
