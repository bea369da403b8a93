import { Api, ApiError } from "../api/connect.ts";
import { Poller } from "../api/poller.ts";
import type { Console } from "../console.ts";
import { isDialogOpen } from "../dom/dialog.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import type { ListView } from "../dom/list-view.ts";
import { countText } from "../format/amounts.ts";
import { spanText } from "../format/moments.ts";
import { createKey } from "../keys/key-form.ts";
import { keysView } from "../keys/keys-view.ts";
import { FleetModel, type Section } from "../model/fleet-model.ts";
import { eventsView } from "../sections/events-view.ts";
import { relaysFirst, relaysView } from "../sections/relays-view.ts";
import { sessionsView } from "../sections/sessions-view.ts";
import { addUpstream, upstreamsView } from "../sections/upstreams-view.ts";
import { showShortcuts } from "./shortcuts.ts";
import { switchTheme, TopBar } from "./top-bar.ts";

const SECTIONS: readonly (readonly [Section, string])[] = [
  ["keys", "Keys"],
  ["sessions", "Sessions"],
  ["relays", "Relays"],
  ["upstreams", "Upstreams"],
  ["events", "Events"],
];

const sectionOfHash = (): Section => SECTIONS.find(([name]) => name === location.hash.slice(1))?.[0] ?? "keys";

interface View {
  readonly list: Pick<ListView<never>, "element" | "focusSearch" | "focusList" | "move">;
  update(): void;
  /** What `n` does. */
  readonly create?: () => void;
}

/** The console after login: top bar, sections, and the keyboard. */
export class Workbench implements Console {
  readonly element: HTMLElement;
  readonly api: Api;
  readonly model: FleetModel;
  readonly #bar: TopBar;
  readonly #views: Readonly<Record<Section, View>>;
  readonly #tabs: ReadonlyMap<Section, HTMLElement>;
  readonly #counts = new Map<Section, HTMLElement>();
  readonly #banner = h("p", { class: "banner", role: "alert", hidden: true });
  readonly #place = h("main", { class: "place" });
  readonly #poller: Poller;
  readonly #listeners = new Set<() => void>();
  readonly #closed = new AbortController();
  readonly #leave: (reason: string) => void;
  #section: Section = "keys";

  constructor(token: string, leave: (reason: string) => void) {
    this.api = new Api(token);
    this.model = new FleetModel(this.api);
    this.#leave = leave;
    this.#bar = new TopBar(token === "" ? undefined : () => leave(""));
    this.#views = this.#makeViews();
    this.#tabs = new Map(SECTIONS.map(([name, label]) => [name, this.#tab(name, label)]));
    const nav = h("nav", { class: "tabs", "aria-label": "Sections" }, ...this.#tabs.values());
    this.element = h("div", { class: "bench" }, this.#bar.element, nav, this.#banner, this.#place);
    this.#poller = new Poller(
      () => this.#read(),
      (error, retryMs) => this.#failed(error, retryMs),
    );
    const { signal } = this.#closed;
    addEventListener("hashchange", () => this.#follow(), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  open(): void {
    this.#section = sectionOfHash();
    this.#show();
    this.#poller.start();
  }

  close(): void {
    this.#poller.stop();
    this.#closed.abort();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  }

  readonly refresh = (): void => this.#poller.kick();

  readonly onRead = (listener: () => void, signal: AbortSignal): void => {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  };

  #makeViews(): Readonly<Record<Section, View>> {
    const { model } = this;
    const [keys, sessions, relays] = [keysView(this), sessionsView(this), relaysView(this)];
    const [upstreams, events] = [upstreamsView(this), eventsView()];
    return {
      keys: { list: keys, update: () => keys.update(model.keys), create: () => createKey(this) },
      sessions: { list: sessions, update: () => sessions.update(model.sessions) },
      relays: { list: relays, update: () => relays.update(model.ports && model.fleet && relaysFirst(model.fleet.members ?? [])) },
      upstreams: { list: upstreams, update: () => upstreams.update(model.upstreams), create: () => addUpstream(this) },
      events: { list: events, update: () => events.update(model.events.events) },
    };
  }

  #tab(name: Section, label: string): HTMLElement {
    const count = h("span", { class: "tab-count" });
    this.#counts.set(name, count);
    return h("a", { class: "tab", href: `#${name}` }, label, count);
  }

  /** Shows the section at once: the event of a changed address comes later than the keys that are typed after the section's. */
  #go(section: Section): void {
    location.hash = section;
    this.#follow();
  }

