{{/* Names and labels. Helpers take the root context, those of a track a dict of `root` and `track`. */}}

{{- define "triptych.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40, so that every suffix still fits into the 63 characters of a name. */}}
{{- define "triptych.fullname" -}}
{{- $name := include "triptych.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "triptych.selector" -}}
app.kubernetes.io/name: {{ include "triptych.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "triptych.trackSelector" -}}
{{ include "triptych.selector" .root }}
triptych/track: {{ .track }}
{{- end -}}

{{/* Whom the Services without a track's name mean: where routes divide requests, nobody else sends any to the candidate. */}}
{{- define "triptych.serviceSelector" -}}
{{ include "triptych.selector" . }}
{{- if .Values.routes.enabled }}
triptych/track: stable
{{- end }}
{{- end -}}

{{- define "triptych.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "triptych.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: triptych
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of an object: dict of `root`, and maybe `name`, a suffix; `labels`; `annotations`, both maps. */}}
{{- define "triptych.metadata" -}}
{{- $annotations := merge (dict) (default (dict) .annotations) .root.Values.commonAnnotations -}}
name: {{ include "triptych.fullname" .root }}{{ with .name }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "triptych.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The tracks that are served, as a JSON list. */}}
{{- define "triptych.tracks" -}}
{{- if .Values.tracks.candidate.enabled -}}["stable","candidate"]{{- else -}}["stable"]{{- end -}}
{{- end -}}

{{- define "triptych.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- include "triptych.fullname" . -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}
