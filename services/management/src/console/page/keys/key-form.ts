import type { AccessKey, Limits } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { h } from "../dom/element.ts";
import { TextField } from "../dom/fields.ts";
import { toast } from "../dom/toast.ts";
import { parseBitRate } from "../format/amounts.ts";
import { exactMoment, parseMoment } from "../format/moments.ts";
import { nameOf } from "./key-state.ts";
import { momentField, rateField, targetsField, targetsOf, wholeField } from "./limit-fields.ts";
import { QuotaFields } from "./quota-fields.ts";
import { showSecret } from "./secret-panel.ts";

const MAX_COUNT = 1_000_000;
const ID = /^[a-z0-9._-]{1,64}$/;

interface KeyForm {
  readonly content: HTMLElement[];
  readonly fields: TextField[];
  read(): Omit<AccessKey, "id">;
}

/** What create and edit have in common: name, limits and times. */
function keyForm(key: Partial<AccessKey>): KeyForm {
  const { limits = {} } = key;
  const name = new TextField({
    label: "Name",
    value: key.displayName ?? "",
    placeholder: "Alice, phone",
    hint: "For people to read",
    maxLength: 128,
    isFirst: true,
  });
  const quota = new QuotaFields(limits.quota);
  const down = rateField("Down, at most", "100 Mbit/s", limits.downBitsPerSecond, "Empty: full speed");
  const up = rateField("Up, at most", "20 Mbit/s", limits.upBitsPerSecond, "Empty: full speed");
  const devices = wholeField("Devices at a time", limits.maxDevices, MAX_COUNT, "Client addresses; empty: any number");
  const sessions = wholeField("Sessions at a time", limits.maxSessions, MAX_COUNT, "Connections; empty: any number");
  const start = momentField("Works from", key.startTime, "Empty: at once");
  const expire = momentField("Works until", key.expireTime, "Empty: for ever");
  const allow = targetsField("May reach as well", key.allowTargets, "Private addresses that relays refuse else");
  const deny = targetsField("May not reach", key.denyTargets, "Wins over the other");
  const pair = (...parts: readonly TextField[]): HTMLElement => h("div", { class: "pair" }, ...parts.map(({ element }) => element));
  const content = [
    name.element,
    h("fieldset", {}, h("legend", {}, "How much"), quota.element),
    h("fieldset", {}, h("legend", {}, "How fast, how many"), pair(down, up), pair(devices, sessions)),
    h("fieldset", {}, h("legend", {}, "When"), pair(start, expire)),
    h("fieldset", {}, h("legend", {}, "Where to"), pair(allow, deny)),
  ];
  const read = (): Omit<AccessKey, "id"> => {
    const quotaNow = quota.read();
    const wanted: Limits = {
      ...(quotaNow && { quota: quotaNow }),
      upBitsPerSecond: String(parseBitRate(up.value || "0") ?? 0),
      downBitsPerSecond: String(parseBitRate(down.value || "0") ?? 0),
      maxDevices: Number(devices.value),
      maxSessions: Number(sessions.value),
      ...(limits.deviceGrace !== undefined && { deviceGrace: limits.deviceGrace }),
    };
    const hasLimits = quotaNow !== undefined || Object.values(wanted).some((value) => Number(value) > 0);
    const startTime = momentOf(start.value, key.startTime);
    const expireTime = momentOf(expire.value, key.expireTime);
    return {
      displayName: name.value,
      ...(startTime && { startTime }),
      ...(expireTime && { expireTime }),
      ...(hasLimits && { limits: wanted }),
      allowTargets: targetsOf(allow),
      denyTargets: targetsOf(deny),
    };
  };
  return { content, fields: [name, ...quota.fields, down, up, devices, sessions, start, expire, allow, deny], read };
}

/** What is shown to the minute stays to the millisecond if nobody touched it. */
const momentOf = (text: string, before: string | undefined): string | undefined =>
  before !== undefined && text === exactMoment(before) ? before : parseMoment(text);

/** Asks for everything about a new key; only Enter is needed. Shows its link and QR code. */
export function createKey(console: Console): void {
  const { api, refresh } = console;
  const form = keyForm({});
  const id = new TextField({
    label: "Id",
    placeholder: "alice",
    hint: "Chosen when empty; never changes",
    maxLength: 64,
    read: (text) => (ID.test(text) ? { note: "Never changes" } : { problem: "Lower-case letters, digits, dot, dash and underscore" }),
  });
  const port = wholeField("Port", undefined, 65_535, "Empty: the fleet's default port");
  const [name, ...rest] = form.content;
  // A call that is repeated because its answer was lost creates one key.
  const requestId = crypto.randomUUID();
  ask({
    title: "New access key",
    content: [h("div", { class: "pair" }, name, id.element), ...rest, h("fieldset", {}, h("legend", {}, "By which port"), port.element)],
    fields: [...form.fields, id, port],
    submit: "Create key",
    act: async () => {
      const accessKey = { ...form.read(), id: id.value, port: Number(port.value) };
      const made = await api.call<{ accessKey: AccessKey }>("AccessKeyService", "CreateAccessKey", { accessKey, requestId });
      refresh();
      // The form's own dialog has to be gone, so that focus goes back to where it came from.
      setTimeout(() => void showSecret(console, made.accessKey, "This is the new key"));
    },
  });
}

export function editKey({ api, refresh }: Console, key: AccessKey): void {
  const form = keyForm(key);
  ask({
    title: `Edit ${nameOf(key)}`,
    content: form.content,
    fields: form.fields,
    submit: "Save",
    act: async () => {
      const accessKey = { ...form.read(), id: key.id, resourceVersion: key.resourceVersion ?? "0" };
      await api.call("AccessKeyService", "UpdateAccessKey", {
        accessKey,
        updateMask: "displayName,startTime,expireTime,limits,allowTargets,denyTargets",
      });
      refresh();
      toast(`${nameOf(key)} is changed`);
    },
  });
}
