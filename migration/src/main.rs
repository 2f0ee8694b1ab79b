//! The stock migration command line of SeaORM over the election's migrations:
//! `cargo run -p leader-election-migration --features cli -- up|down|status|fresh`.
//!
//! It wants `DATABASE_URL` (or `--database-url`) as a URL, and works in the schema that `DATABASE_SCHEMA` names, by
//! default `public`. `leader-election migrate` takes libpq's keyword strings too, follows the role's search path, and
//! reports every error in one line with an exit code.

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

/// Refuses a text that is no URL: SeaORM's own message would repeat it, password and all.
async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    if !SCHEMES.iter().any(|scheme| options.get_url().starts_with(scheme)) {
        return Err(DbErr::Conn(RuntimeErr::Internal(
            "DATABASE_URL must begin with postgres:// or sqlite: here; \
             `leader-election migrate up` also takes keyword strings (host=... user=...)"
                .to_owned(),
        )));
    }
    Database::connect(options).await
}
