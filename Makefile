.PHONY: run test ci ci-full entity entity-check

# A node on a SQLite file in the working directory, or on DATABASE_URL.
run:
	cargo run

# Needs nothing but Rust: PostgreSQL's server programs are installed when they are not there.
test:
	testing/testkit/install-postgres.sh
	cargo test --workspace --all-features

ci:
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps --all-features
	$(MAKE) test

# The rows of the tables, from the migrated schema of a PostgreSQL of its own.
entity:
	testing/testkit/install-postgres.sh
	REGENERATE=1 cargo test -p leader-election-migration --test entities

entity-check:
	testing/testkit/install-postgres.sh
	cargo test -p leader-election-migration --test entities

include testing/simulation/prove.mk
# What `ci` leaves out because it takes containers or long.
ci-full: ci demo-check

include demo/demo.mk
