//! `leader-election run`: a node as a service.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use leader_election::{DatabaseUrl, Elector, ElectorConfig, Error};
use tracing::{info, warn};

use crate::arguments::{LogFormat, Run};
use crate::signals::Signals;
use crate::{exit, logging, node_id, summary};

/// How often the same error is logged while the node waits for its database.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

/// How one registration of the node ended.
enum Ended {
    Stopped,
    /// The default id belongs to the current leader.
    IdTaken,
    Replaced(Error),
}

pub(crate) async fn run(run: Run) -> anyhow::Result<ExitCode> {
    let host = node_id::host_name();
    let config = run.config(run.node_id.as_deref().unwrap_or(&host));
    let (url, by_default) = run.database.url()?;
    // Bad settings are refused here, before the node waits for its database.
    Elector::connect_lazy(&url, config.clone())?;
    logging::start(run.log_format)?;
    match serve(&run, config, &url, by_default).await {
        Err(error) if run.log_format == LogFormat::Json => Ok(exit::log(&error)),
        result => result,
    }
}

async fn serve(
    run: &Run,
    mut config: ElectorConfig,
    url: &DatabaseUrl,
    by_default: bool,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let default_id = run.node_id.is_none();
    let host = config.node_id.clone();
    let ready = async {
        prepare(url, run.auto_migrate).await?;
        if default_id && node_id::is_taken(url, &config).await? {
            config.node_id = node_id::with_suffix(&host);
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ready = ready => ready?,
        (name, _) = signals.next() => {
            info!("{name}: stopping");
            return Ok(ExitCode::SUCCESS);
        }
    }
    summary::print(&config, url, by_default);
    loop {
        match take_part(url, &config, default_id, &mut signals).await? {
            Ended::Stopped => return Ok(ExitCode::SUCCESS),
            Ended::IdTaken => rename(&mut config, &host),
            // Two processes took the host's name as their id at the same moment.
            Ended::Replaced(_) if default_id => rename(&mut config, &host),
            Ended::Replaced(error) => return Err(error.into()),
        }
    }
}

fn rename(config: &mut ElectorConfig, host: &str) {
    let before = std::mem::replace(&mut config.node_id, node_id::with_suffix(host));
    info!(
        "another process has the node id {before}, and NODE_ID is not set: continuing as {}",
        config.node_id
    );
}

/// Waits for the database, then migrates the schema or checks that it is current.
async fn prepare(url: &DatabaseUrl, auto_migrate: bool) -> anyhow::Result<()> {
    let mut logged: Option<(String, Instant)> = None;
    let db = url
        .connect_with_retry(|error: &Error, _: Duration| {
            let error = exit::chain(error);
            if logged.as_ref().is_none_or(|(before, at)| *before != error || at.elapsed() >= REPEAT_AFTER) {
                warn!("{error}; retrying");
                logged = Some((error, Instant::now()));
            }
        })
        .await?;
    if auto_migrate {
        let migrated = migration::migrate(&db).await;
        migrated.map_err(|error| Error::database("creating the tables (AUTO_MIGRATE)", &error))?;
        return Ok(());
    }
    let current = migration::is_current(&db).await;
    if !current.map_err(|error| Error::database("reading the schema's version", &error))? {
        return Err(Error::SchemaMissing.into());
    }
    Ok(())
}

async fn take_part(
    url: &DatabaseUrl,
    config: &ElectorConfig,
    default_id: bool,
    signals: &mut Signals,
) -> anyhow::Result<Ended> {
    let elector = Elector::connect_lazy(url, config.clone())?;
    elector.start()?;
    let ended = tokio::select! {
        ended = elector.wait() => ended,
        () = node_id::belongs_to_the_leader(&elector), if default_id => {
            elector.stop().await?;
            return Ok(Ended::IdTaken);
        }
        (name, _) = signals.next() => {
            info!("{name}: leaving the election; a second signal ends this process at once");
            tokio::select! {
                ended = elector.stop() => ended,
                number = signals.again() => std::process::exit(128 + i32::from(number)),
            }
        }
    };
    match ended {
        // The node has stopped. The elector has logged that it could not deregister in time.
        Ok(()) | Err(Error::StopTimedOut) => Ok(Ended::Stopped),
        Err(error @ Error::Replaced { .. }) => Ok(Ended::Replaced(error)),
        Err(error) => Err(error.into()),
    }
}
