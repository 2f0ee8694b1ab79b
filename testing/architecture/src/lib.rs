//! Reads the imports of a package's sources. Finds files that import each other, and imports from an inner ring to an
//! outer one.
//!
//! An import is a `mod x;`, a `use` and any other path that leads to an item of another file of the package. A re-export
//! is followed to the file that defines the item. Code under `#[cfg(test)]` does not count.
//!
//! ```text
//! modules (files and what is in scope in each) ─> imports (paths, resolved) ─> circles, rings
//! ```

mod circles;
mod imports;
mod modules;
mod paths;
mod rings;

use std::fmt;
use std::path::Path;

pub use crate::circles::circles;
pub use crate::imports::{Import, Sources};
pub use crate::rings::{Outsider, Ring, outsiders, violations};

/// A file that could not be read or parsed.
#[derive(Debug)]
pub struct Unreadable {
    /// Which file, and why.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a package: its root file (`src/lib.rs` or `src/main.rs`, relative to `base`) and all modules below it.
///
/// # Errors
/// A file is missing or is not Rust.
pub fn read(base: &Path, root: &str) -> Result<Sources, Unreadable> {
    let modules = modules::Modules::read(base, root).map_err(|message| Unreadable { message })?;
    Ok(imports::find(&modules))
}
