//! Directories for the files of tests.

use std::path::PathBuf;

use tempfile::TempDir;

/// A directory for a few small files, deleted when it is dropped. In memory where the machine has that: how long a
/// commit takes on its disk, on which a build may just be writing, is no test's business.
///
/// # Panics
/// It cannot be made.
#[must_use]
pub fn directory() -> TempDir {
    make("testkit-", 32 << 20)
}

/// The same for files of so many bytes.
pub(crate) fn make(prefix: &str, bytes: u64) -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let place = match rustix::fs::statvfs(&memory) {
        Ok(volume) if volume.f_bavail.saturating_mul(volume.f_frsize) >= bytes => memory,
        _ => std::env::temp_dir(),
    };
    tempfile::Builder::new().prefix(prefix).tempdir_in(place).expect("a temporary directory")
}
