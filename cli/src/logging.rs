//! The log on standard error, as text or as JSON.

use std::fmt;
use std::io::IsTerminal;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::arguments::LogFormat;
use crate::exit::BadInput;

/// What is logged when RUST_LOG is not set: changes of role, and everything that needs attention.
const DEFAULT: &str = "warn,leader_election=info";

/// Fields that the message of a text line already contains.
const IN_MESSAGE: [&str; 7] = ["election", "event", "node_id", "term", "leader", "priority", "reason"];

pub(crate) fn start(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => {
            EnvFilter::try_new(&filter).map_err(|error| BadInput(format!("RUST_LOG: {error}")))?
        }
        _ => EnvFilter::new(DEFAULT),
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match format {
        LogFormat::Text => log.with_target(false).fmt_fields(TextFields).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Formats a text line: leaves out the fields that the message contains.
struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| match field.name() {
            "message" => write!(writer, "{value:?}"),
            name if IN_MESSAGE.contains(&name) => Ok(()),
            name => write!(writer, " {name}={value:?}"),
        })
        .format_fields(writer, fields)
    }
}
