# The `leader-election` command in a small image.
#
#     docker build --tag leader-election .
#
# BuildKit is not needed: the classic builder works too.

ARG RUST_VERSION=1.95

# The manifests, and an empty program in place of every target that a manifest may name. The next stage's first build
# depends on this stage alone, so that a change in a source file does not rebuild the dependencies.
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
# Cargo compares times: the sources are older than the empty programs that were just built in their place.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
 && cargo build --release --locked --package leader-election-cli --bins

# The certificate authorities are compiled in, so nothing is installed here.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin leader-election
COPY --from=build /source/target/release/leader-election /usr/local/bin/
# As a number, an orchestrator can check that it is not root.
USER 10001:10001
# Without it every container would create its own SQLite file, and lead alone in it.
ENV REQUIRE_DATABASE_URL=true
# Run directly and not by a shell, so that SIGTERM reaches the node.
ENTRYPOINT ["leader-election"]
