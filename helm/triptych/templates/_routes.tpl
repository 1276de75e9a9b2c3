{{/* spec of a route. Takes a dict of `root`, `port` and `match`. */}}
{{- define "triptych.route" -}}
{{- $root := .root -}}
{{- $port := .port -}}
parentRefs:
  {{- toYaml $root.Values.routes.parentRefs | nindent 2 }}
{{- with $root.Values.routes.hostnames }}
hostnames:
  {{- toYaml . | nindent 2 }}
{{- end }}
rules:
  - matches:
      - {{- toYaml .match | nindent 8 }}
    backendRefs:
      {{- range $track := include "triptych.tracks" $root | fromJsonArray }}
      - name: {{ include "triptych.fullname" $root }}-{{ $track }}
        port: {{ $port }}
        weight: {{ int (index $root.Values.tracks $track).weight }}
      {{- end }}
{{- end -}}
