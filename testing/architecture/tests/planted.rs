//! Checks the checks: planted violations are found, and allowed imports are not reported.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use architecture::{Ring, Sources, circles, outsiders, read, violations};

/// Writes these files and reads the package.
fn package(files: &[(&str, &str)]) -> Sources {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    read(dir.path(), "src/lib.rs").unwrap()
}

fn imports(sources: &Sources) -> Vec<String> {
    sources.imports.iter().map(ToString::to_string).collect()
}

#[test]
fn a_circle_of_two_files_is_found() {
    let sources = package(&[
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("src/b.rs", "pub struct B;\nfn f() {\n    let _ = super::a::A;\n}\n"),
    ]);
    let [circle] = &circles(&sources.imports)[..] else { panic!("{sources:?}") };
    let circle: Vec<String> = circle.iter().map(ToString::to_string).collect();
    assert_eq!(circle, ["src/a.rs -> src/b.rs (line 1)", "src/b.rs -> src/a.rs (line 3)"]);
}

#[test]
fn a_circle_through_a_third_file_is_found() {
    let sources = package(&[
        ("src/lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("src/a.rs", "use crate::b::B;\n"),
        ("src/b.rs", "use crate::c::{C, D};\npub struct B;\n"),
        ("src/c.rs", "pub struct C;\npub struct D(crate::a::A);\n"),
        ("src/d.rs", "use crate::a;\n"),
    ]);
    assert_eq!(circles(&sources.imports).len(), 1);
    assert_eq!(circles(&sources.imports)[0].len(), 3, "d imports one of them and is not in the circle");
}

#[test]
fn a_parent_and_a_child_that_takes_from_it_are_a_circle() {
    for taken in
        ["use super::Thing;", "use super::*;", "fn f(_: super::Thing) {}", "fn f() { g!(super::Thing); }"]
    {
        let sources = package(&[
            ("src/lib.rs", "mod parent;\n"),
            ("src/parent.rs", "mod child;\npub struct Thing;\n"),
            ("src/parent/child.rs", taken),
        ]);
        assert_eq!(circles(&sources.imports).len(), 1, "{taken}: {:?}", imports(&sources));
    }
}

#[test]
fn a_reexported_name_leads_to_its_definition() {
    let sources = package(&[
        ("src/lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
        ("src/a.rs", "pub use inner::A;\nmod inner;\n"),
        ("src/a/inner.rs", "pub struct A;\n"),
        ("src/b.rs", "use crate::A;\nfn f() { crate::a::A; }\n"),
    ]);
    assert!(imports(&sources).contains(&"src/b.rs -> src/a/inner.rs (line 1)".to_owned()), "{sources:?}");
    assert!(!sources.imports.iter().any(|import| import.from == "src/b.rs" && import.to == "src/a.rs"));
    assert!(circles(&sources.imports).is_empty());
}

#[test]
fn tests_visibilities_and_other_packages_are_no_imports() {
    let sources = package(&[
        ("src/lib.rs", "mod a;\nmod b;\n"),
        (
            "src/a.rs",
            "pub(crate) struct A;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n\
             #[cfg(test)]\nuse crate::b::B;\n#[cfg(all(test, unix))]\nfn f(_: crate::b::B) {}\n",
        ),
        ("src/b.rs", "pub struct B(crate::a::A);\nfn f() { std::mem::drop(1) }\n"),
    ]);
    assert!(circles(&sources.imports).is_empty(), "{sources:?}");
    assert_eq!(sources.foreign, [("src/b.rs".to_owned(), "std".to_owned(), 2)]);
}

#[test]
fn an_import_against_the_rings_is_found() {
    const RINGS: &[Ring] = &[
        Ring { name: "inner", files: &["src/inner.rs", "src/inner/"], may_know: &[] },
        Ring { name: "outer", files: &["src/lib.rs", "src/outer.rs"], may_know: &["inner"] },
    ];
    let sources = package(&[
        ("src/lib.rs", "mod inner;\nmod outer;\nmod new;\n"),
        ("src/inner.rs", "mod deep;\n"),
        ("src/inner/deep.rs", "pub fn f() {\n    crate::outer::g();\n}\n"),
        ("src/outer.rs", "use crate::inner;\npub fn g() {}\n"),
        ("src/new.rs", ""),
    ]);
    let found: Vec<String> = violations(&sources.imports, RINGS)
        .iter()
        .map(|(import, from, to)| format!("{import}: {from}, {to}"))
        .collect();
    assert_eq!(
        found,
        [
            "src/inner/deep.rs -> src/outer.rs (line 2): inner, outer",
            "src/lib.rs -> src/new.rs (line 3): outer, no ring"
        ]
    );
}

#[test]
fn a_package_used_by_an_unlisted_file_is_found() {
    let sources = package(&[
        ("src/lib.rs", "mod store;\nmod api;\n"),
        ("src/store.rs", "use sea_orm::DbErr;\n"),
        ("src/api.rs", "use std::fmt;\nuse sea_orm::{DbErr, sqlx::Error};\n"),
    ]);
    let found = outsiders(&sources, &[("sea_orm", &["src/store.rs"])]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "src/api.rs -> sea_orm (line 2)");
}
