//! The migration command line: `cargo run -p leader-election-migration -- up|down|status|fresh`.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use leader_election::{DatabaseUrl, Error};
use leader_election_migration::{Migrator, load_env_file};
use sea_orm_cli::MigrateSubcommands;
use sea_orm_migration::{cli::run_migrate, sea_orm::DatabaseConnection};

const DEFAULT_URL: &str = "sqlite://leader-election.db?mode=rwc";

/// Make, inspect and take away the election's tables. Nothing else in the database is touched.
#[derive(Parser)]
#[command(name = "migration", version)]
struct Arguments {
    /// Show what is sent to the database
    #[arg(short, long, global = true)]
    verbose: bool,

    /// postgres:// URL, libpq keyword/value string or sqlite: URL; also read from .env
    #[arg(short = 'u', long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    /// Refuse to use a file of one's own where DATABASE_URL is not set
    #[arg(
        long,
        global = true,
        env = "REQUIRE_DATABASE_URL",
        default_value_t = false,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    require_database_url: bool,

    #[command(subcommand)]
    command: Option<MigrateSubcommands>,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(message) = load_env_file() {
        return fail(BAD_INPUT, &message);
    }
    // What the stock command says of `fresh` is true of the stock migrator only.
    let command = Arguments::command().mut_subcommand("fresh", |fresh| {
        fresh.about("Drop the election's own tables, then reapply all migrations")
    });
    let arguments = Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let url = match arguments.database_url {
        Some(url) => url,
        None if arguments.require_database_url => {
            return fail(BAD_INPUT, "DATABASE_URL is not set: name the database all nodes share");
        }
        None => {
            eprintln!("DATABASE_URL is not set: using {DEFAULT_URL} in the working directory");
            DEFAULT_URL.to_owned()
        }
    };
    let db = match connect(&url).await {
        Ok(db) => db,
        Err((code, message)) => return fail(code, &message),
    };
    match run_migrate(Migrator, &db, arguments.command, arguments.verbose).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &error.to_string()),
    }
}

const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;
const UNAVAILABLE: u8 = 69;

fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("error: {}", message.lines().collect::<Vec<_>>().join(" "));
    ExitCode::from(code)
}

async fn connect(url: &str) -> Result<DatabaseConnection, (u8, String)> {
    let failed = |error: Error| {
        let code = if matches!(error, Error::InvalidDatabaseUrl(_)) { BAD_INPUT } else { UNAVAILABLE };
        (code, error.to_string())
    };
    let url = DatabaseUrl::with_libpq_defaults(url).map_err(failed)?;
    url.connect().await.map_err(failed)
}
