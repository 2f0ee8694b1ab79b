//! `leader-election migrate`: the schema's migrations.

use std::process::ExitCode;

use leader_election::{Backend, Error};
use migration::Migrator;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{DbBackend, DbErr};

use crate::arguments::{Migrate, Step};
use crate::exit::BadInput;

pub(crate) async fn migrate(Migrate { database, step }: Migrate) -> anyhow::Result<ExitCode> {
    let (url, by_default) = database.url()?;
    if let Step::Sql = step {
        let backend = match url.backend() {
            Backend::Postgres => DbBackend::Postgres,
            Backend::Sqlite => DbBackend::Sqlite,
            other => return Err(BadInput(format!("there is no schema for {other}")).into()),
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
            Migrator::up(&db, None).await.map_err(failed("migrating up"))?;
            println!("the schema is up to date");
        }
        Step::Down { num } => {
            Migrator::down(&db, Some(num)).await.map_err(failed("migrating down"))?;
            println!("rolled back the latest migrations: {num}, or fewer if fewer were applied");
        }
        Step::Fresh => {
            Migrator::fresh(&db).await.map_err(failed("recreating the tables"))?;
            println!("the schema was dropped and created again");
        }
        Step::Status => {
            let steps = Migrator::get_migration_with_status_read_only(&db).await;
            for step in steps.map_err(failed("reading the migrations"))? {
                println!("{}  {}", step.status(), step.name());
            }
        }
        Step::Sql => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(step: &'static str) -> impl FnOnce(DbErr) -> Error {
    move |error| Error::database(step, &error)
}
