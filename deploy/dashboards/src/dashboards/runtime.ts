import { BytesIEC, DurationSeconds, PercentUnit, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { SERVICE_AND_PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, max, min, observationRate, observedRate, quantile, rate, sum, top } from "../promql/expressions.ts";
import { cpuPanel, descriptorPanel, eventLoopPanel, memoryPanel } from "../shared/process-panels.ts";

export function runtime() {
  return dashboard({
    name: "runtime",
    title: "Runtime",
    description: "Does Node.js itself keep up: event loop, garbage collection, memory, descriptors?",
    top: [
      stat({
        title: "Busiest event loop",
        description: "Utilisation of the busiest process. Above 0.9 is bad: what it serves becomes slow.",
        unit: PercentUnit,
        query: query(max(gauge("nodejs_eventloop_utilization")), "busiest"),
        bad: { from: 0.9 },
      }),
      stat({
        title: "Longest delay",
        description: "Longest the event loop was late since the last scrape, 20 ms of sampling included. Above a second is bad.",
        unit: Seconds,
        query: query(max(gauge("nodejs_eventloop_delay_max")), "delay"),
        bad: { from: 1 },
      }),
      stat({
        title: "Largest process",
        description: "Resident memory of the largest. Near the container's limit is bad: it will be killed.",
        unit: BytesIEC,
        query: query(max(gauge("process.resident.memory.bytes")), "largest"),
      }),
      stat({
        title: "CPU of all",
        description: "Cores used by all processes together; 100 % is one core. At the sum of the limits is bad.",
        unit: PercentUnit,
        query: query(sum(rate("process.cpu.seconds")), "cpu"),
      }),
      stat({
        title: "Most descriptors",
        description: "Share of allowed file descriptors, of the process nearest to its limit. Above 0.8 is bad.",
        unit: PercentUnit,
        query: query(max(`${gauge("process.open.fds")} / ${gauge("process.max.fds")}`), "most"),
        bad: { from: 0.8 },
      }),
      stat({
        title: "Youngest process",
        description: "Time since the latest start. Minutes, with no roll-out going on, are bad: something restarts.",
        unit: DurationSeconds,
        query: query(min(`time() - ${gauge("process.start.time.seconds")}`), "youngest"),
      }),
    ],
    rows: [
      {
        title: "Event loop",
        panels: [
          eventLoopPanel(SERVICE_AND_PROCESS),
          timeseries({
            title: "Time in the event loop",
            description: "Of all processes of a service, active and idle. Active close to all of it is bad.",
            unit: PercentUnit,
            queries: [
              query(sum(rate("nodejs_eventloop_time_total"), "job", "nodejs_eventloop_state"), "{{job}} {{nodejs_eventloop_state}}"),
            ],
          }),
          timeseries({
            title: "Delay, 99th percentile",
            description:
              "How late timers ran since the last scrape, 20 ms of sampling included. Above 0.1 s is bad: long work on the one thread.",
            unit: Seconds,
            queries: [query(gauge("nodejs_eventloop_delay_p99"), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Workers",
            description:
              "Processes that serve, of relays and gateways, and how often one ended and was replaced. Any end is bad: a crash, or memory ran out.",
            unit: Short,
            queries: [
              query(gauge("fleet.workers"), `${SERVICE_AND_PROCESS} serve`),
              query(sum(rate("fleet.worker.exits"), "job"), "{{job}} ends a second"),
            ],
          }),
          timeseries({
            title: "Ends of plugins",
            description:
              "How often a SIP003 plugin ended unasked and was started again, by program. Any end is bad: its connections went with it.",
            unit: Short,
            queries: [query(sum(rate("fleet.plugin.exits"), "job", "plugin"), "{{job}} {{plugin}} a second")],
          }),
          timeseries({
            title: "Delay, median",
            description: "As beside, half the time. It lies at 0.02 s when idle; above 0.05 s is bad: the process never rests.",
            unit: Seconds,
            queries: [query(gauge("nodejs_eventloop_delay_p50"), SERVICE_AND_PROCESS)],
          }),
        ],
      },
      {
        title: "Garbage collection",
        panels: [
          timeseries({
            title: "Share of time",
            description:
              "Time in garbage collection, by process. Above 0.1 is bad: memory is short, or something allocates in the data path.",
            unit: PercentUnit,
            queries: [query(sum(observedRate("v8js_gc_duration"), "job", "instance"), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Pauses by kind, 99th percentile",
            description: "Minor ones take a millisecond. Major ones above 0.1 s are bad: everything waits meanwhile.",
            unit: Seconds,
            queries: [query(quantile(0.99, "v8js_gc_duration", {}, ["v8js_gc_type"]), "{{v8js_gc_type}}")],
          }),
          timeseries({
            title: "Collections",
            description: "By kind, all processes. Major ones more than once a second are bad.",
            unit: Short,
            queries: [query(sum(observationRate("v8js_gc_duration"), "v8js_gc_type"), "{{v8js_gc_type}}")],
          }),
        ],
      },
      {
        title: "Memory",
        panels: [
          memoryPanel(SERVICE_AND_PROCESS),
          timeseries({
            title: "Heap in use",
            description: "JavaScript objects, by process. A floor that rises from saw tooth to saw tooth is bad: a leak.",
            unit: BytesIEC,
            queries: [query(sum(gauge("v8js_memory_heap_used"), "job", "instance"), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Heap by space",
            description: "All processes. Growth of old_space that never turns is bad; large_object_space is big buffers and arrays.",
            unit: BytesIEC,
            stacked: true,
            queries: [query(sum(gauge("v8js_memory_heap_used"), "v8js_heap_space_name"), "{{v8js_heap_space_name}}")],
          }),
          timeseries({
            title: "Heap committed",
            description: "What V8 has taken from the kernel for the heap, by process. Far above what is in use, for hours, is bad.",
            unit: BytesIEC,
            queries: [query(sum(gauge("v8js_memory_heap_space_physical_size"), "job", "instance"), SERVICE_AND_PROCESS)],
          }),
        ],
      },
      {
        title: "Process",
        panels: [
          cpuPanel(SERVICE_AND_PROCESS),
          descriptorPanel(SERVICE_AND_PROCESS),
          timeseries({
            title: "What keeps event loops alive",
            description: "The ten most numerous kinds of open resources. Sockets or timers that only ever grow are bad.",
            unit: Short,
            queries: [query(top(10, sum(gauge("v8js_resource_active"), "job", "v8js_resource_type")), "{{job}} {{v8js_resource_type}}")],
          }),
          timeseries({
            title: "What encrypts",
            description:
              "Processes by AEAD backend. node:crypto where others are native is bad: that process costs more CPU for the same traffic.",
            unit: Short,
            queries: [query(sum(gauge("fleet.aead.backend"), "job", "backend"), "{{job}} {{backend}}")],
          }),
          timeseries({
            title: "Clocks, ahead of Prometheus",
            description: "By process. More than a few seconds either way is bad; from 30 s on, 2022 methods are refused.",
            unit: DurationSeconds,
            queries: [query(`${gauge("fleet.clock.seconds")} - timestamp(${gauge("fleet.clock.seconds")})`, SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Time since start",
            description: "By process. Saw teeth are bad: something restarts again and again.",
            unit: DurationSeconds,
            queries: [query(`time() - ${gauge("process.start.time.seconds")}`, SERVICE_AND_PROCESS)],
          }),
        ],
      },
    ],
  });
}
