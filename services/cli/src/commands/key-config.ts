import { GetAccessConfigRequest, type GetAccessConfigResponse, QrFormat } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { choiceFlag, requiredArgument, switchFlag, textFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { Failure } from "../failure.ts";
import { TextDestination } from "../output/text-destination.ts";
import { confirm } from "./confirmation.ts";

const idArgument = requiredArgument("ID", "the access key's id");

const FORMATS = ["uri", "link", "ssconf", "sip008", "clash", "sing-box", "svg", "png"] as const;
type Format = (typeof FORMATS)[number];

const line = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

const CONTENTS: Readonly<Record<Format, (config: GetAccessConfigResponse) => string | Buffer>> = {
  uri: ({ accessUri }) => line(accessUri),
  link: ({ sip008Url }) => line(sip008Url),
  ssconf: ({ ssconfUrl }) => line(ssconfUrl),
  sip008: ({ sip008 }) => line(sip008),
  clash: ({ clash }) => clash,
  "sing-box": ({ singBox }) => singBox,
  svg: ({ qr }) => Buffer.from(qr),
  png: ({ qr }) => Buffer.from(qr),
};

const QR_FORMATS: Partial<Record<Format, QrFormat>> = { svg: QrFormat.QR_FORMAT_SVG, png: QrFormat.QR_FORMAT_PNG };

const NO_LINK = "management does not serve documents of access keys (over HTTPS): see http in its configuration";

const config = defineCommand({
  name: "key config",
  summary: "prints or writes a key's configuration as clients read it",
  details:
    "uri: ss:// (SIP002). link: where the SIP008 document is fetched. ssconf: the same as a dynamic access key. sip008: the document itself. clash, sing-box: snippets. svg, png: a QR code of the URI.",
  args: { id: idArgument },
  flags: {
    format: choiceFlag("FORMAT", `one of ${FORMATS.join(", ")} (default: uri)`, FORMATS),
    host: textFlag("HOST", "the host to put into it (default: the fleet's public ones)"),
    outputFile: textFlag("FILE", "write it there, whole or not at all"),
  },
  examples: ["shadowfleet key config alice --format sing-box", "shadowfleet key config alice --format png --output-file alice.png"],
  run: async ({ args, flags: { format, host, outputFile } }, { fleet, output, terminal }) => {
    if (format === "png" && outputFile === undefined) throw new UsageError("an image is not for a terminal: say --output-file FILE");
    const request = GetAccessConfigRequest.fromPartial({ ...args, host: host ?? "", qrFormat: QR_FORMATS[format] ?? 0 });
    const content = CONTENTS[format](await fleet.call("accessKeys", "getAccessConfig", request));
    if (content.length === 0) throw new Failure("INVALID_REQUEST", NO_LINK);
    if (output.format !== "table" && outputFile === undefined) {
      output.answer(
        () => ({ id: args.id, format, content: content.toString() }),
        () => [],
      );
      return;
    }
    await using destination = await TextDestination.open(outputFile, terminal.stdout);
    await destination.write(content);
    await destination.finish();
  },
});

const link = defineCommand({
  name: "key link",
  summary: "shows the links under which clients fetch a key's configuration",
  details: "With --replace the links that were given out are unknown at once, and new ones are shown. The key's secret stays.",
  args: { id: idArgument },
  flags: { replace: switchFlag("end the links there are and make new ones"), yes: switchFlag("do not ask", "y") },
  examples: ["shadowfleet key link alice", "shadowfleet key link alice --replace"],
  run: async ({ args, flags: { replace, yes } }, { fleet, output, terminal }) => {
    if (replace && !yes) await confirm(`End the links of access key "${args.id}"?`, terminal);
    const { sip008Url, ssconfUrl } = replace
      ? await fleet.call("accessKeys", "rotateAccessLink", { ...args, resourceVersion: 0n })
      : await fleet.call("accessKeys", "getAccessConfig", GetAccessConfigRequest.fromPartial(args));
    if (sip008Url === "") throw new Failure("INVALID_REQUEST", NO_LINK);
    output.answer(
      () => ({ id: args.id, sip008Url, ssconfUrl }),
      () => [sip008Url, ssconfUrl].filter((url) => url !== ""),
    );
  },
});

export const KEY_CONFIG_COMMANDS = [config, link];
