import { TextField } from "../dom/fields.ts";
import { countText, exactBitRate, parseBitRate } from "../format/amounts.ts";
import { exactMoment, momentText, parseMoment, whenText } from "../format/moments.ts";

/** A rate such as "20 Mbit/s". */
export function rateField(label: string, placeholder: string, bits: string | undefined, hint: string): TextField {
  return new TextField({
    label,
    value: bits ? exactBitRate(Number(bits)) : "",
    placeholder,
    hint,
    read: (text) => {
      const read = parseBitRate(text);
      return read ? { note: `${countText(read)} bits a second` } : { problem: "Write it like 20 Mbit/s or 2.5 MB/s" };
    },
  });
}

/** A whole number from 1 on. */
export function wholeField(label: string, value: number | undefined, max: number, hint: string): TextField {
  return new TextField({
    label,
    value: value ? String(value) : "",
    hint,
    read: (text) => {
      const isGood = /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
      return isGood ? { note: hint } : { problem: `A whole number from 1 to ${countText(max)}` };
    },
  });
}

/** Addresses, blocks or names, which management checks. */
export function targetsField(label: string, targets: readonly string[] = [], hint: string): TextField {
  return new TextField({ label, value: targets.join(", "), placeholder: "10.1.0.0/16, 192.0.2.7", hint });
}

export const targetsOf = ({ value }: TextField): string[] => value.split(/[\s,]+/).filter(Boolean);

/** A moment such as "30 days" or "2027-01-31 18:00". */
export function momentField(label: string, time: string | undefined, hint: string): TextField {
  return new TextField({
    label,
    value: time ? exactMoment(time) : "",
    placeholder: "30 days, or 2027-01-31 18:00",
    hint,
    read: (text) => {
      const read = parseMoment(text);
      return read
        ? { note: `${momentText(read)}, ${whenText(read)}` }
        : { problem: "Write it like 30 days, 2027-01-31 or 2027-01-31 18:00" };
    },
  });
}
