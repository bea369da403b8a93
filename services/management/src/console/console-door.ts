import type { FastifyInstance, FastifyReply } from "fastify";
import type { Door } from "../http/door.ts";
import { type PageFile, pageFiles } from "./page-files.ts";

/** Nothing but files of this origin; the page has neither inline scripts nor inline styles. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** The console: a page for people, which calls the JSON door with the token that its user types. The page itself asks nobody. */
export function consoleDoor(): Door {
  return {
    name: "console",
    routes: (server) => {
      for (const file of pageFiles()) serve(server, `/console/${file.path}`, file);
      const toPage = (reply: FastifyReply): FastifyReply => reply.redirect("/console/", 308);
      server.get("/console", async (_request, reply) => toPage(reply));
    },
    errorBody: ({ code, message }) => ({ code, message }),
  };
}

function serve(server: FastifyInstance, path: string, file: PageFile): void {
  server.get(path, async (request, reply) => {
    const { body, etag } = file.read();
    reply.headers({ "content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache", etag });
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    return reply.type(file.type).send(body);
  });
}
