import { loginPage, refusalOf } from "./frame/login.ts";
import { Workbench } from "./frame/workbench.ts";
import { sessionToken } from "./model/session-token.ts";
import { applyTheme } from "./model/theme.ts";

function enter(token: string): void {
  const bench = new Workbench(token, (reason) => {
    bench.close();
    sessionToken.forget();
    document.body.replaceChildren(loginPage(reason, enter));
  });
  document.body.replaceChildren(bench.element);
  bench.open();
}

applyTheme();
const token = sessionToken.get();
// Where management asks for no token, nobody is asked for one.
const refusal = await refusalOf(token);
if (refusal === undefined) enter(token);
else document.body.replaceChildren(loginPage(token === "" ? "" : refusal, enter));
