import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { extname, join } from "node:path";

/** A file of the page as browsers get it. */
export interface PageFile {
  /** Below `/console/`; empty for the page itself. */
  readonly path: string;
  /** Content type. */
  readonly type: string;
  /** Read once, when it is first asked for. */
  read(): { readonly body: string; readonly etag: string };
}

const FOLDER = join(import.meta.dirname, "page");
const INDEX = "index.html";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".js": "text/javascript; charset=utf-8",
};
const RELATIVE_TS_IMPORT = /(\bfrom\s*|\bimport\s*)"(\.{1,2}\/[^"]+)\.ts"/g;

/** All files of the page. In a checkout its modules are TypeScript, in an image JavaScript already; browsers see JavaScript in both. */
export function pageFiles(): PageFile[] {
  return globSync("**/*.{html,css,svg,ts,js}", { cwd: FOLDER }).map((name) => {
    const path = name === INDEX ? "" : name.replace(/\.ts$/, ".js");
    let content: ReturnType<PageFile["read"]> | undefined;
    const read = (): ReturnType<PageFile["read"]> => {
      content ??= contentOf(join(FOLDER, name));
      return content;
    };
    return { path, type: TYPES[extname(path === "" ? INDEX : path)] ?? "", read };
  });
}

function contentOf(file: string): { readonly body: string; readonly etag: string } {
  const source = readFileSync(file, "utf8");
  const body = file.endsWith(".ts") ? withoutTypes(source).replace(RELATIVE_TS_IMPORT, '$1"$2.js"') : source;
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

/** Node warns that the function is experimental; who opens the console in a checkout cannot do anything about it. */
function withoutTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
