/** A call that management refused, or that did not reach it. */
export class ApiError extends Error {
  /** As Connect names it: "not_found"; "unreachable" when nobody answered. */
  readonly code: string;
  /** What is wrong with single fields of the request. */
  readonly fields: readonly FieldViolation[];

  constructor(code: string, message: string, fields: readonly FieldViolation[] = []) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.fields = fields;
  }
}

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly debug?: { readonly fieldViolations?: readonly FieldViolation[] } }[];
}

const TIMEOUT_MS = 15_000;

/** Calls of management's API as Connect's unary JSON. */
export class Api {
  /** Empty where the API asks for none. */
  token: string;

  constructor(token: string) {
    this.token = token;
  }

  /** Throws ApiError. */
  async call<Response>(service: string, method: string, request: object = {}): Promise<Response> {
    const authorization = this.token === "" ? {} : { authorization: `Bearer ${this.token}` };
    const answer = await this.#post(`/shadowfleet.v1.${service}/${method}`, authorization, JSON.stringify(request));
    const body: unknown = await answer.json().catch(() => ({}));
    if (answer.ok) return body as Response;
    const { code = `http ${answer.status}`, message = "", details = [] } = body as ErrorBody;
    const fields = details.flatMap(({ debug }) => debug?.fieldViolations ?? []);
    throw new ApiError(code, explain(code, message), fields);
  }

  async #post(path: string, authorization: Record<string, string>, body: string): Promise<Response> {
    try {
      return await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        credentials: "omit",
      });
    } catch {
      throw new ApiError("unreachable", "Management does not answer.");
    }
  }
}

/** What to do about it, where that is known; else what the server says. */
function explain(code: string, message: string): string {
  switch (code) {
    case "unauthenticated":
      return "Management does not know this token.";
    case "permission_denied":
      return `This token may look but not do that: it needs the role admin. (${message})`;
    case "aborted":
      return "Somebody else changed this in the meantime. Look at it again and repeat what you wanted.";
    case "unavailable":
      return `Not possible at the moment, try again soon: ${message}`;
    case "resource_exhausted":
      return `Too many attempts; wait a few seconds. (${message})`;
    default:
      return message === ""
        ? `Management answered "${code}".`
        : `${message.charAt(0).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, ".");
  }
}
