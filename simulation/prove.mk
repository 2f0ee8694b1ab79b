# A long run of the proof: `make prove SEEDS=10000 TIME=3600`, or of one campaign: `make prove CAMPAIGN=chaos`.
SEEDS ?= 1200
TIME ?= 1800
CAMPAIGN ?=

.PHONY: prove
prove: ## simulate at least 100,000 failovers and search a small configuration exhaustively
	cargo run --release -p simulation -- prove --seeds $(SEEDS) --time $(TIME) $(if $(CAMPAIGN),--campaign $(CAMPAIGN))
	cargo run --release -p simulation -- exhaust --far
