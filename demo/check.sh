#!/usr/bin/env bash
# Runs the three-node demo in its own compose project, kills, stops and starts nodes, and checks how they react. Leaves
# only the image behind. POSTGRES_TAG and RUST_VERSION are those of docker-compose.yml.
set -euo pipefail
cd "$(dirname "$0")/.."

project=leader-election-check-$$
image=leader-election
heartbeat=5 timeout=15 # the defaults of H and T, in seconds

if docker compose version >/dev/null 2>&1; then
    compose=(docker compose --project-name "$project")
else
    compose=(docker-compose --project-name "$project")
fi

log=$(mktemp)

clean_up() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ "$status" -ne 0 ]; then
        echo "--- the nodes' logs"
        "${compose[@]}" logs --no-color --timestamps 2>&1 | tail -n 200 || true
    fi
    "${compose[@]}" down --volumes --remove-orphans --timeout 10 >"$log" 2>&1 || cat "$log"
    rm -f "$log"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

passed() {
    printf 'ok: %s\n' "$*"
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

container() {
    "${compose[@]}" ps --quiet "$1" 2>>"$log"
}

# Waits until a line of a container's log matches, and prints it. Reads the log from a moment on, for at most so long.
wait_for_line() {
    local container=$1 pattern=$2 since=$3 limit_ms=$4 line
    local deadline=$(($(now_ms) + limit_ms))
    while true; do
        line=$(docker logs --since "$since" "$container" 2>&1 | grep -E -m 1 -- "$pattern" || true)
        if [ -n "$line" ]; then
            echo "$line"
            return
        fi
        [ "$(now_ms)" -lt "$deadline" ] || fail "no line like '$pattern' within $limit_ms ms"
        sleep 0.05
    done
}

timestamp() {
    date --utc +%Y-%m-%dT%H:%M:%S.%NZ
}

# The milliseconds from a moment to the timestamp of a log line.
between_ms() {
    echo $((($(date --date "${2%% *}" +%s%N) - $(date --date "$1" +%s%N)) / 1000000))
}

# Runs SQL and prints the result.
database() {
    "${compose[@]}" exec -T postgres \
        psql --username=postgres --dbname=leaderelection --no-psqlrc --quiet --tuples-only --no-align --command "$1"
}

leader_in_database() {
    database "SELECT string_agg(id || ' ' || term, ',') FROM node_records WHERE status = 'leader'"
}

expect() {
    [ "$2" = "$3" ] || fail "$1: expected '$3', found '$2'"
}

echo "--- building and starting"
"${compose[@]}" up --build --detach >"$log" 2>&1 || {
    cat "$log"
    fail "the demo does not start"
}
node1=$(container node1) node2=$(container node2) node3=$(container node3)

line=$(wait_for_line "$node1" 'node-1 leads \(term' "1970-01-01T00:00:00Z" 20000)
term=$(sed -E 's/.*\(term ([0-9]+)\).*/\1/' <<<"$line")
wait_for_line "$node2" 'follows node-1' "1970-01-01T00:00:00Z" 20000 >/dev/null
wait_for_line "$node3" 'follows node-1' "1970-01-01T00:00:00Z" 20000 >/dev/null
expect "the leader in the database" "$(leader_in_database)" "node-1 $term"
passed "node-1 leads term $term, node-2 and node-3 follow"

echo "--- the image"
expect "the user in the container" "$(docker exec "$node1" id -u)" "10001"
expect "process 1" "$(docker exec "$node1" cat /proc/1/comm)" "leader-election"
size=$(docker image inspect --format '{{.Size}}' "$image")
base=$(docker image inspect --format '{{.Size}}' debian:bookworm-slim 2>>"$log" || echo 0)
passed "process 1 is the node, user 10001; image of $((size / 1000000)) MB, $(((size - base) / 1000000)) MB of it above the base image"

status=0
output=$(docker run --rm --network none "$image" 2>&1) || status=$?
expect "the exit code without DATABASE_URL" "$status" 2
expect "the number of lines without DATABASE_URL" "$(wc -l <<<"$output")" 1
passed "without DATABASE_URL, exit code 2: $output"

echo "--- docker kill node-1"
start=$(timestamp)
docker kill "$node1" >/dev/null
line=$(wait_for_line "$node2" 'node-2 leads \(term' "$start" $((timeout * 1000 + 2000)))
took=$(between_ms "$start" "$line")
[ "$took" -le $((timeout * 1000)) ] || fail "node-2 led after $took ms, later than $timeout s"
# The last renewal was at most H (and a moment) ago.
[ "$took" -ge $(((timeout - 2 * heartbeat) * 1000 - 500)) ] || fail "node-2 led after $took ms, before the lease can have run out"
wait_for_line "$node3" 'follows node-2' "$start" 5000 >/dev/null
expect "the leader in the database" "$(leader_in_database)" "node-2 $((term + 1))"
passed "node-2 leads term $((term + 1)), $took ms after the kill"

echo "--- docker stop node-2"
start=$(timestamp)
docker stop "$node2" >/dev/null
line=$(wait_for_line "$node3" 'node-3 leads \(term' "$start" 5000)
took=$(between_ms "$start" "$line")
[ "$took" -le 1000 ] || fail "node-3 led after $took ms, later than 1 s"
expect "the exit code after SIGTERM" "$(docker inspect --format '{{.State.ExitCode}}' "$node2")" 0
expect "the leader in the database" "$(leader_in_database)" "node-3 $((term + 2))"
expect "rows of node-2" "$(database "SELECT count(*) FROM node_records WHERE id = 'node-2'")" 0
passed "node-3 leads term $((term + 2)), $took ms after the signal; node-2 ended with exit code 0 and left no row"

echo "--- docker start node-1"
start=$(timestamp)
docker start "$node1" >/dev/null
wait_for_line "$node1" 'follows node-3' "$start" 10000 >/dev/null
# It ranks highest, but a sitting leader is not displaced: after two more renewals node-3 still leads.
seq="SELECT heartbeat_seq FROM node_records WHERE id = 'node-3'"
last_seq=$(($(database "$seq") + 2)) deadline=$(($(now_ms) + 4 * heartbeat * 1000))
while [ "$(database "$seq")" -lt "$last_seq" ]; do
    [ "$(now_ms)" -lt "$deadline" ] || fail "node-3 stopped renewing"
    sleep 0.5
done
expect "the leader in the database" "$(leader_in_database)" "node-3 $((term + 2))"
passed "node-1 is back as a follower of node-3"

echo "--- the nodes' logs"
"${compose[@]}" logs --no-color node1 node2 node3 2>>"$log" | sed -E 's/^Attaching to .*//' | grep . || true
echo "passed"
