{{/*
Probes that are inferences. Triton calls itself ready for ever, whatever its stubs do; `triptych probes` asks it the known
question and tells the kubelet. Each probe of the server has a question of its own:

    startup    /readyz  has it given the known answer? Warm-up is over by then; until then nothing else is asked
    readiness  /readyz  did the last answer come, and was it right?
    liveness   /livez   does it hang, fail for good or answer wrongly? One that is merely full lives
*/}}

{{- define "triptych.probes" -}}
{{- $health := .Values.health -}}
startupProbe:
  httpGet: { path: /readyz, port: 8090 }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: {{ include "triptych.startupSeconds" . }}
readinessProbe:
  httpGet: { path: /readyz, port: 8090 }
  {{- toYaml $health.readiness | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: 8090 }
  {{- toYaml $health.liveness | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "triptych.killSeconds" . }}
{{- end -}}

{{- define "triptych.prober" -}}
- name: health
  {{- include "triptych.tooling" . | nindent 2 }}
  restartPolicy: Always
  command: [triptych]
  args:
    - probes
    - {{ printf "--address=%s" .Values.listenAddress | quote }}
    - --port=8090
    - --usual-answer={{ .Values.health.usualAnswerSeconds }}
  env:
    - { name: HOME, value: /tmp }
  ports:
    - { name: health, containerPort: 8090 }
  # Of the prober itself: it answers, whatever it has to say of the server.
  livenessProbe:
    httpGet: { path: /, port: 8090 }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml .Values.health.resources | nindent 4 }}
  securityContext:
    {{- include "triptych.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - { name: temporary, mountPath: /tmp, subPath: health }
{{- end -}}
