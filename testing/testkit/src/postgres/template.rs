//! A template of the data directory: `initdb` takes seconds, copying its result does not.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::postgres::binaries::Binaries;

/// The password of the only user, `postgres`. It has a space, a quote, a slash and an at sign, and is in no other text,
/// so that tests find wrong quoting and leaks.
pub(crate) const PASSWORD: &str = "s3cret p@ss/w'rd";

/// Raise it when `create` changes.
const RECIPE: u32 = 1;

/// Who runs the server: the server refuses root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    switch: bool,
}

impl Account {
    /// This process's own user; for root, `postgres` if there is one, else `nobody`.
    pub(crate) fn choose() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            return Self { uid, gid: rustix::process::getegid().as_raw(), switch: false };
        }
        let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
                let mut numbers = line.split(':').skip(2).map(str::parse);
                Some(Self { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()?, switch: true })
            })
            .expect("root cannot run PostgreSQL, and there is neither a user `postgres` nor a user `nobody`")
    }

    /// A command that runs as this user, in the root directory: the user may have no access to the current one.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes this user the owner of a path, with these permissions.
    pub(crate) fn own(&self, path: &Path, mode: u32) {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).expect("root can change an owner");
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .expect("the owner can change permissions");
    }
}

/// Creates a data directory at `data`. The account owns its parent.
pub(crate) fn copy_to(data: &Path, binaries: &Binaries, account: &Account) {
    let cache = cache_dir();
    fs::create_dir_all(&cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    let version: String =
        binaries.version().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let template = cache.join(format!("{}-uid{}-recipe{RECIPE}", version.trim_end_matches('-'), account.uid));

    // One test binary creates the template, the others wait. The lock ends with the file, or with the process.
    let lock = fs::File::create(template.with_extension("lock")).expect("the template's lock file opens");
    lock.lock().expect("the template's lock file can be locked");
    if !template.exists() {
        create(data, binaries, account);
        // Renamed into place, so that it is complete or missing.
        let partial = template.with_extension("partial");
        let _ = fs::remove_dir_all(&partial);
        copy(data, &partial);
        fs::rename(&partial, &template).expect("a rename within one directory");
        return;
    }
    drop(lock);
    copy(&template, data);
}

fn create(data: &Path, binaries: &Binaries, account: &Account) {
    let password_file = data.with_extension("password");
    fs::write(&password_file, PASSWORD).expect("the server's directory can be written to");
    account.own(&password_file, 0o600);
    let mut initdb = account.command(&binaries.program("initdb"));
    initdb
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(["--no-sync", "--wal-segsize=1"]);
    if binaries.has_icu() {
        initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
    }
    let output = initdb.output().expect("initdb starts");
    assert!(output.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(&password_file).expect("a file that was just written can be removed");
}

/// Copies with `cp -a`, which keeps owner and permissions: the server checks them.
fn copy(from: &Path, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().expect("cp starts");
    assert!(output.status.success(), "cp failed:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The cache, in Cargo's target directory, so that `cargo clean` deletes it.
fn cache_dir() -> PathBuf {
    let executable = env::current_exe().expect("a process knows its executable");
    let target = executable.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    let target = match target {
        Some(dir) => dir.to_owned(),
        // A doc test's executable is elsewhere.
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    };
    target.join("testkit")
}
