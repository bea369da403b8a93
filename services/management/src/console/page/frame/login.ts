import { Api, ApiError } from "../api/connect.ts";
import { h, setText } from "../dom/element.ts";
import { TextField } from "../dom/fields.ts";
import { sessionToken } from "../model/session-token.ts";

/** Asks for a token until management takes one. */
export function loginPage(reason: string, enter: (token: string) => void): HTMLElement {
  const token = new TextField({
    label: "Token",
    isSecret: true,
    isFirst: true,
    hint: "One of grpc.tokens in management's configuration: role admin, or viewer to look only. It stays in this tab.",
  });
  const problem = h("p", { class: "form-problem", role: "alert" }, reason);
  const send = h("button", { type: "submit", class: "button primary" }, "Open the console");
  const form = h("form", { class: "form" }, token.element, problem, send);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.setAttribute("aria-busy", "true");
    const refusal = await refusalOf(token.value);
    send.removeAttribute("aria-busy");
    if (refusal === undefined) {
      sessionToken.set(token.value);
      enter(token.value);
      return;
    }
    setText(problem, refusal);
    token.input.setAttribute("aria-invalid", "true");
    token.input.focus();
    token.input.select();
  });
  const brand = h(
    "div",
    { class: "login-brand" },
    h("img", { src: "icon.svg", alt: "", width: 44, height: 44 }),
    h("h1", {}, "Shadowfleet"),
  );
  setTimeout(() => token.input.focus());
  return h("main", { class: "login" }, brand, form);
}

/** Why management does not take this token; undefined when it does. An empty one is enough where it asks for none. */
export async function refusalOf(token: string): Promise<string | undefined> {
  // A header cannot carry anything else, so no token has it.
  if (!/^[\x21-\x7e]*$/.test(token)) return "Management does not know this token.";
  try {
    await new Api(token).call("FleetService", "GetFleet");
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "permission_denied") return "This token is a relay's. The console needs one of the role admin or viewer.";
    return error.code === "unauthenticated"
      ? "Management does not know this token. Look for a missing character or another management."
      : error.message;
  }
}
