import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder, TextMode } from "@grafana/grafana-foundation-sdk/text";
import { describe, type PanelText } from "./panel.ts";

export interface TextOptions extends PanelText {
  readonly markdown: string;
}

const SIZE = { width: 12, height: 8 };

/** Words for whoever sees the dashboard for the first time, at three in the morning. */
export function text(options: TextOptions): Builder<Panel> {
  return describe(new PanelBuilder(), options, SIZE).mode(TextMode.Markdown).content(options.markdown);
}
