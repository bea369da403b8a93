const NAME = "shadowfleet.token";

/** The token lives as long as the tab and nowhere else. */
export const sessionToken = {
  get: (): string => sessionStorage.getItem(NAME) ?? "",
  set: (token: string): void => sessionStorage.setItem(NAME, token),
  forget: (): void => sessionStorage.removeItem(NAME),
};
