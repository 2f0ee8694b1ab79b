//! How the connection is encrypted.

use std::fs::File;
use std::path::Path;

use conninfo::Host;
use conninfo::Postgres;
use conninfo::RootCertificates;
use conninfo::SslMode;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::postgres::PgSslMode;

/// Whether the mode and the authorities are supported, for any host.
pub(super) fn check(asked: &Postgres) -> Result<(), String> {
    let named = || {
        let mode = asked.sslmode.map(SslMode::as_str).unwrap_or_default();
        format!("{} `{mode}`", asked.origins.setting("sslmode"))
    };
    match asked.sslmode {
        Some(SslMode::Allow) => {
            return Err(format!(
                "{} cannot be honoured: TLS only after plain text was turned away is not offered; \
                 use `prefer` or `disable`",
                named()
            ));
        }
        Some(SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull)
            if !cfg!(feature = "tls") =>
        {
            return Err(format!(
                "{} cannot be honoured: this build has no TLS (feature `tls`); use `disable`",
                named()
            ));
        }
        _ => {}
    }
    if asked.sslrootcert == Some(RootCertificates::System) {
        return Err(format!(
            "{} with the value `system` cannot be honoured: name the system's file \
             (Debian: /etc/ssl/certs/ca-certificates.crt), or leave it out: \
             sslmode=verify-full then goes by Mozilla's list of authorities",
            asked.origins.setting("sslrootcert")
        ));
    }
    Ok(())
}

/// The driver's mode for this host.
pub(super) fn mode(asked: &Postgres, host: &Host) -> Result<PgSslMode, String> {
    match asked.sslmode_for(host) {
        None if cfg!(feature = "tls") => Ok(PgSslMode::Prefer),
        None | Some(SslMode::Disable) => Ok(PgSslMode::Disable),
        Some(SslMode::Allow) => Ok(PgSslMode::Allow),
        Some(SslMode::Prefer) => Ok(PgSslMode::Prefer),
        Some(SslMode::Require) => Ok(PgSslMode::Require),
        Some(SslMode::VerifyCa) if asked.sslrootcert.is_none() => {
            Err("sslmode `verify-ca` needs `sslrootcert`: \
                 without it every server with a certificate from a public authority would pass; \
                 name the authority's file, or use `verify-full`"
                .to_owned())
        }
        Some(SslMode::VerifyCa) => Ok(PgSslMode::VerifyCa),
        Some(SslMode::VerifyFull) if host.hostaddr.is_some() && !host.is_called_by_address() => {
            Err("`hostaddr` beside `host` cannot be honoured with sslmode `verify-full`: \
                 the certificate would be compared with the address; leave `hostaddr` out"
                .to_owned())
        }
        Some(SslMode::VerifyFull) => Ok(PgSslMode::VerifyFull),
    }
}

/// Adds the certificates. A file that cannot be read is an error here. It is a mistake in the settings, not an
/// unreachable server.
pub(super) fn with_certificates(
    options: PgConnectOptions,
    asked: &Postgres,
) -> Result<PgConnectOptions, String> {
    let readable = |keyword, file: &Path| match File::open(file) {
        Ok(_) => Ok(()),
        Err(error) => {
            let setting = asked.origins.setting(keyword);
            Err(format!("{setting} names a file that cannot be read: {error}"))
        }
    };
    let mut options = match &asked.sslrootcert {
        Some(RootCertificates::File(file)) => {
            readable("sslrootcert", file)?;
            options.ssl_root_cert(file)
        }
        // Replaces the driver's own, which come from PGSSLROOTCERT.
        Some(RootCertificates::System) | None => options.ssl_root_cert_from_pem(Vec::new()),
    };
    if let Some(client) = &asked.client_certificate {
        readable("sslcert", &client.certificate)?;
        readable("sslkey", &client.key)?;
        options = options.ssl_client_cert(&client.certificate).ssl_client_key(&client.key);
    }
    Ok(options)
}
