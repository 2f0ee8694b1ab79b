# `make help` lists the targets. The workflows in .github call only these targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# Builds use the committed Cargo.lock.
locked := --locked
all := --workspace --all-features $(locked)

# The library's feature sets. Every other target builds all features at once.
postgres_only := --no-default-features --features postgres
sqlite_only := --no-default-features --features sqlite

include testing/simulation/prove.mk
include demo/demo.mk

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: ci ci-full
ci: fmt-check lint doc test features ## what every change must pass
ci-full: ci deny package demo-check ## ci, plus the dependencies' licenses and advisories, the packages, and the demo in containers

.PHONY: fmt fmt-check lint doc
fmt: ## format the sources
	cargo fmt --all

fmt-check: ## check that the sources are formatted
	cargo fmt --all -- --check

lint: ## clippy, with warnings as errors
	cargo clippy $(all) --all-targets -- -D warnings

doc: export RUSTDOCFLAGS := -D warnings
doc: ## build the documentation of public and private items, with warnings as errors
	cargo doc $(all) --lib --no-deps
	cargo doc $(all) --lib --no-deps --document-private-items
	cargo doc -p leader-election-cli --bins --no-deps --document-private-items $(locked)

.PHONY: test postgres
test: postgres ## run all tests; PG_BIN is the directory of PostgreSQL's programs
	cargo test $(all)

postgres: ## install PostgreSQL's server programs if they are missing
	testing/testkit/install-postgres.sh

# The tests' dependencies have the same features in every set, so they are built once. Clippy checks the library alone,
# with the dependencies that a user of that set gets.
.PHONY: features
features: postgres ## lint and test the library with each set of features
	cargo clippy -p leader-election $(locked) -- -D warnings
	cargo clippy -p leader-election $(postgres_only) $(locked) -- -D warnings
	cargo clippy -p leader-election $(sqlite_only) $(locked) -- -D warnings
	cargo test -p leader-election $(locked) --lib
	cargo test -p leader-election $(postgres_only) $(locked) --lib --test election
	cargo test -p leader-election $(sqlite_only) $(locked) --lib --test election

.PHONY: entity entity-check
entity: postgres ## generate entity/ from the migrated schema
	REGENERATE=1 cargo test -p leader-election-migration --test entities $(locked)

entity-check: postgres ## compare entity/ with the migrated schema
	cargo test -p leader-election-migration --test entities $(locked)

.PHONY: deny package msrv
deny: ## check the dependencies' licenses, advisories and sources (installs cargo-deny if it is missing)
	command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
	cargo deny --locked check

package: ## build every publishable package as it would be published
	cargo package --workspace --exclude testkit --exclude simulation --exclude architecture --exclude workspace-hack --allow-dirty $(locked)

msrv: ## check that the oldest supported Rust builds everything
	cargo +$$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) check $(all)
