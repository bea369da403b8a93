{{/*
The workloads of a release: component (label and suffix of the name), block of values, kind, replicas, containers. A block is what an operator sets; a
component is what runs, and the layout of the relays decides how many of those there are.
*/}}
{{- define "shadowfleet.workloads" -}}
{{- $relay := .Values.relay -}}
{{- $workloads := list (dict "component" "management" "block" "management" "kind" "Deployment" "replicas" .Values.management.replicas "containers" (list "management")) -}}
{{- if eq $relay.layout "split" -}}
{{- range $transport := list "tcp" "udp" -}}
{{- $name := printf "%s-relay" $transport -}}
{{- $own := (index $relay $transport).replicas -}}
{{- $workloads = append $workloads (dict "component" $name "block" "relay" "kind" "Deployment" "replicas" (kindIs "invalid" $own | ternary $relay.replicas $own) "containers" (list $name)) -}}
{{- end -}}
{{- else -}}
{{- $kind := eq $relay.layout "daemonset" | ternary "DaemonSet" "Deployment" -}}
{{- $workloads = append $workloads (dict "component" "relay" "block" "relay" "kind" $kind "replicas" $relay.replicas "containers" (list "tcp-relay" "udp-relay")) -}}
{{- end -}}
{{- if .Values.gateway.enabled -}}
{{- $workloads = append $workloads (dict "component" "gateway" "block" "gateway" "kind" "Deployment" "replicas" .Values.gateway.replicas "containers" (list "gateway")) -}}
{{- end -}}
{{- toYaml $workloads -}}
{{- end }}

{{/* The admin ports, by container: the services' own defaults, which the images' health checks ask too. */}}
{{- define "shadowfleet.adminPorts" -}}
tcp-relay: { port: 9101, name: admin-tcp }
udp-relay: { port: 9102, name: admin-udp }
gateway: { port: 9103, name: admin-gateway }
management: { port: 9104, name: admin-mgmt }
{{- end }}

{{/* What a container alone has in its values: the relays share a block. Takes root, container. */}}
{{- define "shadowfleet.containerValues" -}}
{{- if eq .container "tcp-relay" -}}{{ toYaml .root.Values.relay.tcp }}
{{- else if eq .container "udp-relay" -}}{{ toYaml .root.Values.relay.udp }}
{{- else -}}{{ toYaml (index .root.Values .container) }}
{{- end -}}
{{- end }}

{{/* The ports of the relays: those exposed and those declared, each once. Takes root. */}}
{{- define "shadowfleet.relayPorts" -}}
{{- $ports := dict -}}
{{- if not .root.Values.declared.existingSecret -}}
{{- range .root.Values.declared.ports -}}{{- $_ := set $ports (printf "%05d" (int .port)) (dict "port" (int .port)) -}}{{- end -}}
{{- end -}}
{{- range .root.Values.relay.ports -}}{{- $_ := set $ports (printf "%05d" (int .port)) . -}}{{- end -}}
{{- $sorted := list -}}
{{- range keys $ports | sortAlpha -}}{{- $sorted = append $sorted (get $ports .) -}}{{- end -}}
{{- toYaml $sorted -}}
{{- end }}
