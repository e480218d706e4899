#!/usr/bin/env bash
# The MemOS API on this machine: any language, any HTTP client, the cloud's own JSON.
set -euo pipefail

port=${1:-8765}
base="http://127.0.0.1:$port/api/openmem/v1"
folder=$(mktemp -d)
python -m memos_integrations serve --path "$folder/memos.db" --port "$port" --api-key local-secret >"$folder/log" 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/health" >/dev/null && break; sleep 0.1; done

ask() { curl -sS "$base/$1" -H "Authorization: Token local-secret" -H "Content-Type: application/json" -d "$2"; echo; }

ask add/message '{"user_id": "ann", "conversation_id": "monday", "async_mode": false,
  "messages": [{"role": "user", "content": "I am vegetarian and I live in Lisbon."}]}'
ask search/memory '{"user_id": "ann", "query": "Where could I have dinner?"}'
ask extract/memory '{"messages": [{"role": "user", "content": "I prefer window seats on trains."}]}'
