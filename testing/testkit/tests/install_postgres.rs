//! The installer finds the server's programs, or installs them with the package manager.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A machine as the installer sees it: its tools, the packages' directory, their configuration.
struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        for dir in ["tools", "packages", "etc"] {
            fs::create_dir(machine.path(dir)).unwrap();
        }
        for tool in ["sh", "sort", "cp", "mv", "tee", "env", "id", "mkdir", "chmod", "cat"] {
            let real = ["/usr/bin", "/bin"]
                .map(|dir| Path::new(dir).join(tool))
                .into_iter()
                .find(|path| path.exists());
            std::os::unix::fs::symlink(real.unwrap(), machine.path("tools").join(tool)).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tool(&self, name: &str, script: &str) {
        script_at(&self.path("tools").join(name), script);
    }

    /// With an apt-get that records its arguments and the configuration it finds, and installs a server.
    fn with_apt(self) -> Self {
        let root = self.dir.path().display();
        self.tool("id", "echo 0");
        self.tool(
            "apt-get",
            &format!(
                r##"echo "$DEBIAN_FRONTEND $*" >>{root}/asked
                case "$*" in
                *postgresql-common) echo "#create_main_cluster = true" >{root}/etc/createcluster.conf ;;
                *" postgresql")
                    cat {root}/etc/createcluster.conf >{root}/conf-at-install
                    mkdir -p {root}/packages/15/bin
                    for p in postgres initdb psql; do echo >{root}/packages/15/bin/$p; chmod +x {root}/packages/15/bin/$p; done ;;
                esac"##
            ),
        );
        self
    }

    fn server_at(&self, dir: &str) {
        fs::create_dir_all(self.path(dir)).unwrap();
        for program in ["postgres", "initdb", "psql"] {
            script_at(&self.path(dir).join(program), "true");
        }
    }

    fn install(&self, environment: &[(&str, &Path)]) -> Output {
        Command::new("/bin/sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install-postgres.sh"))
            .env_clear()
            .env("PATH", self.path("tools"))
            .env("PG_SEARCH", self.path("packages/*/bin"))
            .env("PG_ETC", self.path("etc"))
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }
}

fn script_at(path: &Path, script: &str) {
    let _ = fs::remove_file(path);
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_newest_server_is_found_and_nothing_is_installed() {
    let machine = Machine::new().with_apt();
    machine.server_at("packages/9/bin");
    machine.server_at("packages/15/bin");
    let output = machine.install(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("packages/15/bin"), "{}", text(&output.stdout));
    assert!(!machine.path("asked").exists());
}

#[test]
fn a_server_in_the_path_or_in_pg_bin_is_found() {
    let machine = Machine::new();
    machine.server_at("tools");
    assert!(machine.install(&[]).status.success());

    let machine = Machine::new();
    machine.server_at("mine");
    assert!(machine.install(&[("PG_BIN", &machine.path("mine"))]).status.success());
    let wrong = machine.install(&[("PG_BIN", &machine.path("etc"))]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("PG_BIN"), "{}", text(&wrong.stderr));
}

#[test]
fn a_missing_server_is_installed_without_a_cluster() {
    let machine = Machine::new().with_apt();
    let output = machine.install(&[]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let asked = fs::read_to_string(machine.path("asked")).unwrap();
    let install = "noninteractive install --yes --no-install-recommends";
    assert_eq!(asked, format!(" update\n{install} postgresql-common\n{install} postgresql\n"));
    let conf = fs::read_to_string(machine.path("conf-at-install")).unwrap();
    assert!(conf.ends_with("create_main_cluster = false\n"), "{conf}");
    // The configuration of the machine's owner is restored.
    let after = fs::read_to_string(machine.path("etc/createcluster.conf")).unwrap();
    assert_eq!(after, "#create_main_cluster = true\n");
}

#[test]
fn without_a_way_to_install_it_names_what_is_missing() {
    let machine = Machine::new();
    let output = machine.install(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("postgres, initdb, psql"), "{}", text(&output.stderr));

    machine.tool("apt-get", "true");
    machine.tool("id", "echo 1000");
    let output = machine.install(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("needs root"), "{}", text(&output.stderr));
}

#[test]
fn an_installation_without_a_server_is_an_error() {
    let machine = Machine::new();
    machine.tool("id", "echo 0");
    machine.tool("apt-get", "true");
    let output = machine.install(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is installed, but"), "{}", text(&output.stderr));
}
