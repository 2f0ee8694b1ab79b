//! The `leader-election` command: a node as a service, and the schema's migrations.

mod arguments;
mod env_file;
mod exit;
mod logging;
mod migrate;
mod node_id;
mod run;
mod signals;
mod summary;

use std::process::ExitCode;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    match run_command() {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

fn run_command() -> anyhow::Result<ExitCode> {
    env_file::load()?;
    let Arguments { command, run } = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            None => run::run(run).await,
            Some(Command::Run(run)) => run::run(run).await,
            Some(Command::Migrate(migrate)) => migrate::migrate(migrate).await,
        }
    });
    // A plain drop would wait for a host name that is still being resolved.
    runtime.shutdown_background();
    result
}
