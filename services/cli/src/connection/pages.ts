/** The largest page that management gives. */
export const PAGE_SIZE = 1000;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** All items of a list that comes in pages. */
export async function allPages<Item>(readPage: (pageToken: string) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = [];
  let pageToken = "";
  do {
    const { items, nextPageToken } = await readPage(pageToken);
    for (const item of items) all.push(item);
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return all;
}
