.PHONY: demo demo-down demo-check

# Whichever is installed. `docker compose version` is quick, and runs only where this is used.
compose = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# Three nodes and a PostgreSQL in containers, with their log in this terminal; Ctrl-C stops them.
demo:
	$(compose) up --build

# Takes the containers, the network and the database away.
demo-down:
	$(compose) down --volumes

# Kills, stops and starts the nodes, and checks what they make of it. Needs a Docker engine.
demo-check:
	demo/check.sh
