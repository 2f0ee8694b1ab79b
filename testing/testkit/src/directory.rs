//! Directories for the files of tests.

use std::path::PathBuf;

use tempfile::TempDir;

/// A directory for a few small files, deleted when it is dropped. It is in memory if the machine allows that: on a disk
/// that a build is writing to, commits may be too slow for a test.
///
/// # Panics
/// It cannot be created.
#[must_use]
pub fn directory() -> TempDir {
    create("testkit-", 32 << 20)
}

/// As [`directory`], for this many bytes.
pub(crate) fn create(prefix: &str, bytes: u64) -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let place = match rustix::fs::statvfs(&memory) {
        Ok(volume) if volume.f_bavail.saturating_mul(volume.f_frsize) >= bytes => memory,
        _ => std::env::temp_dir(),
    };
    tempfile::Builder::new().prefix(prefix).tempdir_in(place).expect("a temporary directory")
}
