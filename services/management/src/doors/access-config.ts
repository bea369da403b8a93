import {
  type GetAccessConfigRequest,
  type GetAccessConfigResponse,
  QrFormat,
  type RotateAccessLinkRequest,
  type RotateAccessLinkResponse,
  RpcError,
} from "@shadowfleet/control-api";
import { addressFrom, formatAccessUri, formatClashProxies, formatSingBoxOutbounds } from "@shadowfleet/wire";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { AccessDocuments } from "./access-document.ts";
import type { AccessLinks } from "./access-links.ts";
import { publicServers } from "./public-servers.ts";
import { qrImage } from "./qr-image.ts";

const QR_FORMATS: readonly QrFormat[] = [QrFormat.QR_FORMAT_UNSPECIFIED, QrFormat.QR_FORMAT_PNG, QrFormat.QR_FORMAT_SVG];

/** Every form in which a client can be given a key. */
export class AccessConfigs {
  readonly #context: ManagementContext;
  readonly #links: AccessLinks;
  readonly #documents: AccessDocuments;

  constructor(context: ManagementContext, links: AccessLinks) {
    this.#context = context;
    this.#links = links;
    this.#documents = new AccessDocuments(context);
  }

  async get({ id, host, qrFormat, qrOfLink }: GetAccessConfigRequest): Promise<GetAccessConfigResponse> {
    const entry = this.#context.directory.view.keys.get(id);
    if (!entry) throw new RpcError("NOT_FOUND", `there is no access key "${id}"`);
    const { sip008Url, ssconfUrl } = this.#links.linkOf(entry);
    const problems = new FieldProblems();
    problems.require(host === "" || addressFrom(host, 1) !== undefined, "host", "must be a host name or IP address");
    problems.require(QR_FORMATS.includes(qrFormat), "qr_format", "is not one of those there are");
    problems.require(!qrOfLink || ssconfUrl !== "", "qr_of_link", "there is no ssconf:// link: documents are not served over HTTPS");
    problems.throwIfAny();
    const servers = await publicServers(this.#context, entry, host);
    const [first] = servers;
    if (!first) throw new Error("there is always a public host");
    const accessUri = formatAccessUri({ ...first, tag: entry.record.displayName || entry.record.id });
    return {
      accessUri,
      sip008Url,
      ssconfUrl,
      sip008: await this.#documents.of(entry, host),
      clash: formatClashProxies(servers),
      singBox: formatSingBoxOutbounds(servers),
      qr: await qrImage(qrOfLink ? ssconfUrl : accessUri, qrFormat),
    };
  }

  rotateLink({ id, resourceVersion }: RotateAccessLinkRequest): Promise<RotateAccessLinkResponse> {
    return this.#links.rotate(id, Number(resourceVersion));
  }
}
