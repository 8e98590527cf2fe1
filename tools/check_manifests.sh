#!/usr/bin/env bash
# Everything under deploy/ and the Dockerfile, read by the tools that will read it. A tool that is not there is named,
# and fails the check, unless SKIP_MISSING=1.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${AUDIT_BIN:-build/audit/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=0

have() {
  command -v "$1" >/dev/null && return
  echo "skipped: $1 is not installed, so $2 was not checked"
  missing=1
  return 1
}

"$bin/hadolint" Dockerfile
echo "Dockerfile: hadolint finds nothing"
"$bin/shellcheck" .ci/run tools/*.sh
echo "scripts: shellcheck finds nothing"

if have kubectl "the Kubernetes manifests"; then
  for overlay in base production; do
    kubectl kustomize "deploy/kustomize/$overlay" >"$work/$overlay.yaml"
    # Kinds of its own (ServiceMonitor) have no schema there; tests/house/test_deploy.py looks at those.
    "$bin/kubernetes-validate" -k 1.33 "$work/$overlay.yaml" >"$work/told" 2>&1 || { cat "$work/told" >&2; exit 1; }
    echo "kustomize/$overlay: $(grep -c ' passed ' "$work/told") manifests fit their schemas"
  done
fi
"$bin/kubernetes-validate" -k 1.33 deploy/spark/job.yaml >"$work/told" 2>&1 || { cat "$work/told" >&2; exit 1; }
echo "spark/job.yaml: $(grep -c ' passed ' "$work/told") manifests fit their schemas"
if have promtool "the alert rules"; then
  promtool check rules deploy/monitoring/alerts.yaml
  promtool test rules deploy/monitoring/alerts.test.yaml
fi
# Needs no engine: it reads the file and says what it understood.
"$bin/podman-compose" -f deploy/compose/compose.yaml config >"$work/compose" 2>/dev/null
grep -q 'service_completed_successfully' "$work/compose"
echo "compose.yaml: understood"
[ "$missing" = 0 ] || [ "${SKIP_MISSING:-}" = 1 ]
