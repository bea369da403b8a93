/** A JSON schema of draft 7, which the libraries of Helm 3 and Helm 4 both know. Patterns are Go's: no look-around. */
export interface Shape {
  readonly type?: string | readonly string[];
  readonly [keyword: string]: unknown;
}

export const text: Shape = { type: "string" };
export const flag: Shape = { type: "boolean" };
export const matching = (pattern: string): Shape => ({ type: "string", pattern });
export const choice = (...words: readonly string[]): Shape => ({ type: "string", enum: words });
export const integer = (minimum: number, maximum?: number): Shape => ({
  type: "integer",
  minimum,
  ...(maximum !== undefined && { maximum }),
});
export const ratio: Shape = { type: "number", minimum: 0, maximum: 1 };
export const listOf = (items: Shape, more: Shape = {}): Shape => ({ type: "array", items, ...more });
export const mapOf = (values: Shape): Shape => ({ type: "object", additionalProperties: values });
export const either = (...shapes: readonly Shape[]): Shape => ({ anyOf: shapes });

/** The value may be `null`, which in Helm takes a default away. */
export const orNull = ({ type, ...rest }: Shape): Shape => ({ type: [type as string, "null"], ...rest });

/** A map whose keys are these and no others. */
export const exactly = (properties: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...(required.length > 0 && { required }),
});

/** A map that has these keys, and others that only Kubernetes knows. */
export const atLeast = (properties: Readonly<Record<string, Shape>>, required: readonly string[]): Shape => ({
  type: "object",
  properties,
  required,
});

export const anything: Shape = { type: "object" };

const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const IPV4 = "[0-9]{1,3}(\\.[0-9]{1,3}){3}";

export const optional = ({ pattern }: Shape): Shape => matching(`^$|${pattern}`);
export const nameLabel = matching(`^${DNS_LABEL}$`);
/** Name of an object: DNS labels joined by dots. */
export const objectName = matching(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`);
export const secretKey = matching("^[-._a-zA-Z0-9]+$");
export const hostName = matching("^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$");
export const hostOrAddress = matching("^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$");
export const hostPort = matching("^([^\\s:@/\\[\\]]+|\\[[0-9a-fA-F:.]+\\]):[0-9]{1,5}$");
export const address = matching(`^(${IPV4}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$`);
export const ipv4Block = matching(`^${IPV4}/[0-9]{1,2}$`);
export const ipv6Block = matching("^[0-9a-fA-F:]*:[0-9a-fA-F:.]*/[0-9]{1,3}$");
export const block = matching(`^(${IPV4}/[0-9]{1,2}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*/[0-9]{1,3})$`);
/** As the services read them. */
export const duration = matching("^[0-9]+(\\.[0-9]+)? ?(ms|s|m|h|d)$");
/** As Go and Prometheus read them. */
export const goDuration = matching("^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$");
export const scrapeInterval = matching("^([0-9]+(ms|s|m|h|d))+$");
export const quantity = either({ type: "number", minimum: 0 }, matching("^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"));
export const port = integer(1, 65_535);
export const time = matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})$");
