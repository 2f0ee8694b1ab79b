.PHONY: demo demo-down demo-check

# The installed one of the two. `docker compose version` is fast, and runs only when a target uses this.
compose = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

demo: ## run three nodes and a PostgreSQL in containers; their log is in this terminal, and Ctrl-C stops them
	$(compose) up --build

demo-down: ## delete the demo's containers, network and database
	$(compose) down --volumes

demo-check: ## kill, stop and start the demo's nodes and check how they react; needs a Docker engine
	demo/check.sh
