import { docker, runProgram } from "@shadowfleet/testkit";

/** A file, folder or link of an image as `tar` lists it. */
export interface Entry {
  readonly path: string;
  /** As `-rwxr-xr-x`. */
  readonly mode: string;
  readonly owner: number;
}

const LINE = /^(\S{10}) (\d+)\/\d+ +\d+ \S+ \S+ (.+?)(?: -> .*| link to .*)?$/;

/** Everything in an image but what the engine puts there for each container. */
export async function listContent(image: string): Promise<Entry[]> {
  const id = await docker(["create", image]);
  try {
    const { stdout } = await runProgram("sh", ["-c", `docker export ${id} | tar -tv --numeric-owner`], { deadlineMs: 120_000 });
    const entries = stdout.toString().trimEnd().split("\n").map(parse);
    return entries.filter(({ path }) => !/^\/(dev|proc|sys|\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab))(\/|$)/.test(path));
  } finally {
    await docker(["rm", "--volumes", id]);
  }
}

function parse(line: string): Entry {
  const [, mode = "", owner = "", path = ""] = LINE.exec(line) ?? [];
  if (path === "") throw new Error(`tar lists ${line}`);
  return { path: `/${path.replace(/\/$/, "")}`, mode, owner: Number(owner) };
}

/** A field of `docker image inspect`. */
export async function inspectImage<T>(image: string, field: string): Promise<T> {
  return JSON.parse(await docker(["image", "inspect", "--format", `{{json ${field}}}`, image])) as T;
}
