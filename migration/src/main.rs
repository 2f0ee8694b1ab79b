//! The stock migration command line of SeaORM over the election's migrations:
//! `cargo run -p leader-election-migration --features cli -- up|down|status|fresh`.
//!
//! `DATABASE_URL` (or `--database-url`) has to be a URL here. The tables are created in the schema that
//! `DATABASE_SCHEMA` names, by default `public`. `leader-election migrate` accepts libpq's keyword strings too, follows
//! the role's search path, and reports every error in one line with an exit code.

use leader_election_migration::Migrator;
use sea_orm_migration::cli::run_cli_with_connection;
use sea_orm_migration::sea_orm::ConnectOptions;
use sea_orm_migration::sea_orm::Database;
use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::sea_orm::DbErr;
use sea_orm_migration::sea_orm::RuntimeErr;

const SCHEMES: [&str; 3] = ["postgres:", "postgresql:", "sqlite:"];

#[tokio::main]
async fn main() {
    run_cli_with_connection(Migrator, connect).await;
}

/// Refuses a text that is not a URL: SeaORM's message would repeat it, with the password.
async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    if !SCHEMES.iter().any(|scheme| options.get_url().starts_with(scheme)) {
        return Err(DbErr::Conn(RuntimeErr::Internal(
            "DATABASE_URL must begin with postgres:// or sqlite: here; \
             `leader-election migrate up` also accepts keyword strings (host=... user=...)"
                .to_owned(),
        )));
    }
    Database::connect(options).await
}
