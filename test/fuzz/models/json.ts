import type { PseudoRandom } from "@shadowfleet/testkit";
import { pick } from "./addresses.ts";

type Data = null | boolean | number | string | Data[] | { [key: string]: Data };

/** Values that stand where something else was meant to. */
const ODD: readonly Data[] = [
  null,
  true,
  0,
  -1,
  1.5,
  65_536,
  1e308,
  "",
  "0",
  "5m",
  "-5s",
  "::",
  "a:b",
  "\0",
  "\ud800",
  "x".repeat(3_000),
  [],
  [[]],
  {},
  { a: 1 },
  "__proto__",
  "2022-blake3-aes-256-gcm",
  "aes-256-cfb",
  "ss://x",
];
const ODD_KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "",
  "ports",
  "keys",
  "fleet",
  "port_password",
  "8388",
  "password",
  "0",
];

/** Zero to five changes anywhere in the document: values replaced, keys added, left out or renamed, elements repeated. */
export function mutateData(data: Data, random: PseudoRandom): Data {
  let result = structuredClone(data);
  for (let left = pick([0, 1, 1, 1, 2, 3, 5], random); left > 0; left -= 1) result = changeOne(result, random);
  return result;
}

function changeOne(data: Data, random: PseudoRandom): Data {
  if (typeof data !== "object" || data === null || random.below(6) === 0)
    return random.below(12) === 0 ? structuredClone(pick(ODD, random)) : data;
  if (Array.isArray(data)) {
    const at = random.below(data.length + 1);
    if (at === data.length) return random.below(3) === 0 ? [...data, structuredClone(data[0] ?? pick(ODD, random))] : data;
    return data.with(at, changeOrReplace(data[at]!, random));
  }
  const keys = Object.keys(data);
  const key = keys.length === 0 ? "" : pick(keys, random);
  const kind = random.below(6);
  const copy: Record<string, Data> = { ...data };
  if (kind === 0) delete copy[key];
  else if (kind === 1)
    define(copy, random.below(3) === 0 ? pick(ODD_KEYS, random) : `${key}x`, structuredClone(copy[key] ?? pick(ODD, random)));
  else if (Object.hasOwn(copy, key)) define(copy, key, changeOrReplace(copy[key] as Data, random));
  return copy;
}

function changeOrReplace(value: Data, random: PseudoRandom): Data {
  const isLeaf = typeof value !== "object" || value === null;
  return isLeaf || random.below(8) === 0 ? structuredClone(pick(ODD, random)) : changeOne(value, random);
}

/** As JSON.parse would: `__proto__` is a key like any other. */
function define(object: Record<string, Data>, key: string, value: Data): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export const JSON_TOKENS: readonly string[] = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"',
  "null",
  "1e999",
  "-",
  "\\u0000",
  "&a",
  "*a",
  "!!js",
  "---",
  "\n- ",
  "# ",
  "'",
];
