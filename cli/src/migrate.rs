//! `leader-election migrate`: the schema.

use std::process::ExitCode;

use anyhow::Context;
use leader_election::Backend;
use migration::Migrator;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::DbBackend;

use crate::arguments::{Migrate, Step};

pub(crate) async fn migrate(Migrate { database, step }: Migrate) -> anyhow::Result<ExitCode> {
    let (url, by_default) = database.url()?;
    if let Step::Sql = step {
        let backend = match url.backend() {
            Backend::Sqlite => DbBackend::Sqlite,
            _ => DbBackend::Postgres,
        };
        print!("{}", migration::sql(backend));
        return Ok(ExitCode::SUCCESS);
    }
    if by_default {
        eprintln!("DATABASE_URL is not set: using {url}");
    }
    let db = url.connect().await?;
    match step {
        Step::Up => {
            Migrator::up(&db, None).await.context("migrating up")?;
            println!("the schema is up to date");
        }
        Step::Down { num } => {
            Migrator::down(&db, Some(num)).await.context("migrating down")?;
            println!("took back the newest steps: {num}, or as many as there were");
        }
        Step::Fresh => {
            Migrator::fresh(&db).await.context("making the schema anew")?;
            println!("made the schema anew");
        }
        Step::Status => {
            for step in
                Migrator::get_migration_with_status_read_only(&db).await.context("reading the steps")?
            {
                println!("{}  {}", step.status(), step.name());
            }
        }
        Step::Sql => {}
    }
    Ok(ExitCode::SUCCESS)
}
