//! The entities are what `sea-orm-cli generate entity` writes from the migrated PostgreSQL schema.
//! `make entity` generates them again.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use sea_orm_cli::{Cli, Commands, run_generate_command};
use sea_orm_migration::sea_orm::Database;
use testkit::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_what_the_generator_writes() {
    let database = Postgres::shared().database("entities");
    let db = Database::connect(database.url()).await.unwrap();
    leader_election_migration::migrate(&db).await.unwrap();
    db.close().await.unwrap();

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let entities = root.join("entity/src");
    let generated = tempfile::tempdir().unwrap();
    generate(&database.url(), generated.path()).await;
    format(generated.path(), &root.join("rustfmt.toml"));

    let generated = sources(generated.path());
    if env::var_os("REGENERATE").is_some() {
        for name in sources(&entities).keys() {
            fs::remove_file(entities.join(name)).unwrap();
        }
        for (name, text) in generated {
            fs::write(entities.join(name), text).unwrap();
        }
        return;
    }
    let present = sources(&entities);
    assert_eq!(present.keys().collect::<Vec<_>>(), generated.keys().collect::<Vec<_>>());
    for (name, text) in generated {
        assert!(
            present[&name] == text,
            "entity/src/{name} is not what the generator writes (run `make entity`). It writes:\n{text}"
        );
    }
}

async fn generate(url: &str, dir: &Path) {
    let tables = "node_records,election_terms";
    let arguments = [
        "sea-orm-cli",
        "generate",
        "entity",
        "--lib",
        "--with-copy-enums",
        "--tables",
        tables,
        "--database-url",
        url,
    ];
    let arguments = arguments.into_iter().chain(["--output-dir", dir.to_str().unwrap()]);
    let Commands::Generate { command } = Cli::parse_from(arguments).command else {
        unreachable!("`generate` is what was asked for")
    };
    run_generate_command(command, false).await.unwrap();
}

/// Formats as `cargo fmt` does, whatever the working directory.
fn format(dir: &Path, config: &Path) {
    let files = sources(dir).into_keys().map(|name| dir.join(name));
    let status = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(config)
        .args(files)
        .status()
        .unwrap();
    assert!(status.success());
}

fn sources(dir: &Path) -> BTreeMap<String, String> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}
