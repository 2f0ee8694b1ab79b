//! Flags over environment over `.env` over defaults.

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use leader_election::{DatabaseUrl, ElectorConfig};

use crate::exit::{self, BadInput};

/// Where no other is given: a database for one machine only.
const DEFAULT_DATABASE_URL: &str = "sqlite:./leader-election.db";

/// One leader among your processes, by the SQL database you already run.
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
    /// Run a node until it is told to stop
    #[command(after_help = exit::HELP)]
    Run(Run),
    /// Make, inspect and take away the election's tables
    Migrate(Migrate),
}

#[derive(Args)]
pub(crate) struct Run {
    /// This node's id, its own among the election's nodes [default: the host name]
    #[arg(long, env = "NODE_ID", value_name = "ID")]
    pub(crate) node_id: Option<String>,

    #[command(flatten)]
    pub(crate) database: Database,

    /// The highest leads; ties go to the lower id
    #[arg(long, env = "NODE_PRIORITY", default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    priority: i32,

    /// The thing being led; one database serves any number of elections
    #[arg(long, env = "ELECTION", default_value = "default", value_name = "NAME")]
    election: String,

    /// Where clients reach this node, for others to read
    #[arg(long, env = "NODE_ADDRESS", value_name = "ADDRESS")]
    address: Option<String>,

    /// How often every node writes a heartbeat
    #[arg(long, env = "HEARTBEAT_INTERVAL", default_value = "5s", value_name = "DURATION", value_parser = duration)]
    heartbeat_interval: Duration,

    /// Within which a crashed leader is replaced; at least 3 x the heartbeat interval
    #[arg(long, env = "ELECTION_TIMEOUT", default_value = "15s", value_name = "DURATION", value_parser = duration)]
    election_timeout: Duration,

    /// After twice this without a heartbeat a node's row is deleted; at least 2 x the election timeout
    #[arg(long, env = "NODE_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = duration)]
    node_timeout: Duration,

    /// Make or update the tables at the start
    #[arg(
        long,
        env = "AUTO_MIGRATE",
        default_value_t = true,
        value_name = "BOOL",
        action = clap::ArgAction::Set
    )]
    pub(crate) auto_migrate: bool,

    /// How the log is written (what is logged: RUST_LOG, e.g. RUST_LOG=debug)
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Args)]
pub(crate) struct Database {
    /// postgres:// URL, libpq keywords (host=... user=... dbname=...) or sqlite: URL
    /// [default: the file leader-election.db in the working directory]
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,

    /// Refuse to start without a DATABASE_URL, rather than use a file of one's own
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
    /// Apply what is not applied yet
    Up,
    /// Take back the newest steps
    Down {
        /// How many
        #[arg(short = 'n', long, default_value_t = 1)]
        num: u32,
    },
    /// List the steps, applied or not
    Status,
    /// Drop the election's own tables and make them again
    Fresh,
    /// Print the schema as plain SQL, for the kind of database DATABASE_URL names; connects to nothing
    Sql,
}

impl Run {
    /// The node's settings, under this id.
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
    /// Which database; and whether that is for want of an answer.
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

/// Parses the command line. What is wrong with it is told in one line.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // To a pipe that was closed there is nothing to say.
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

/// Names a flag's variable too: it may be there that the mistake is.
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
