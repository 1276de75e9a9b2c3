{{/* The init container that brings the release: digests, signature, lint; what is pulled is what was checked. */}}

{{- define "triptych.pull" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $release := (index $v.tracks .track).release -}}
- name: pull
  {{- include "triptych.tooling" $root | nindent 2 }}
  command: [triptych]
  args:
    - release
    - pull
    - {{ int $release.number | quote }}
    - /release
    - --manifest-sha256={{ $release.manifestSha256 }}
    - --store={{ include "triptych.store" $root }}
    {{- with include "triptych.trust" $root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
  env:
    - { name: HOME, value: /tmp }
    {{- range $name, $value := $v.store.environment }}
    - { name: {{ $name }}, value: {{ $value | quote }} }
    {{- end }}
  {{- with $v.store.credentialsSecret }}
  envFrom:
    - secretRef: { name: {{ . }} }
  {{- end }}
  resources:
    requests: { cpu: 100m, memory: 256Mi }
    limits: { memory: 1Gi }
  securityContext:
    {{- include "triptych.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    - { name: release, mountPath: /release }
    - { name: temporary, mountPath: /tmp, subPath: pull }
    {{- if ne $v.store.type "url" }}
    - { name: store, mountPath: /store, readOnly: true }
    {{- end }}
    {{- if has $v.signature.type (list "key" "certificate") }}
    - { name: signature, mountPath: /etc/triptych/signature, readOnly: true }
    {{- end }}
{{- end -}}

{{- define "triptych.store" -}}
{{- $store := .Values.store -}}
{{- if eq $store.type "url" -}}
{{- $store.url -}}
{{- else -}}
{{- printf "/store/%s" (trimPrefix "/" (index $store $store.type).path) | trimSuffix "/" -}}
{{- end -}}
{{- end -}}

{{- define "triptych.trust" -}}
{{- $signature := .Values.signature -}}
{{- if eq $signature.type "key" }}
- --key=/etc/triptych/signature/{{ $signature.file }}
{{- else if eq $signature.type "certificate" }}
- --certificate-chain=/etc/triptych/signature/{{ $signature.file }}
{{- else if eq $signature.type "sigstore" }}
- --identity={{ $signature.identity }}
- --identity-provider={{ $signature.identityProvider }}
{{- end }}
{{- end -}}
