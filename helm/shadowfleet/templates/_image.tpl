{{/* An image's full name: the digest wins over the tag, a registry of all images over one of its own. Takes root, image, and optionally shared. */}}
{{- define "shadowfleet.image" -}}
{{- $shared := .shared | default dict -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry | default $shared.registry -}}
{{- $tag := .image.tag | default $shared.tag | default .root.Chart.AppVersion -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (not (empty $registry)) -}}
{{- ternary (printf "%s@%s" $name .image.digest) (printf "%s:%s" $name $tag) (not (empty .image.digest)) -}}
{{- end }}

{{/* Takes root. */}}
{{- define "shadowfleet.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat .root.Values.global.imagePullSecrets .root.Values.imagePullSecrets -}}
{{- $names = append $names (kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name")) -}}
{{- end -}}
{{- with $names | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
