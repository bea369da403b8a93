import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What clients of other protocols say first; a prober asks with them what a port speaks. */
export async function openings(): Promise<readonly Buffer[]> {
  const texts = [
    "GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
    "CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH-2.0-OpenSSH_9.6\r\n",
    "EHLO mail.example.com\r\n",
    "\r\n\r\n",
    "\x05\x01\x00",
    "\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    "\x00\x00\x00\x08\x04\xd2\x16\x2f",
  ];
  return [await clientHello(), ...texts.map((text) => Buffer.from(text, "latin1"))];
}

/** The first flight of a real TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  const accepted = once(server, "connection");
  const client = connectTls({ host: "127.0.0.1", port, servername: "www.example.com" });
  client.on("error", () => {});
  const [socket] = (await accepted) as [Socket];
  socket.on("error", () => {});
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}
