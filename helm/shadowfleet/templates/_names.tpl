{{/* Names and labels. Host names of pods are their names and end at 63 characters, so workloads leave 17 for what controllers append. */}}

{{- define "shadowfleet.name" -}}
{{- include "shadowfleet.shorten" (dict "text" (.Values.nameOverride | default .Chart.Name) "length" 63) -}}
{{- end }}

{{- define "shadowfleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if contains $name .Release.Name -}}{{ .Release.Name }}{{- else -}}{{ printf "%s-%s" .Release.Name $name }}{{- end -}}
{{- end -}}
{{- end }}

{{/* Shortens a text so that different ones stay different. Takes text, length. */}}
{{- define "shadowfleet.shorten" -}}
{{- if le (len .text) (int .length) -}}
{{- .text | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.text | trunc (int (sub .length 6)) | trimSuffix "-") (.text | sha256sum | trunc 5) -}}
{{- end -}}
{{- end }}

{{/* The name of an object: RELEASE-shadowfleet-SUFFIX, at most 46 characters. Takes root, suffix. */}}
{{- define "shadowfleet.objectName" -}}
{{- $room := int (sub 45 (len .suffix)) -}}
{{- printf "%s-%s" (include "shadowfleet.shorten" (dict "text" (include "shadowfleet.fullname" .root) "length" $room)) .suffix -}}
{{- end }}

{{/* The host name of a Service inside of the cluster. Takes root, suffix. */}}
{{- define "shadowfleet.serviceHost" -}}
{{- printf "%s.%s.svc.%s" (include "shadowfleet.objectName" .) .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end }}

{{/* Where clients inside of the cluster reach the relays, by both protocols; with layout `split` and no common Service, by TCP. Takes root. */}}
{{- define "shadowfleet.relayHost" -}}
{{- $relay := .root.Values.relay -}}
{{- $suffix := eq $relay.layout "split" | ternary "tcp-relay" "relay" -}}
{{- if and $relay.service.enabled $relay.service.mixedProtocol -}}{{- $suffix = "relay-public" -}}{{- end -}}
{{- include "shadowfleet.serviceHost" (dict "root" .root "suffix" $suffix) -}}
{{- end }}

{{/* Labels that never change while a release lives. Takes root, and component unless all of the release is meant. */}}
{{- define "shadowfleet.selector" -}}
app.kubernetes.io/name: {{ include "shadowfleet.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* What selects the pods of all relays, whatever their layout. Takes root. */}}
{{- define "shadowfleet.relaySelector" -}}
{{ include "shadowfleet.selector" (dict "root" .root) }}
shadowfleet/role: relay
{{- end }}

{{/* Name, namespace, labels and annotations. Takes root, name, component, and optionally namespace, labels, annotations. */}}
{{- define "shadowfleet.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- $labels := include "shadowfleet.selector" (dict "root" .root "component" .component) | fromYaml }}
  {{- $_ := set $labels "app.kubernetes.io/version" .root.Chart.AppVersion }}
  {{- $_ := set $labels "app.kubernetes.io/part-of" "shadowfleet" }}
  {{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service }}
  {{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
  {{- toYaml (merge $labels (.labels | default dict) .root.Values.commonLabels) | nindent 2 }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The service account of a block of values. Takes root, block. */}}
{{- define "shadowfleet.serviceAccountName" -}}
{{- $account := (index .root.Values .block).serviceAccount -}}
{{- if $account.create -}}
{{- $account.name | default (include "shadowfleet.objectName" (dict "root" .root "suffix" .block)) -}}
{{- else -}}
{{- $account.name | default "default" -}}
{{- end -}}
{{- end }}
