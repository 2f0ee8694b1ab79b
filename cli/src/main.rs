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
    match started() {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

fn started() -> anyhow::Result<ExitCode> {
    env_file::load()?;
    let Arguments { command, run } = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            None => run::run(run).await,
            Some(Command::Run(run)) => run::run(run).await,
            Some(Command::Migrate(migrate)) => migrate::migrate(migrate).await,
        }
    });
    // A host name that is still being looked up would otherwise be waited for.
    runtime.shutdown_background();
    ended
}
