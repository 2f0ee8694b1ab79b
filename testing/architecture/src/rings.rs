//! Rings: which part of a package may import from which.

use std::fmt;

use crate::imports::{Import, Sources};

/// A part of a package.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// Its name in the table and in messages.
    pub name: &'static str,
    /// Its files. A name that ends in `/` is a folder. A file belongs to the first ring that lists it.
    pub files: &'static [&'static str],
    /// The rings that its files may import from, besides its own.
    pub may_know: &'static [&'static str],
}

/// A use of a package by a file that must not use it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outsider {
    /// The file.
    pub file: String,
    /// The package, as the code names it.
    pub package: String,
    /// The line; the first of several.
    pub line: usize,
}

impl fmt::Display for Outsider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} (line {})", self.file, self.package, self.line)
    }
}

/// The imports that the rings forbid, each with the names of the two rings. Every import from or to a file that no
/// ring lists is forbidden, so that each new file has to be added to a ring.
#[must_use]
pub fn violations(imports: &[Import], rings: &[Ring]) -> Vec<(Import, &'static str, &'static str)> {
    const NONE: Ring = Ring { name: "no ring", files: &[], may_know: &[] };
    let ring_of = |file: &str| rings.iter().find(|ring| lists(ring.files, file)).copied().unwrap_or(NONE);
    let forbidden = imports.iter().filter_map(|import| {
        let (from, to) = (ring_of(&import.from), ring_of(&import.to));
        let allowed = from.name != NONE.name && (from.name == to.name || from.may_know.contains(&to.name));
        (!allowed).then(|| (import.clone(), from.name, to.name))
    });
    forbidden.collect()
}

/// The uses of these packages by files that are not listed for them.
#[must_use]
pub fn outsiders(sources: &Sources, insiders: &[(&str, &[&str])]) -> Vec<Outsider> {
    let found = sources.foreign.iter().filter(|(file, package, _)| {
        insiders.iter().any(|(name, files)| name == package && !lists(files, file))
    });
    found
        .map(|(file, package, line)| Outsider { file: file.clone(), package: package.clone(), line: *line })
        .collect()
}

fn lists(files: &[&str], file: &str) -> bool {
    files.iter().any(|listed| if listed.ends_with('/') { file.starts_with(listed) } else { file == *listed })
}
