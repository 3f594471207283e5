{{/* The prefix of names. 50 characters leave room for the longest suffix. */}}
{{- define "tiershift.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains "tiershift" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-tiershift" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tiershift.operator" -}}
{{- printf "%s-operator" (include "tiershift.fullname" .) -}}
{{- end -}}

{{/* Cluster-scoped names say which namespace they are for: two releases may have one name. */}}
{{- define "tiershift.clusterName" -}}
{{- $prefix := include "tiershift.fullname" . -}}
{{- if and (ne .Release.Namespace $prefix) (ne .Release.Namespace (printf "%s-system" $prefix)) -}}
{{- printf "%s-%s" .Release.Namespace $prefix | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $prefix -}}
{{- end -}}
{{- end -}}

{{- define "tiershift.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "tiershift.operator" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* These never change: a Deployment's selector cannot. */}}
{{- define "tiershift.selectorLabels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* Labels of the operator's pods: nothing that changes without a reason to replace them. */}}
{{- define "tiershift.podLabels" -}}
{{ include "tiershift.selectorLabels" . }}
app.kubernetes.io/part-of: tiershift
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "tiershift.labels" -}}
{{ include "tiershift.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- range $name, $value := .Values.commonLabels }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "tiershift.monitoringLabels" -}}
{{ include "tiershift.labels" . }}
{{- with .Values.monitoring.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image's reference from a dict of image and root. */}}
{{- define "tiershift.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- if $registry }}{{ trimSuffix "/" $registry }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{/* Rules for kinds that no namespace holds: what the filter of /metrics asks the API server. The others
     of the operator's role are for objects, and so can be granted in a namespace. */}}
{{- define "tiershift.isClusterRule" -}}
{{- if or (has "authentication.k8s.io" .apiGroups) (has "authorization.k8s.io" .apiGroups) }}true{{ end -}}
{{- end -}}

{{- define "tiershift.operatorRules" -}}
{{- $role := .Files.Get "files/rbac/clusterrole.yaml" | fromYaml -}}
{{- range $role.rules }}
{{- if not (include "tiershift.isClusterRule" .) }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "tiershift.clusterRules" -}}
{{- $role := .Files.Get "files/rbac/clusterrole.yaml" | fromYaml -}}
{{- range $role.rules }}
{{- if include "tiershift.isClusterRule" . }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "tiershift.leaseRules" -}}
{{- $role := .Files.Get "files/rbac/role.yaml" | fromYaml -}}
{{- range $role.rules }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "tiershift.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tiershift.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "tiershift.asksWhoScrapes" -}}
{{- if and .Values.metrics.enabled .Values.metrics.secure }}true{{ end -}}
{{- end -}}
