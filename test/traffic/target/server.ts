/**
 * Needs nothing but Node, so that it runs in a container too: echo (TCP and UDP), a sink, a paced source, and what they counted. A connection to the source
 * begins with a line `BYTES_PER_SECOND TOTAL`; the stream ends after TOTAL bytes (0: never) or with the client's FIN. Argument: the address to listen on.
 */
import { createSocket } from "node:dgram";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { patternFrom } from "./pattern.ts";
import { ECHO_PORT, SINK_PORT, SOURCE_PORT, STATS_PORT, type TargetStats } from "./ports.ts";

const TICK_MS = 20;
const HOST = process.argv[2] ?? "0.0.0.0";

let tcpReceived = 0;
let udpReceived = 0;
let udpSent = 0;
const open = new Set<Socket>();

function serve(port: number, handle: (socket: Socket) => void): void {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      tcpReceived += chunk.length;
    });
    handle(socket);
  });
  server.listen(port, HOST);
}

/** Writes the pattern at the pace asked for; what cannot be written now is due later. */
function sendPaced(socket: Socket, bytesPerSecond: number, total: number): void {
  const startedMs = performance.now();
  let sent = 0;
  const finish = (): void => {
    clearInterval(timer);
    socket.end();
  };
  const timer = setInterval(() => {
    const elapsed = (performance.now() - startedMs) / 1000;
    const due = Math.min(Math.floor(elapsed * bytesPerSecond), total || Number.POSITIVE_INFINITY);
    while (sent < due && socket.writable && !socket.writableNeedDrain) {
      const bytes = patternFrom(sent, due - sent);
      sent += bytes.length;
      socket.write(bytes);
    }
    if (total > 0 && sent === total) finish();
  }, TICK_MS);
  socket.on("end", finish);
  socket.on("close", () => clearInterval(timer));
}

serve(ECHO_PORT, (socket) => {
  socket.on("data", (chunk: Buffer) => socket.write(chunk));
  socket.on("end", () => socket.end());
});
serve(SINK_PORT, (socket) => {
  socket.on("end", () => socket.end());
});
serve(SOURCE_PORT, (socket) => {
  let request = "";
  const read = (chunk: Buffer): void => {
    request += chunk.toString("latin1");
    if (!request.endsWith("\n")) return;
    socket.off("data", read);
    const [bytesPerSecond = 0, total = 0] = request.trim().split(" ").map(Number);
    sendPaced(socket, bytesPerSecond, total);
  };
  socket.on("data", read);
});

const echo = createSocket("udp4");
echo.on("message", (payload, sender) => {
  udpReceived += payload.length;
  echo.send(payload, sender.port, sender.address, (error) => {
    if (!error) udpSent += payload.length;
  });
});
echo.bind(ECHO_PORT, HOST);

createHttpServer((_request, response) => {
  const stats: TargetStats = { tcpReceived, udpReceived, udpSent, open: open.size };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(stats));
}).listen(STATS_PORT, HOST);

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
