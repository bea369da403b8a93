{{/* A duration such as "90s" or "1.5m" as seconds. */}}
{{- define "shadowfleet.seconds" -}}
{{- $factors := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mulf (. | trimSuffix $unit | trim | float64) (get $factors $unit) -}}
{{- end }}

{{/* Seconds until a stopped process must be gone: its drain, and time to flush what it counted. Takes a block with drainDelay and drainTimeout. */}}
{{- define "shadowfleet.gracePeriod" -}}
{{- addf (include "shadowfleet.seconds" .drainDelay | float64) (include "shadowfleet.seconds" .drainTimeout | float64) 15 | ceil | int64 -}}
{{- end }}
