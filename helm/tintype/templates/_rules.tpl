{{/* What the operator may do in each namespace that it watches. */}}
{{- define "tintype.rules" -}}
- apiGroups: [tintype.dev]
  resources: [modelversions]
  verbs: [get, list, watch, patch]
# `operate` is no verb of Kubernetes: the policy lets whoever has it write the operator's fields of status.
- apiGroups: [tintype.dev]
  resources: [modelversions]
  verbs: [operate]
- apiGroups: [tintype.dev]
  resources: [modelversions/status]
  verbs: [patch]
# Needed to own Jobs on clusters that check it (OwnerReferencesPermissionEnforcement).
- apiGroups: [tintype.dev]
  resources: [modelversions/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create]
# To bind this one role to the accounts of training Pods, without having its rights or any other's to give away.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [tintype-trainer]
  verbs: [bind]
{{- end -}}
