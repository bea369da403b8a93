import { createServer } from "node:http";

const PORT = 8000;

/** Answers `/123` with 123 bytes. */
createServer(({ url = "" }, response) => {
  const length = Number(url.slice(1));
  response.writeHead(Number.isSafeInteger(length) ? 200 : 404, { "content-type": "text/plain" });
  response.end("x".repeat(Number.isSafeInteger(length) ? length : 0));
}).listen(PORT);

process.on("SIGTERM", () => process.exit(0));
