//! The layers of the packages: no two files import each other, and no inner ring imports from an outer one.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use architecture::{Ring, Sources, circles, outsiders, read, violations};

/// The rings of the library, from the inside out. Add each new file to one of them.
const LIBRARY: &[Ring] = &[
    Ring { name: "clock", files: &["src/clock.rs", "src/backoff.rs"], may_know: &[] },
    Ring {
        name: "event",
        files: &["src/event.rs", "src/role.rs", "src/hook.rs", "src/json.rs"],
        may_know: &[],
    },
    Ring { name: "store", files: &["src/store.rs", "src/store/"], may_know: &["clock"] },
    Ring {
        name: "runtime",
        files: &["src/runtime.rs", "src/runtime/"],
        may_know: &["clock", "event", "store"],
    },
    Ring {
        name: "public API",
        files: &[
            "src/config.rs",
            "src/database_url.rs",
            "src/database_url/",
            "src/elector.rs",
            "src/elector/",
            "src/error.rs",
            "src/lib.rs",
            "src/raw_store.rs",
            "src/status.rs",
            "src/status/",
            "src/subscription.rs",
        ],
        may_know: &["clock", "event", "store", "runtime"],
    },
];

/// Packages that only these files of the library may use: the database's in the store, in the wake-up, and where a
/// caller passes a connection or an error.
const DATABASE: &[&str] = &[
    "src/store.rs",
    "src/store/",
    "src/runtime/wakeup.rs",
    "src/runtime/wakeup/",
    "src/database_url.rs",
    "src/elector.rs",
    "src/error.rs",
];
const INSIDERS: &[(&str, &[&str])] = &[
    ("sea_orm", DATABASE),
    ("sqlx", DATABASE),
    ("entity", &["src/store.rs", "src/store/"]),
    ("migration", &[]),
    ("clap", &[]),
];

/// Every package that must have no circles, by its root.
const PACKAGES: [&str; 7] = [
    "src/lib.rs",
    "protocol/src/lib.rs",
    "conninfo/src/lib.rs",
    "migration/src/lib.rs",
    "cli/src/main.rs",
    "testing/architecture/src/lib.rs",
    "testing/testkit/src/lib.rs",
];

fn sources(root: &str) -> Sources {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    read(&base, root).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn no_two_files_import_each_other() {
    let mut found = Vec::new();
    for root in PACKAGES {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(root).exists() {
            assert_eq!(root, "conninfo/src/lib.rs");
            continue;
        }
        let sources = sources(root);
        assert!(sources.imports.len() > 3, "{root}: only {} imports were found", sources.imports.len());
        for circle in circles(&sources.imports) {
            found.push(format!("a circle in {root}:"));
            found.extend(circle.iter().map(|import| format!("    {import}")));
        }
    }
    assert!(found.is_empty(), "files import each other:\n{}", found.join("\n"));
}

#[test]
fn no_inner_ring_imports_from_an_outer_one() {
    let found: Vec<String> = violations(&sources("src/lib.rs").imports, LIBRARY)
        .iter()
        .map(|(import, from, to)| format!("    {import}: {from} must not know {to}"))
        .collect();
    assert!(found.is_empty(), "{} imports against the rings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn only_the_listed_files_use_the_database() {
    let found: Vec<String> = outsiders(&sources("src/lib.rs"), INSIDERS)
        .iter()
        .map(|outsider| format!("    {outsider}"))
        .collect();
    assert!(found.is_empty(), "packages used in files that must not use them:\n{}", found.join("\n"));
}
