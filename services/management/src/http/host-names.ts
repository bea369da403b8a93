const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/;

/**
 * Which Host headers are ours. Without tokens any web page could ask a browser of this machine to call the API under a name of the page's own
 * that resolves to loopback; with tokens it gets no further than everyone else.
 */
export class HostNames {
  #publicName: string | undefined;
  #hasTokens: boolean;

  constructor(publicUrl: string | undefined, hasTokens: boolean) {
    this.#publicName = nameOf(publicUrl);
    this.#hasTokens = hasTokens;
  }

  replace(publicUrl: string | undefined, hasTokens: boolean): void {
    this.#publicName = nameOf(publicUrl);
    this.#hasTokens = hasTokens;
  }

  allows(host: string | undefined): boolean {
    if (this.#hasTokens) return true;
    const name = nameOf(`http://${host ?? ""}`);
    return name !== undefined && (LOOPBACK.test(name) || name === this.#publicName);
  }
}

function nameOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : URL.parse(url)?.hostname;
}
