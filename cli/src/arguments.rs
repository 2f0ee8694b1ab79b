//! The command line. A flag wins over the environment, the environment over `.env`, and that over the default.

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use leader_election::{DatabaseUrl, ElectorConfig};

use crate::exit::{self, BadInput};

/// The database when none is given: a file, which serves one machine only.
const DEFAULT_DATABASE_URL: &str = "sqlite:./leader-election.db";

/// Elects one leader among your processes, with the SQL database you already run.
///
/// Without a command it runs a node.
#[derive(Parser)]
#[command(name = "leader-election", version, args_conflicts_with_subcommands = true, after_help = exit::HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a node until a signal stops it
    #[command(after_help = exit::HELP)]
    Run(Run),
    /// Create, inspect or drop the election's tables
    Migrate(Migrate),
}

#[derive(Args)]
pub(crate) struct Run {
    /// Unique id of this node [default: the host name]
    #[arg(long, env = "NODE_ID", value_name = "ID")]
    pub(crate) node_id: Option<String>,

    #[command(flatten)]
    pub(crate) database: Database,

    /// The node with the highest priority leads; ties go to the lower id
    #[arg(long, env = "NODE_PRIORITY", default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    priority: i32,

    /// Election name; one database serves any number of elections
    #[arg(long, env = "ELECTION", default_value = "default", value_name = "NAME")]
    election: String,

    /// Advertised address, for others to read
    #[arg(long, env = "NODE_ADDRESS", value_name = "ADDRESS")]
    address: Option<String>,

    /// How often every node writes a heartbeat
    #[arg(long, env = "HEARTBEAT_INTERVAL", default_value = "5s", value_name = "DURATION", value_parser = duration)]
    heartbeat_interval: Duration,

    /// A crashed leader is replaced within this time; at least 3 x the heartbeat interval
    #[arg(long, env = "ELECTION_TIMEOUT", default_value = "15s", value_name = "DURATION", value_parser = duration)]
    election_timeout: Duration,

    /// A node's row is deleted after twice this time without a heartbeat; at least 2 x the election timeout
    #[arg(long, env = "NODE_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = duration)]
    node_timeout: Duration,

    /// Create or update the tables at the start
    #[arg(
        long,
        env = "AUTO_MIGRATE",
        default_value_t = true,
        value_name = "BOOL",
        action = clap::ArgAction::Set
    )]
    pub(crate) auto_migrate: bool,

    /// Log format (RUST_LOG chooses what is logged, for example RUST_LOG=debug)
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Args)]
pub(crate) struct Database {
    /// postgres:// URL, libpq keywords (host=... user=... dbname=...) or sqlite: URL
    /// [default: the file leader-election.db in the working directory]
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,

    /// Refuse to start without a DATABASE_URL, instead of falling back to a local SQLite file
    #[arg(
        long,
        env = "REQUIRE_DATABASE_URL",
        default_value_t = false,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    require_database_url: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) database: Database,

    #[command(subcommand)]
    pub(crate) step: Step,
}

#[derive(Subcommand)]
pub(crate) enum Step {
    /// Apply the migrations that are not applied yet
    Up,
    /// Roll back the latest migrations
    Down {
        /// How many to roll back
        #[arg(short = 'n', long, default_value_t = 1)]
        num: u32,
    },
    /// List the migrations, applied and pending
    Status,
    /// Drop the election's tables and create them again
    Fresh,
    /// Print the schema as plain SQL, for the kind of database that DATABASE_URL names; connects to nothing
    Sql,
}

impl Run {
    /// The settings of a node with this id.
    pub(crate) fn config(&self, node_id: &str) -> ElectorConfig {
        let mut config = ElectorConfig::new(node_id);
        config.election.clone_from(&self.election);
        config.priority = self.priority;
        config.address.clone_from(&self.address);
        config.heartbeat_interval = self.heartbeat_interval;
        config.election_timeout = self.election_timeout;
        config.node_timeout = self.node_timeout;
        config
    }
}

impl Database {
    /// The database, and whether it is the default.
    pub(crate) fn url(&self) -> anyhow::Result<(DatabaseUrl, bool)> {
        match &self.url {
            Some(url) => Ok((DatabaseUrl::with_libpq_defaults(url)?, false)),
            None if self.require_database_url => Err(BadInput(
                "DATABASE_URL is not set: name the database all nodes share, for example \
                 postgres://user:password@host/database"
                    .to_owned(),
            )
            .into()),
            None => Ok((DEFAULT_DATABASE_URL.parse()?, true)),
        }
    }
}

/// Parses the command line. A mistake is reported in one line.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing can be written to a closed pipe.
            drop(error.print());
            ExitCode::from(if error.use_stderr() { 2 } else { 0 })
        }
        _ => {
            let text = error.render().to_string();
            let lines = text.lines().map(str::trim);
            let lines = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
            let line: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
            eprintln!("{} (see --help)", with_variables(line.join("; ").replace(":;", ":")));
            ExitCode::from(2)
        }
    })
}

/// Names the variable beside its flag: the mistake may be in the variable.
fn with_variables(line: String) -> String {
    let command = Arguments::command();
    let flags = command.get_arguments().filter_map(|flag| {
        let variable = flag.get_env()?.to_string_lossy();
        Some((format!("'--{} <{}>'", flag.get_long()?, flag.get_value_names()?.first()?), variable))
    });
    flags.fold(line, |line, (flag, variable)| line.replace(&flag, &format!("{flag} ({variable})")))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|_| "write a number and its unit, for example 5s, 500ms or 1m".to_owned())
}
