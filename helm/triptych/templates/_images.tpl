{{/* repository:tag@digest; the tag is the chart's unless given. Takes a dict of `root` and `image`. */}}
{{- define "triptych.image" -}}
{{- $tag := default .root.Chart.AppVersion .image.tag -}}
{{- .image.repository }}:{{ $tag }}{{ with .image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "triptych.tooling" -}}
image: {{ include "triptych.image" (dict "root" . "image" .Values.images.tooling) }}
imagePullPolicy: {{ .Values.images.tooling.pullPolicy }}
{{- end -}}

{{- define "triptych.server" -}}
image: {{ include "triptych.image" (dict "root" . "image" .Values.images.server) }}
imagePullPolicy: {{ .Values.images.server.pullPolicy }}
{{- end -}}
