use super::*;

#[track_caller]
fn refused(input: &str, expected: &str) {
    let Err(error) = parse(input) else { panic!("accepted: {input}") };
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    let message = error.to_string();
    assert!(message.contains(expected), "{input}: {message}");
}

#[test]
fn values_that_change_nothing_are_accepted() {
    for keyword in [
        "client_encoding=UTF8",
        "client_encoding=auto",
        "replication=false",
        "keepalives=1",
        "keepalives=0",
        "keepalives_idle=0",
        "gssencmode=disable",
        "gssencmode=prefer",
        "sslcompression=0",
        "sslsni=1",
        "sslcertmode=allow",
        "sslnegotiation=postgres",
        "ssl_min_protocol_version=TLSv1.2",
        "ssl_max_protocol_version=TLSv1.3",
        "max_protocol_version=latest",
        "statement_cache_capacity=1",
        "service=''",
    ] {
        accepted(&format!("{BASE} {keyword}"));
    }
}

#[test]
fn unsupported_settings_are_refused_by_name() {
    for (keyword, expected) in [
        ("service=x", "keyword `service` cannot be honoured: service files are not read"),
        ("gssencmode=require", "keyword `gssencmode` with the value `require` cannot be honoured"),
        ("krbsrvname=postgres", "keyword `krbsrvname` cannot be honoured"),
        ("statement_cache_capacity=0", "`statement_cache_capacity` must be at least 1"),
        ("statement_cache_capacity=x", "`statement_cache_capacity` is not a number"),
        ("gsslib=gssapi", "keyword `gsslib`"),
        ("channel_binding=hunter", "`hunter` is not one of disable, prefer, require"),
        ("require_auth=scram-sha-256", "keyword `require_auth`"),
        ("requirepeer=postgres", "keyword `requirepeer`"),
        ("sslcompression=1", "keyword `sslcompression`"),
        ("sslcrl=/x", "keyword `sslcrl`"),
        ("sslcrldir=/x", "keyword `sslcrldir`"),
        ("sslpassword=hunter2", "keyword `sslpassword`"),
        ("scram_client_key=hunter2", "keyword `scram_client_key`"),
        ("oauth_client_secret=hunter2", "keyword `oauth_client_secret`"),
        ("sslsni=0", "keyword `sslsni`"),
        ("sslcertmode=require", "keyword `sslcertmode`"),
        ("sslnegotiation=direct", "keyword `sslnegotiation`"),
        ("ssl_min_protocol_version=TLSv1.3", "keyword `ssl_min_protocol_version`"),
        ("replication=database", "keyword `replication`"),
        ("load_balance_hosts=round", "keyword `load_balance_hosts`"),
        ("target_session_attrs=master", "`master` is not one of any, read-write, read-only"),
        ("client_encoding=LATIN1", "always UTF8"),
        ("keepalives_idle=30", "keyword `keepalives_idle`"),
        ("tcp_user_timeout=1000", "keyword `tcp_user_timeout`"),
        ("port=1,2", "keyword `port` has 2 ports for 1 host"),
        ("host=a,b,c port=1,2", "keyword `port` has 2 ports for 3 hosts"),
        ("hostaddr=1.2.3.4,5.6.7.8", "keyword `host` names 1 of 2 hosts"),
        ("host=a,b hostaddr=1.2.3.4", "keyword `hostaddr` names 1 of 2 hosts"),
        ("hostaddr=db", "keyword `hostaddr` is not an IP address"),
        ("host=@abstract", "abstract socket"),
        ("host='a b'", "has a blank"),
        ("port=0", "from 1 to 65535"),
        ("port=hunter2", "from 1 to 65535"),
        ("host=a,b port=1,hunter2", "from 1 to 65535"),
        ("connect_timeout=soon", "whole number of seconds"),
        ("options='-B 10'", "keyword `options` cannot be honoured"),
        ("sslcert=/dev/null", "`sslcert` and `sslkey` go together"),
        ("sslkey=/dev/null", "`sslcert` and `sslkey` go together"),
        ("sslmode=on", "not one of disable"),
        ("pasword=hunter2", "unknown keyword `pasword`: did you mean `password`?"),
        ("pwd=hunter2", "did you mean `password`?"),
        ("hots=x", "did you mean `host`?"),
        ("my-setting=hunter2", "neither a keyword nor the name of a run-time parameter"),
        ("search_path='a\tb'", "a tab or a line break"),
    ] {
        refused(&format!("{BASE} {keyword}"), expected);
    }
}

#[test]
fn a_url_is_as_strict_as_libpq() {
    refused("postgres://me:hunter2@db/shop?sslmod=require", "did you mean `sslmode`?");
    refused("postgres://me:hunter2@db/shop?TimeZone=UTC", "unknown parameter `TimeZone`");
    refused("postgres://me:hunter2@a/shop?service=x", "keyword `service` cannot be honoured");
    refused("postgres://me:hunter%002@a/shop", "zero byte");
    refused("postgres://me:hunter2@a/shop?ssl=false", "did you mean `sslmode`?");
    accepted("postgres://me:hunter2@a/shop?options=-c%20search_path%3Dapp");
}

#[test]
fn a_text_in_no_known_form_is_refused_without_repeating_it() {
    refused("", "it is empty");
    refused(" \n", "it is empty");
    refused("hunter2", "neither a URL");
    refused("mysql://me:hunter2@db/shop", "`mysql://` is not supported");
    refused("me:hunter2@db://shop", "neither a URL");
    refused("host=db password=my hunter2", "after the value of `password`");
}
