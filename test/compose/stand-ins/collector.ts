import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const PORT = 4318;

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string }[] }[];
  }[];
}

/** In the place of the OpenTelemetry collector: writes a line for every span, its service and its name. */
createServer((request, response) => {
  void text(request).then((body) => {
    const { resourceSpans } = JSON.parse(body) as ExportRequest;
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue;
      for (const { name } of scopeSpans.flatMap(({ spans }) => spans)) console.log(`span ${service} ${name}`);
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
}).listen(PORT);

process.on("SIGTERM", () => process.exit(0));
