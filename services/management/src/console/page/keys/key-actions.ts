import type { AccessKey } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { h } from "../dom/element.ts";
import { TextField } from "../dom/fields.ts";
import { toast } from "../dom/toast.ts";
import { parseSpan, spanText, whenText } from "../format/moments.ts";
import { nameOf } from "./key-state.ts";
import { showSecret } from "./secret-panel.ts";

const text = (words: string): HTMLElement => h("p", {}, words);
const version = ({ id, resourceVersion = "0" }: AccessKey): object => ({ id, resourceVersion });

export function rotateSecret(console: Console, key: AccessKey): void {
  const { api, refresh } = console;
  const overlap = new TextField({
    label: "Both secrets work for",
    value: "24 h",
    hint: "Empty: the old secret stops at once",
    isFirst: true,
    read: (written) => {
      const seconds = parseSpan(written);
      if (seconds === undefined) return { problem: "Write it like 24 h, 90 min or 7 days" };
      return { note: `The old secret stops ${whenText(new Date(Date.now() + seconds * 1_000).toISOString())}` };
    },
  });
  const requestId = crypto.randomUUID();
  ask({
    title: `Rotate the secret of ${nameOf(key)}`,
    content: [text("The key gets a new secret and with it a new link. Its limits and its traffic stay as they are."), overlap.element],
    fields: [overlap],
    submit: "Rotate secret",
    act: async () => {
      const seconds = overlap.value === "" ? 0 : (parseSpan(overlap.value) ?? 0);
      const request = { id: key.id, requestId, ...(seconds > 0 && { overlap: `${seconds}s` }) };
      const { accessKey } = await api.call<{ accessKey: AccessKey }>("AccessKeyService", "RotateSecret", request);
      refresh();
      const until = seconds > 0 ? `the old one works for ${spanText(seconds)} more` : "the old one works no more";
      setTimeout(() => void showSecret(console, accessKey, `The new link; ${until}`));
    },
  });
}

export function disableKey({ api, refresh }: Console, key: AccessKey): void {
  const reason = new TextField({
    label: "Reason",
    placeholder: "Phone was lost",
    hint: "For whoever looks at it later",
    maxLength: 200,
    isFirst: true,
  });
  ask({
    title: `Disable ${nameOf(key)}`,
    content: [text("Its sessions end within a second, on every relay. It can be enabled again."), reason.element],
    fields: [reason],
    submit: "Disable key",
    act: async () => {
      const accessKey = { ...version(key), disabled: true, disabledReason: reason.value };
      await api.call("AccessKeyService", "UpdateAccessKey", { accessKey, updateMask: "disabled,disabledReason" });
      refresh();
      toast(`${nameOf(key)} is disabled`);
    },
  });
}

export function enableKey({ api, refresh }: Console, key: AccessKey): void {
  ask({
    title: `Enable ${nameOf(key)}`,
    content: [text(key.disabledReason ? `It was disabled: “${key.disabledReason}”.` : "It works again within a second, on every relay.")],
    submit: "Enable key",
    act: async () => {
      const accessKey = { ...version(key), disabled: false, disabledReason: "" };
      await api.call("AccessKeyService", "UpdateAccessKey", { accessKey, updateMask: "disabled,disabledReason" });
      refresh();
      toast(`${nameOf(key)} is enabled`);
    },
  });
}

export function resetQuota({ api, refresh }: Console, key: AccessKey): void {
  ask({
    title: `Reset the quota of ${nameOf(key)}`,
    content: [text("What was relayed until now is not counted against the quota any more. Traffic totals stay.")],
    submit: "Reset quota",
    act: async () => {
      await api.call("AccessKeyService", "ResetQuota", { id: key.id });
      refresh();
      toast(`The quota of ${nameOf(key)} is whole again`);
    },
  });
}

export function endSessionsOf({ api, refresh }: Console, key: AccessKey): void {
  ask({
    title: `End all sessions of ${nameOf(key)}`,
    content: [text("They end on every relay at once. The key stays as it is, so its clients may come back.")],
    submit: "End sessions",
    isDangerous: true,
    act: async () => {
      await api.call("SessionService", "TerminateSessions", { accessKeyId: key.id });
      refresh();
      toast(`The sessions of ${nameOf(key)} end`);
    },
  });
}

export function deleteKey({ api, refresh }: Console, key: AccessKey, deleted: () => void): void {
  ask({
    title: `Delete ${nameOf(key)}`,
    content: [text("Its sessions end and its link is worth nothing from now on. That cannot be undone. Its traffic totals are kept.")],
    submit: "Delete key",
    isDangerous: true,
    typed: key.id,
    act: async () => {
      await api.call("AccessKeyService", "DeleteAccessKey", version(key));
      refresh();
      deleted();
      toast(`${nameOf(key)} is deleted`);
    },
  });
}
