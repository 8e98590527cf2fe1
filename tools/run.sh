#!/usr/bin/env bash
# Serves on loopback, scores the example runner through the service, says where to look, and stays until Ctrl-C.
#   PORT=8000        the port to serve on
#   JOINT_RISK_KEY   a key with the scope score, once the store has keys
#   RUN_ONCE=1       stop again after the score is printed
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-8000}
url=http://127.0.0.1:$port
joint_risk=.venv/bin/joint-risk

# Asked before serving: were somebody else listening, the questions below would reach them.
if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  echo "Port $port is taken. Choose another: PORT=$((port + 1)) make run" >&2
  exit 1
fi

# Nobody's requests have to be waited for here, so stopping need not wait either.
JOINT_RISK_DRAIN_S=0 "$joint_risk" serve --host 127.0.0.1 --port "$port" &
service=$!
stop() {
  kill -TERM "$service" 2>/dev/null || true
  wait "$service" || true
}
trap stop EXIT
trap 'exit 0' INT TERM

for ((attempt = 0; ; attempt++)); do
  "$joint_risk" health --url "$url" >/dev/null 2>&1 && break
  kill -0 "$service" 2>/dev/null || { echo "The service did not start; its reason stands above." >&2; exit 1; }
  [ "$attempt" -lt 60 ] || { echo "The service is up but not ready: see $url/readyz" >&2; exit 1; }
  sleep 0.2
done

# Whoever has made a key meets the same refusal as every caller, and may want the service all the same.
wants_a_key=10
scored=0
"$joint_risk" score examples/risky-runner.json --url "$url" || scored=$?
case $scored in
  0) ;;
  "$wants_a_key")
    cat >&2 <<'TEXT'
The store has keys, so every call needs one, and the example was not scored. To see it: JOINT_RISK_KEY=jrk_... make run
TEXT
    ;;
  *) exit "$scored" ;;
esac
cat <<TEXT

Joint-risk is running. Open:
  $url/docs                      try it, every field explained
  $url/v1/factors                every input the rules read
  $url/v1/rule-sets/active       the rules in force, with their sources
TEXT
[ -z "${RUN_ONCE:-}" ] || exit "$scored"
echo "Stop it with Ctrl-C."
wait "$service"
