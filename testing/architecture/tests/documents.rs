//! The tests and files that the documents name must exist.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The sources of all Rust files of the project.
fn sources() -> String {
    let files = WalkDir::new(root()).into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name == "target" || name.starts_with('.'))
    });
    files
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| fs::read_to_string(entry.path()).unwrap())
        .collect()
}

/// The texts between backquotes in the lines that begin like this.
fn quoted<'a>(document: &'a str, beginning: &str) -> Vec<&'a str> {
    let lines = document.lines().filter(|line| line.starts_with(beginning));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_test_and_file_that_holds_an_invariant_exists() {
    let document = fs::read_to_string(root().join("docs/SAFETY.md")).unwrap();
    let sources = sources();
    let names = quoted(&document, "| S");
    assert!(names.len() > 25, "the table of invariants has moved: {names:?}");
    for name in names {
        let there = match name.contains('/') {
            true => root().join(name).exists(),
            // Contracts become tests by a macro, so their functions have parameters.
            false => sources.contains(&format!("fn {name}(")) || name.contains("()"),
        };
        assert!(there, "docs/SAFETY.md names `{name}`, which does not exist");
    }
}

#[test]
fn every_invariant_has_a_test() {
    let document = fs::read_to_string(root().join("docs/SAFETY.md")).unwrap();
    let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| S")).collect();
    for (index, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("| S{} |", index + 1)), "numbered in order: {row}");
        let tests = row.split(" | ").nth(3).unwrap_or_default();
        assert!(tests.contains('`'), "no test: {row}");
    }
}
