# A long run of the checks: `make prove SEEDS=10000 TIME=3600`, or one scenario: `make prove SCENARIO=chaos`.
# SEEDS is the number of runs of each scenario with the rules alone, RUNTIME_SEEDS with the driver. TIME limits each of the
# two, in seconds. SEQUENCES is the number of random sequences on each real database.
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
