import type { AccessKey } from "../api/messages.ts";
import { chipCell, Meter, twoLines } from "../dom/cells.ts";
import { h, setText } from "../dom/element.ts";
import type { Cell, Column } from "../dom/grid.ts";
import { Spark } from "../dom/spark.ts";
import { countOf, rateText } from "../format/amounts.ts";
import { momentText, whenText } from "../format/moments.ts";
import type { FleetModel } from "../model/fleet-model.ts";
import { compareNames, nameOf, quotaShare, stateOf } from "./key-state.ts";
import { isFree, limitTexts, usageTexts } from "./key-texts.ts";

const SPARK_LENGTH = 30;

/** The columns of the list of access keys. */
export function keyColumns(model: FleetModel): Column<AccessKey>[] {
  const rateOf = ({ id }: AccessKey): number => {
    const meter = model.traffic.get(id)?.meter;
    return meter ? meter.up + meter.down : 0;
  };
  const sessionsOf = ({ id }: AccessKey): number => model.sessionsOfKey.get(id)?.length ?? 0;
  return [
    {
      name: "key",
      label: "Key",
      compare: (a, b) => compareNames(nameOf(a), nameOf(b)),
      cell: () => twoLines((key) => [nameOf(key), key.displayName ? key.id : ""], { isId: true }),
    },
    { name: "state", label: "State", cell: () => chipCell(stateOf) },
    {
      name: "usage",
      label: "Usage",
      isMostFirst: true,
      compare: (a, b) => (quotaShare(a) ?? -1) - (quotaShare(b) ?? -1),
      cell: () => usageCell(model),
    },
    { name: "limits", label: "Limits", cell: () => twoLines(limitTexts, { isQuiet: isFree }) },
    { name: "rate", label: "Live rate", isMostFirst: true, compare: (a, b) => rateOf(a) - rateOf(b), cell: () => rateCell(model) },
    {
      name: "sessions",
      label: "Sessions",
      isMostFirst: true,
      compare: (a, b) => sessionsOf(a) - sessionsOf(b),
      cell: () => twoLines((key) => [countOf(sessionsOf(key), "session"), deviceText(key)], { isQuiet: (key) => sessionsOf(key) === 0 }),
    },
    {
      name: "changed",
      label: "Changed",
      isNumber: true,
      isMostFirst: true,
      compare: (a, b) => Date.parse(a.updateTime ?? "") - Date.parse(b.updateTime ?? ""),
      cell: changedCell,
    },
  ];
}

function usageCell(model: FleetModel): Cell<AccessKey> {
  const meter = new Meter();
  const main = h("span", { class: "main" });
  const sub = h("span", { class: "sub" });
  return {
    nodes: [h("span", { class: "usage-line" }, main, sub), meter.element],
    update: (key) => {
      const traffic = model.traffic.get(key.id);
      const [first, second] = usageTexts(key, (traffic?.up ?? 0) + (traffic?.down ?? 0));
      const share = quotaShare(key);
      setText(main, first);
      setText(sub, second);
      meter.element.classList.toggle("meter-none", share === undefined);
      meter.update(`Quota used by ${nameOf(key)}`, share ?? 0);
    },
  };
}

function rateCell(model: FleetModel): Cell<AccessKey> {
  const spark = new Spark(64, 28, SPARK_LENGTH);
  const down = h("span", { class: "main" });
  const up = h("span", { class: "sub" });
  return {
    nodes: [spark.element, h("span", { class: "rates" }, down, up)],
    update: ({ id }) => {
      const meter = model.traffic.get(id)?.meter;
      const isIdle = !meter || meter.up + meter.down === 0;
      spark.update(meter?.history ?? []);
      setText(down, isIdle ? "idle" : `↓ ${rateText(meter.down)}`);
      setText(up, isIdle ? "" : `↑ ${rateText(meter.up)}`);
      down.classList.toggle("quiet", isIdle);
    },
  };
}

function deviceText({ limits, usage }: AccessKey): string {
  if (!usage) return "";
  const devices = usage.devices ?? 0;
  return limits?.maxDevices ? `${devices} of ${countOf(limits.maxDevices, "device")}` : devices > 0 ? countOf(devices, "device") : "";
}

function changedCell(): Cell<AccessKey> {
  const time = h("time", { class: "main quiet" });
  return {
    nodes: [time],
    update: ({ updateTime, createTime }) => {
      const last = updateTime ?? createTime;
      setText(time, last === undefined ? "" : whenText(last));
      time.title = momentText(last);
    },
  };
}
