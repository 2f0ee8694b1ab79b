# The `leader-election` command in a small image.
#
#     docker build --tag leader-election .
#
# Needs no BuildKit: the classic builder does.

ARG RUST_VERSION=1.95

# What says which dependencies there are, and nothing else: the manifests, and an empty program in the place of every
# target, because a manifest may name them. The next stage's first build depends on this alone, so that a change in a
# source file does not build the dependencies again.
FROM rust:${RUST_VERSION}-slim-bookworm AS manifests
WORKDIR /source
COPY . .
RUN find . -type f ! -regex '\./\(\(testing/\)?[^/]+/\)?\(Cargo\.\(toml\|lock\)\|build\.rs\|src/\(lib\|main\)\.rs\|\(src/bin\|examples\|benches\|tests\)/[^/]+\(/main\)?\.rs\)' -delete \
 && find . -name '*.rs' -exec sh -c 'for file; do echo "fn main() { }" >"$file"; done' sh {} + \
 && find . -type d -empty -delete

FROM rust:${RUST_VERSION}-slim-bookworm AS build
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
WORKDIR /source
COPY --from=manifests /source .
RUN cargo build --release --locked --package leader-election-cli --bins
COPY . .
# The files are as old as the checkout, older than what was just built in their place: cargo goes by that.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
 && cargo build --release --locked --package leader-election-cli --bins

# The certificate authorities are compiled in, so that nothing is installed here.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin leader-election
COPY --from=build /source/target/release/leader-election /usr/local/bin/
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Without it every container would make a SQLite file of its own, and lead alone in it.
ENV REQUIRE_DATABASE_URL=true
# Run directly, not by a shell: SIGTERM has to reach the node.
ENTRYPOINT ["leader-election"]