  #follow(): void {
    const wanted = sectionOfHash();
    if (wanted === this.#section) return;
    this.#section = wanted;
    this.#show();
  }

  #show(): void {
    for (const [name, tab] of this.#tabs) setAttribute(tab, "aria-current", name === this.#section ? "page" : undefined);
    const view = this.#views[this.#section];
    document.title = `${SECTIONS.find(([name]) => name === this.#section)?.[1]} · Shadowfleet`;
    this.#place.replaceChildren(view.list.element);
    view.update();
    this.#takeFocus();
    this.refresh();
  }

  async #read(): Promise<void> {
    await this.model.refresh(this.#section);
    const { fleet, keys, sessions, hasMoreSessions, upstreams } = this.model;
    this.#bar.update(this.model);
    this.#views[this.#section].update();
    const counts: Partial<Record<Section, number | undefined>> = {
      keys: keys?.length,
      sessions: sessions?.length,
      relays: fleet?.members?.length ?? 0,
      upstreams: upstreams?.length,
    };
    for (const [name, element] of this.#counts) {
      const count = counts[name];
      setText(element, count === undefined ? "" : `${countText(count)}${name === "sessions" && hasMoreSessions ? "+" : ""}`);
    }
    this.#warn();
    this.#takeFocus();
    for (const listener of this.#listeners) listener();
  }

  /** The list has the focus once it is there, unless somebody has put it elsewhere. */
  #takeFocus(): void {
    if (document.activeElement === document.body && !getSelection()?.toString()) this.#views[this.#section].list.focusList();
  }

  /** What is wrong with the fleet as a whole; nothing when all is well. */
  #warn(): void {
    const { fleet } = this.model;
    const conflicts = fleet?.conflicts ?? [];
    const [first] = conflicts;
    if (!fleet?.storeAvailable)
      this.#say("The store does not answer: keys stay in force and can be looked at, but nothing can be changed.");
    else if (first)
      this.#say(
        `Not in force: ${first.resource} ${first.id} (${first.reason})${conflicts.length > 1 ? `, and ${conflicts.length - 1} more` : ""}.`,
      );
    else this.#say("");
  }

  #failed(error: unknown, retryMs: number): void {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "unauthenticated") this.#leave("Management no longer knows this token. Log in with another one.");
    else this.#say(`${error.message} What is shown may be old. The next try is in ${spanText(retryMs / 1_000)}.`);
  }

  #say(text: string): void {
    this.#banner.hidden = text === "";
    setText(this.#banner, text);
  }

  #key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const isWriting = target.matches("input, select, textarea");
    if (isWriting || isDialogOpen() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const view = this.#views[this.#section];
    const acts: Readonly<Record<string, () => void>> = {
      "/": () => view.list.focusSearch(),
      n: () => view.create?.(),
      "?": showShortcuts,
      t: () => switchTheme(),
      ArrowDown: () => view.list.move(1),
      ArrowUp: () => view.list.move(-1),
      j: () => view.list.move(1),
      k: () => view.list.move(-1),
    };
    const section = SECTIONS[Number(event.key) - 1]?.[0];
    if (section) this.#go(section);
    else if (acts[event.key]) acts[event.key]?.();
    else return;
    event.preventDefault();
  }
}
