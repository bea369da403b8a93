import { ApiError } from "../api/connect.ts";
import { type AccessKey, isDeclared } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { openDialog } from "../dom/dialog.ts";
import { button, h, setText } from "../dom/element.ts";
import { icon } from "../dom/icons.ts";
import { toast } from "../dom/toast.ts";
import { nameOf } from "./key-state.ts";
import { qrCode } from "./qr-code.ts";

interface AccessConfig {
  readonly accessUri?: string;
  readonly sip008Url?: string;
  readonly ssconfUrl?: string;
  readonly sip008?: string;
  readonly clash?: string;
  readonly singBox?: string;
  readonly qr?: string;
}

const FORMS: readonly (readonly [Exclude<keyof AccessConfig, "qr">, string])[] = [
  ["accessUri", "Link"],
  ["ssconfUrl", "Dynamic key"],
  ["sip008Url", "SIP008 link"],
  ["sip008", "SIP008"],
  ["clash", "Clash"],
  ["singBox", "sing-box"],
];

/** Shows what a client needs: the QR code, and the configuration in every form that clients read. */
export async function showSecret(console: Console, key: AccessKey, title: string): Promise<void> {
  let config: AccessConfig;
  try {
    config = await console.api.call<AccessConfig>("AccessKeyService", "GetAccessConfig", { id: key.id, qrFormat: "QR_FORMAT_SVG" });
  } catch (error) {
    toast(error instanceof ApiError ? error.message : String(error));
    return;
  }
  const code = config.qr && qrCode(config.qr, `QR code of the link of ${nameOf(key)}`);
  const hint = "Whoever has this can use the key. Scan the code with a Shadowsocks client, or paste the link into it.";
  const side = h(
    "div",
    { class: "secret-side" },
    h("p", { class: "secret-name" }, nameOf(key)),
    h("p", { class: "hint" }, hint),
    formsOf(config),
  );
  const done = button("Done", () => dialog.close(), { class: "button" });
  const replace = button("Replace SIP008 link…", () => replaceLink(console, key, () => dialog.close()), { class: "button" });
  const hasLink = Boolean(config.sip008Url) && !isDeclared(key);
  const body = h("div", { class: "secret" }, code || h("p", { class: "qr qr-none" }, "No QR code: the link is too long for one."), side);
  const dialog = openDialog({ title, kind: "window", content: [body, h("footer", { class: "form-foot" }, hasLink && replace, done)] });
}

/** The links to the key's document get another unguessable part; its secret stays. */
function replaceLink(console: Console, key: AccessKey, replaced: () => void): void {
  const words =
    "The links before are unknown at once: clients that fetch the key's document need the new one. The secret and the ss:// link stay.";
  ask({
    title: `Replace the SIP008 link of ${nameOf(key)}`,
    content: [h("p", {}, words)],
    submit: "Replace link",
    act: async () => {
      await console.api.call("AccessKeyService", "RotateAccessLink", { id: key.id });
      console.refresh();
      replaced();
      setTimeout(() => void showSecret(console, key, "The SIP008 link is another one now"));
    },
  });
}

/** One form at a time, with a button that copies it. */
function formsOf(config: AccessConfig): HTMLElement {
  const there = FORMS.filter(([name]) => config[name]);
  const text = h("code", { class: "secret-text", tabindex: 0, role: "textbox", "aria-readonly": "true", "aria-multiline": "true" });
  const tabs = there.map(([name, label]) => {
    const tab: HTMLButtonElement = button(label, () => show(name, label, tab), { class: "segment", "aria-pressed": "false" });
    return tab;
  });
  const copyLabel = h("span", {}, "Copy link");
  const copyButton = button(
    "Copy",
    () => void copy(text.textContent ?? ""),
    { class: "button primary", "data-autofocus": true },
    icon("copy"),
    copyLabel,
  );
  const show = (name: (typeof FORMS)[number][0], label: string, tab: HTMLElement): void => {
    setText(text, config[name] ?? "");
    text.setAttribute("aria-label", label);
    setText(copyLabel, name === "accessUri" ? "Copy link" : "Copy");
    copyButton.setAttribute("aria-label", `Copy ${label}`);
    for (const one of tabs) one.setAttribute("aria-pressed", String(one === tab));
  };
  tabs[0]?.click();
  return h("div", { class: "stack" }, h("div", { class: "segments", role: "group", "aria-label": "Form" }, ...tabs), text, copyButton);
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("This browser does not let the page copy: select the text and copy it by hand");
  }
}
