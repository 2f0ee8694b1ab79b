use super::*;

#[cfg(feature = "postgres")]
#[test]
fn unsupported_settings_are_refused_when_the_string_is_parsed() {
    for (text, expected) in [
        ("host=db sslmode=allow", "keyword `sslmode` `allow` cannot be honoured"),
        ("host=db service=x", "keyword `service` cannot be honoured"),
        ("postgres://a,b/db", "several hosts"),
        ("mysql://db", "`mysql://` is not supported"),
        ("", "it is empty"),
    ] {
        let Err(Error::InvalidDatabaseUrl(said)) = text.parse::<DatabaseUrl>() else {
            panic!("accepted: {text}")
        };
        assert!(said.contains(expected), "{said}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn neither_display_nor_debug_shows_the_password() {
    let url: DatabaseUrl = "host=db user=me password=s3cret dbname=shop".parse().unwrap();
    for shown in [url.to_string(), format!("{url:?}"), format!("{:?}", url.spec("x").unwrap())] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn parsing_alone_reads_nothing_of_the_process() {
    let url: DatabaseUrl = "postgres://".parse().unwrap();
    assert_eq!(url.to_string(), "postgres://:5432");
    let environment = Environment::empty().with_variables([("PGHOST", "db")]).with_user("os");
    let url = DatabaseUrl::parse_with("postgres://", &environment).unwrap();
    assert_eq!(url.to_string(), "postgres://os@db:5432/os");
}

#[cfg(feature = "postgres")]
#[test]
fn a_certificate_that_cannot_be_read_is_a_mistake_in_the_url() {
    let url: DatabaseUrl = "host=db sslrootcert=/nonexistent".parse().unwrap();
    assert!(matches!(url.spec("x"), Err(Error::InvalidDatabaseUrl(_))));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_directory_in_the_files_place_is_a_mistake_in_the_url() {
    let url: DatabaseUrl = format!("sqlite:{}", std::env::temp_dir().display()).parse().unwrap();
    assert!(matches!(url.spec("x"), Err(Error::InvalidDatabaseUrl(_))));
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn a_build_without_sqlite_says_so() {
    let said = "sqlite:a.db".parse::<DatabaseUrl>().unwrap_err().to_string();
    assert!(said.contains("this build has no SQLite"), "{said}");
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_build_without_postgresql_says_so() {
    let said = "postgres://db".parse::<DatabaseUrl>().unwrap_err().to_string();
    assert!(said.contains("this build has no PostgreSQL"), "{said}");
}
