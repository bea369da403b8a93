/** One row of the page: what may happen, what stands against it, the series that shows it, the test that proves it. */
export interface Threat {
  readonly group: string;
  readonly threat: string;
  readonly defence: string;
  /** Undefined where nothing is to be seen: a dash. */
  readonly metric: Metric | undefined;
  readonly test: TestReference | undefined;
}

export interface Metric {
  readonly series: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TestReference {
  /** Relative to the root of the repository. */
  readonly file: string;
  /** The title, or the part of it that no variable makes. */
  readonly title: string;
}

const COLUMNS = "| threat | defence | metric | test |";
const TEST = /^\[[^\]]+\]\(\.\.\/([^)#]+)\): (.+)$/;
const METRIC = /^`([a-z0-9_]+)(?:\{([^}]*)\})?`$/;
const TITLES = /\b(?:test|it)\(\s*(?:"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;

/** The rows of every table with these four columns, under the heading before it. A cell that cannot be read is undefined. */
export function readThreats(page: string): Threat[] {
  const threats: Threat[] = [];
  let group = "";
  let isTable = false;
  for (const line of page.split("\n")) {
    if (line.startsWith("## ")) group = line.slice(3);
    if (line === COLUMNS) isTable = true;
    else if (!line.startsWith("|")) isTable = false;
    else if (isTable && !/^\|[-| ]+\|$/.test(line)) threats.push(readRow(group, line));
  }
  return threats;
}

function readRow(group: string, line: string): Threat {
  const [threat = "", defence = "", metric = "", test = ""] = line.slice(2, -2).split(" | ");
  const [, file, title] = TEST.exec(test) ?? [];
  return {
    ...{ group, threat, defence },
    metric: metric === "—" ? undefined : readMetric(metric),
    test: file === undefined || title === undefined ? undefined : { file, title },
  };
}

function readMetric(text: string): Metric {
  const [, series = text, labels = ""] = METRIC.exec(text) ?? [];
  const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
  return { series, labels: Object.fromEntries(pairs) };
}

/** The titles of a test file's tests, escapes undone; what a variable makes of them stands as `${…}`. Where one is a variable alone: the lists of texts. */
export function titlesIn(source: string): string[] {
  const listed = /\b(?:test|it)\(\w+,/.test(source) ? [...source.matchAll(/^ {2}"([^"]+)",$/gm)].map(([, text = ""]) => text) : [];
  const written = [...source.matchAll(TITLES)].map(([, plain, template]) => (plain ?? template ?? "").replace(/\\(["'`\\])/g, "$1"));
  return [...written, ...listed];
}
