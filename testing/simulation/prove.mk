# A long run of the proof: `make prove SEEDS=10000 TIME=3600`, or of one scenario: `make prove SCENARIO=chaos`.
# SEEDS is how many of each scenario the rules alone are put through, RUNTIME_SEEDS how many the runtime is; TIME bounds
# each of the two, in seconds. SEQUENCES is how many are run against each real database.
SEEDS ?= 5000
RUNTIME_SEEDS ?= 1000
TIME ?= 1800
SCENARIO ?=
SEQUENCES ?= 2000

.PHONY: prove prove-store
prove: prove-store ## simulate at least 100,000 failovers and search a small configuration exhaustively
	cargo run --release --locked -p simulation -- prove --seeds $(SEEDS) --time $(TIME) $(if $(SCENARIO),--scenario $(SCENARIO))
	cargo run --release --locked -p simulation -- runtime --seeds $(RUNTIME_SEEDS) --time $(TIME) $(if $(SCENARIO),--scenario $(SCENARIO))
	cargo run --release --locked -p simulation -- exhaust --far

prove-store: postgres ## compare the SQL store with the model, on PostgreSQL and on SQLite
	STORE_SEQUENCES=$(SEQUENCES) cargo test --release --locked -p simulation --test store -- --nocapture
