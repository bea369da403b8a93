import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { type Door, DoorError } from "../http/door.ts";
import { AccessDocuments } from "./access-document.ts";
import type { AccessLinks } from "./access-links.ts";
import { publicServers } from "./public-servers.ts";

/** Says the same whatever is wrong with a link, and whatever its key is: missing, switched off, expired. */
const NO_SUCH_LINK = { httpStatus: 404, code: "not_found", message: "there is nothing here" };

interface LinkRequest {
  readonly Params: { readonly token: string };
}

/** Key documents by unguessable links: SIP008 under `/sip008/`, dynamic access keys (ssconf://) under `/ssconf/`. */
export function sip008Door(context: ManagementContext, links: AccessLinks): Door {
  const documents = new AccessDocuments(context);
  const serve = (server: FastifyInstance, path: string, textOf: (entry: KeyEntry) => Promise<string>): void => {
    server.get<LinkRequest>(`${path}/:token`, async (request, reply) => {
      const entry = links.keyOf(request.params.token);
      if (!entry) throw new DoorError(NO_SUCH_LINK);
      return answer(request, reply, await textOf(entry));
    });
  };
  return {
    name: "sip008",
    routes: (server) => {
      serve(server, "/sip008", (entry) => documents.of(entry));
      serve(server, "/ssconf", async (entry) => dynamicKey(await publicServers(context, entry)));
    },
    errorBody: ({ code, message }) => ({ code, message }),
  };
}

function answer(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
  reply.headers({ etag, "cache-control": "private, no-cache" });
  if (hasTag(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(text);
}

/** If-None-Match (RFC 9110 §13.1.2), compared weakly. */
function hasTag(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/** What Outline's clients read behind ssconf://: one server, and no field more. */
function dynamicKey([server]: Awaited<ReturnType<typeof publicServers>>): string {
  if (!server) throw new DoorError(NO_SUCH_LINK);
  const { host, port, password, method } = server;
  return JSON.stringify({ server: host, server_port: port, password, method });
}
