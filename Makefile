# `make help` lists the targets. The workflows in .github call these and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The lock file is the one that is committed.
locked := --locked
all := --workspace --all-features $(locked)

# What the library can be built with. All features at once is what every other target builds.
postgres_only := --no-default-features --features postgres
sqlite_only := --no-default-features --features sqlite

include testing/simulation/prove.mk
include demo/demo.mk

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: ci ci-full
ci: fmt-check lint doc test features ## what every change must pass; needs Rust alone
ci-full: ci deny package demo-check ## ci, the dependencies' licenses and advisories, the packages, the demo in containers

.PHONY: fmt fmt-check lint doc
fmt: ## format the sources
	cargo fmt --all

fmt-check: ## check that the sources are formatted
	cargo fmt --all -- --check

lint: ## clippy, with warnings as errors
	cargo clippy $(all) --all-targets -- -D warnings

doc: export RUSTDOCFLAGS := -D warnings
doc: ## build the documentation of public and of private items, with warnings as errors
	cargo doc $(all) --lib --no-deps
	cargo doc $(all) --lib --no-deps --document-private-items
	cargo doc -p leader-election-cli --bins --no-deps --document-private-items $(locked)

.PHONY: test postgres
test: postgres ## run all tests; PG_BIN chooses the PostgreSQL
	cargo test $(all)

postgres: ## install PostgreSQL's server programs where they are missing
	testing/testkit/install-postgres.sh

# The dependencies of the library's tests have the same features in every set, and the same as above, so they are built
# once. Clippy looks at the library alone, with the dependencies that a user of that set gets.
.PHONY: features
features: postgres ## lint and test the library with each set of features that ships
	cargo clippy -p leader-election $(locked) -- -D warnings
	cargo clippy -p leader-election $(postgres_only) $(locked) -- -D warnings
	cargo clippy -p leader-election $(sqlite_only) $(locked) -- -D warnings
	cargo test -p leader-election $(locked) --lib
	cargo test -p leader-election $(postgres_only) $(locked) --lib --test election
	cargo test -p leader-election $(sqlite_only) $(locked) --lib --test election

.PHONY: entity entity-check
entity: postgres ## write entity/ from the migrated schema
	REGENERATE=1 cargo test -p leader-election-migration --test entities $(locked)

entity-check: postgres ## compare entity/ with the migrated schema
	cargo test -p leader-election-migration --test entities $(locked)

.PHONY: deny package msrv
deny: ## check the dependencies' licenses, advisories and sources (installs cargo-deny where it is missing)
	command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
	cargo deny --locked check

package: ## build every package that can be published as it would be
	cargo package --workspace --exclude testkit --exclude simulation --exclude architecture --exclude workspace-hack --allow-dirty $(locked)

msrv: ## check that the oldest supported Rust still builds everything
	cargo +$$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) check $(all)
