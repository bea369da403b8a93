import type { ServerResponse } from "node:http";
import type { ObjectStore, WatchEvent } from "./object-store.ts";
import { apiVersionOf, type Target } from "./resources.ts";
import { selectorOf } from "./selectors.ts";

/** Answers a watch: what is there already when the client asks for that, what happened since its version, and what happens until it leaves. */
export function watch(store: ObjectStore, { resource, namespace }: Target, query: URLSearchParams, response: ServerResponse): void {
  const isWanted = selectorOf(query);
  const say = (type: string, object: object): void => void response.write(`${JSON.stringify({ type, object })}\n`);
  const tell = (event: WatchEvent): void => {
    const isOurs = event.resource === resource && (namespace === undefined || event.object.metadata.namespace === namespace);
    if (isOurs && isWanted(event.object)) say(event.type, event.object);
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  if (query.get("sendInitialEvents") === "true") {
    for (const object of store.list(resource, namespace).filter(isWanted)) say("ADDED", object);
    say("BOOKMARK", {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(store.version), annotations: { "k8s.io/initial-events-end": "true" } },
    });
  } else {
    const since = Number(query.get("resourceVersion") || store.version);
    for (const event of store.events) if (event.version > since) tell(event);
  }
  store.watchers.add(tell);
  response.on("close", () => store.watchers.delete(tell));
}
