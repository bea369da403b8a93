/** Prometheus's own series of alerts, ours only: one each that fires, or that waits for its time to be over (`pending`). */
export function alerts(state?: "firing"): string {
  const wanted = state ? `,alertstate="${state}"` : "";
  return `ALERTS{alertname=~"Shadowfleet.*"${wanted},namespace=~"$namespace"}`;
}
