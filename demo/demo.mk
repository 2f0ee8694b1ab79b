.PHONY: demo demo-down demo-check

# Whichever is installed. `docker compose version` is quick, and runs only where this is used.
compose = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

demo: ## run three nodes and a PostgreSQL in containers, with their log in this terminal; Ctrl-C stops them
	$(compose) up --build

demo-down: ## delete the demo's containers, network and database
	$(compose) down --volumes

demo-check: ## kill, stop and start the demo's nodes, and check what they do; needs a Docker engine
	demo/check.sh
