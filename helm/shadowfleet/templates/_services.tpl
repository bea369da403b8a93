{{/* Ports of a Service of the relays. Takes root, ports, transport, and optionally nodePorts; `public`: TCP of a port with a plugin leads there. */}}
{{- define "shadowfleet.relayServicePorts" -}}
{{- $transport := .transport -}}
{{- $nodePorts := .nodePorts -}}
{{- $public := .public -}}
{{- $root := .root -}}
{{- range $index, $port := .ports }}
{{- if $index }}{{ "\n" }}{{ end -}}
- name: {{ $transport }}-{{ $port.port }}
  port: {{ $port.port }}
  {{- if and $public (eq $transport "tcp") (include "shadowfleet.isCovered" (dict "root" $root "port" $port.port)) }}
  targetPort: plugin-{{ $port.port }}
  {{- else }}
  targetPort: {{ $transport }}-{{ $port.port }}
  {{- end }}
  protocol: {{ upper $transport }}
  {{- if eq $transport "tcp" }}
  appProtocol: tcp
  {{- end }}
  {{- if $nodePorts }}
  {{- with get $port (printf "%sNodePort" $transport) }}
  nodePort: {{ . }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What any Service that faces clients may have. Takes a block `service`. */}}
{{- define "shadowfleet.serviceSettings" -}}
type: {{ .type }}
{{- if and (ne .type "ClusterIP") .externalTrafficPolicy }}
externalTrafficPolicy: {{ .externalTrafficPolicy }}
{{- end }}
{{- if eq .type "LoadBalancer" }}
{{- with .loadBalancerClass }}
loadBalancerClass: {{ . }}
{{- end }}
{{- with .loadBalancerIP }}
loadBalancerIP: {{ . }}
{{- end }}
{{- with .loadBalancerSourceRanges }}
loadBalancerSourceRanges: {{ toJson . }}
{{- end }}
{{- if not (kindIs "invalid" .allocateLoadBalancerNodePorts) }}
allocateLoadBalancerNodePorts: {{ .allocateLoadBalancerNodePorts }}
{{- end }}
{{- end }}
{{- with .externalIPs }}
externalIPs: {{ toJson . }}
{{- end }}
{{- with .ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}

{{/* Takes sessionAffinity, sessionAffinityTimeoutSeconds. */}}
{{- define "shadowfleet.serviceAffinity" -}}
sessionAffinity: {{ .sessionAffinity }}
{{- if eq .sessionAffinity "ClientIP" }}
sessionAffinityConfig: { clientIP: { timeoutSeconds: {{ .sessionAffinityTimeoutSeconds }} } }
{{- end }}
{{- end }}
